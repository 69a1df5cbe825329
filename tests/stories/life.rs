//! The end of messages: recalled, erased down to the last byte on the disk, or kept long enough and gone.

use std::path::Path;
use std::time::Duration;

use kit::{Client, Device, Event, Login, Server, Version, mosquitto};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{devices, publish_all, seqs, text};

const SECRET: &str = "words-that-must-leave-every-file";

/// Asks over MQTT, and waits for the answer among deliveries that are acknowledged and handed back.
async fn ask(client: &mut Client, device: &Device, method: &str, params: Value) -> (Value, Vec<Value>) {
    let request = json!({"jsonrpc": "2.0", "id": "q", "method": method, "params": params});
    let topic = device.topic("request");
    client.publish(&topic, request.to_string().as_bytes(), 1).await.unwrap();
    let (mut reply, mut acknowledged, mut entries) = (None, false, Vec::new());
    while reply.is_none() || !acknowledged {
        match client.next().await {
            Some(Event::Publish { id: 0, payload, .. }) => reply = serde_json::from_slice(&payload).ok(),
            Some(Event::Publish { id, payload, .. }) => {
                client.ack(id).await.unwrap();
                entries.push(serde_json::from_slice(&payload).unwrap());
            }
            Some(Event::PubAck { .. }) => acknowledged = true,
            other => panic!("an answer expected, got {other:?}"),
        }
    }
    (reply.unwrap(), entries)
}

fn is_in_a_file(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.into_iter().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_in_a_file(&path, text);
        }
        // A file may be renamed or removed between the listing and the reading.
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recalled_message_is_a_tombstone_for_who_is_here_who_was_away_and_who_looks_back() {
    let mut server = Server::start().await;
    let app = server.app().await;
    let [alice, bob, carol] = devices(&app, &["alice", "bob", "carol"]).await.try_into().unwrap();
    app.create_group("team", &["alice", "bob", "carol"]).await;
    let address = server.addresses().mqtt.clone();
    let (mut sender, _) = Client::connect(&address, &Login::of(&alice, Version::V5)).await;
    sender.subscribe(&alice.topic("reply"), 0).await;
    let (mut online, _) = Client::connect(&address, &Login::of(&bob, Version::V4)).await;
    online.subscribe(&bob.topic("inbox"), 1).await;
    publish_all(&mut sender, &alice.topic("outbox"), [text("m1", "g:team", SECRET)]).await;
    // The group's making, then the message.
    online.delivery().await;
    let seen = online.delivery().await;
    assert_eq!(seen["content"]["text"], SECRET);

    let id = seen["serverId"].clone();
    let (stolen, _) = {
        online.subscribe(&bob.topic("reply"), 0).await;
        ask(&mut online, &bob, "message.recall", json!({"serverId": id})).await
    };
    assert_eq!(stolen["error"]["data"]["code"], "not_found", "{stolen}");
    for _ in 0..2 {
        let (reply, _) = ask(&mut sender, &alice, "message.recall", json!({"serverId": id})).await;
        assert_eq!(reply["result"]["reason"], "recalled", "{reply}");
    }
    let told = online.delivery().await;
    assert_eq!(told["type"], "withdrawn");
    assert_eq!(told["content"]["serverId"], id);
    assert_eq!((&told["from"], &told["conv"]), (&json!("g:team"), &seen["conv"]));

    let check = async |server: &Server| {
        for device in [&alice, &bob, &carol] {
            let inbox = app.at(&server.addresses().http).inbox(device).await;
            assert_eq!(seqs(&inbox), [1, 2, 3], "told once");
            assert_eq!(inbox[1], json!({"seq": 2, "gone": "recalled"}));
        }
    };
    check(&server).await;
    server.kill();
    server.restart().await;
    check(&server).await;
    let address = server.addresses().mqtt.clone();
    let (mut late, _) = Client::connect(&address, &Login::of(&carol, Version::V4)).await;
    late.subscribe(&carol.topic("inbox"), 1).await;
    late.delivery().await;
    assert_eq!(late.delivery().await, json!({"seq": 2, "gone": "recalled"}));
    assert_eq!(late.delivery().await["type"], "withdrawn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_message_leaves_every_file_of_the_data_folder() {
    let mut server = Server::start_with("[storage]\nrewrite_delay = \"100ms\"\n").await;
    let app = server.app().await;
    let [alice, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let address = server.addresses().mqtt.clone();
    let (mut sender, _) = Client::connect(&address, &Login::of(&alice, Version::V4)).await;
    let drafts = [
        text("m0", "bob", "before"),
        text("m1", "bob", SECRET),
        text("m2", "bob", "after"),
    ];
    publish_all(&mut sender, &alice.topic("outbox"), drafts).await;
    let id = app.inbox(&bob).await[1]["serverId"].as_str().unwrap().to_owned();
    assert!(is_in_a_file(&server.data(), SECRET));

    let path = format!("/v1/messages/{id}?reason=erased");
    let (status, answer) = app.call(Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{status} {answer}");
    assert_eq!(app.inbox(&bob).await[1], json!({"seq": 2, "gone": "erased"}));
    let start = std::time::Instant::now();
    while is_in_a_file(&server.data(), SECRET) {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the text is still on the disk"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.kill();
    server.restart().await;
    assert!(!is_in_a_file(&server.data(), SECRET));
    let inbox = app.at(&server.addresses().http).inbox(&bob).await;
    assert_eq!(seqs(&inbox), [1, 2, 3, 4]);
    assert_eq!(inbox[1], json!({"seq": 2, "gone": "erased"}));
    assert_eq!(inbox[2]["content"]["text"], "after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stock_client_that_was_away_longer_than_messages_are_kept_gets_one_gap_and_goes_on() {
    if !mosquitto::is_here() {
        return;
    }
    let settings = "[storage]\nsegment_size = \"64KiB\"\n[retention]\nsize = \"700KiB\"\ncheck_delay = \"50ms\"\n";
    let server = Server::start_with(settings).await;
    let app = server.app().await;
    let [alice, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let address = server.addresses().mqtt.clone();
    let (mut sender, _) = Client::connect(&address, &Login::of(&alice, Version::V4)).await;
    let first = mosquitto::subscribe(&address, &bob, 1);
    publish_all(&mut sender, &alice.topic("outbox"), [text("m0", "bob", "seen")]).await;
    assert_eq!(lines(first)[0]["seq"], 1);
    server.only(1).await;

    let padding = "x".repeat(8_000);
    let page = async || {
        let path = format!("/v1/accounts/{}/inbox?after=0&limit=1", bob.account);
        app.call_as(&bob.token, Method::GET, &path, None).await.1
    };
    let (mut sent, mut floor) = (0, 1);
    while floor < 50 {
        let drafts = (sent..sent + 20).map(|n| text(&format!("p{n}"), "bob", &padding));
        publish_all(&mut sender, &alice.topic("outbox"), drafts).await;
        sent += 20;
        assert!(sent < 2_000, "nothing goes: {}", server.log());
        // The pass that lets go may come a moment later.
        tokio::time::sleep(Duration::from_millis(200)).await;
        floor = page().await["floor"].as_u64().unwrap();
    }
    // And another one a little later still: until the floor has stood for a while.
    let (mut first, mut stood) = (page().await, 0);
    while stood < 5 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = std::mem::replace(&mut first, page().await);
        stood = if before["floor"] == first["floor"] {
            stood + 1
        } else {
            0
        };
    }
    assert_eq!(first["items"][0]["seq"], first["floor"], "a page starts at the floor");

    // The gap and all that is kept, so that the client leaves nothing unread behind and every answer arrives.
    let (floor, head) = (first["floor"].as_u64().unwrap(), first["head"].as_u64().unwrap());
    let count = usize::try_from(head - floor + 2).unwrap();
    let got = lines(mosquitto::subscribe(&address, &bob, count));
    assert_eq!(got[0], json!({"seq": floor - 1, "gap": {"from": 2, "to": floor - 1}}));
    assert_eq!(seqs(&got[1..]), (floor..=head).collect::<Vec<_>>());
    assert_eq!(got[1]["content"]["text"], padding.as_str());

    server.only(1).await;
    publish_all(&mut sender, &alice.topic("outbox"), [text("last", "bob", "on")]).await;
    let last = format!("\"seq\":{}", head + 1);
    let next = mosquitto::subscribe_until(&address, &bob, |line| line.contains(&last));
    let next: Vec<Value> = next.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Entries whose acknowledgement was lost come again, and no gap.
    let first = next[0]["seq"].as_u64().unwrap();
    assert_eq!(seqs(&next), (first..=head + 1).collect::<Vec<_>>());
    assert!(first > floor && next.last().unwrap()["content"]["text"] == "on");
}

fn lines(subscriber: std::process::Child) -> Vec<Value> {
    let output = subscriber.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
