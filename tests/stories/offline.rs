//! A stock client goes away, messages come, the server dies and comes back: it gets exactly what it missed.

use std::io::Read as _;

use kit::{Client, Login, Server, Version, mosquitto};
use serde_json::Value;

use crate::{devices, publish_all, text};

const MISSED: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stock_client_that_was_away_gets_all_it_missed_in_order_after_a_kill() {
    if !mosquitto::is_here() {
        return;
    }
    let mut server = Server::start().await;
    let app = server.app().await;
    let [alice, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let address = server.addresses().mqtt.clone();

    let first = mosquitto::subscribe(&address, &bob, 1);
    let (mut sender, _) = Client::connect(&address, &Login::of(&alice, Version::V4)).await;
    publish_all(&mut sender, &alice.topic("outbox"), [text("first", "bob", "0")]).await;
    assert_eq!(texts(first), ["0"]);
    server.only(1).await;

    let drafts = (1..=MISSED).map(|n| text(&format!("m{n}"), "bob", &n.to_string()));
    publish_all(&mut sender, &alice.topic("outbox"), drafts).await;
    server.kill();
    server.restart().await;

    let missed = texts(mosquitto::subscribe(&address, &bob, MISSED));
    let expected: Vec<String> = (1..=MISSED).map(|n| n.to_string()).collect();
    assert_eq!(missed, expected);

    // And nothing is left over: the next session starts with the next message.
    server.only(0).await;
    let next = mosquitto::subscribe(&address, &bob, 1);
    assert!(mosquitto::publish(
        &address,
        &alice,
        &String::from_utf8(text("last", "bob", "after")).unwrap()
    ));
    assert_eq!(texts(next), ["after"]);
}

fn texts(mut subscriber: std::process::Child) -> Vec<String> {
    let mut printed = String::new();
    subscriber.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(subscriber.wait().unwrap().success());
    let text = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        value["content"]["text"].as_str().unwrap().to_owned()
    };
    printed.lines().map(text).collect()
}
