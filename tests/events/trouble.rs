//! Receivers that are down, slow, wrong, redirecting, or talk nonsense: no event is lost, and no message waits for them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use kit::wait_for;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::house::House;
use crate::receiver::{Manner, Receiver};

const TEXTS: usize = 40;

fn texts(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|at| format!("text {at}")).collect()
}

/// While a receiver misbehaves messages are acknowledged and delivered; once it does well it gets every event, each under
/// one id.
async fn through(manner: Manner) -> Receiver {
    let house = House::new().await;
    let receiver = Receiver::start().await;
    let (ann, bob) = (
        house.app.register("ann", "a").await,
        house.app.register("bob", "b").await,
    );
    house.told(&receiver).await;
    let mut phone = house.connect(&bob).await;
    let mut sender = house.connect(&ann).await;
    house.say("ann", "bob", "text 0").await;
    phone.delivery().await;
    sender.delivery().await;
    house.expect_texts(&receiver, &texts(0, 1)).await;
    receiver.behave(manner);
    for text in texts(1, TEXTS) {
        let draft = json!({"id": text, "to": "bob", "type": 0, "content": {"text": text}});
        sender
            .publish(&ann.topic("outbox"), draft.to_string().as_bytes(), 1)
            .await
            .unwrap();
        // Here, at its reader: the receiver has no say in it.
        assert_eq!(phone.delivery().await["content"]["text"], text);
    }
    wait_for("the receiver to be tried", async || {
        (receiver.got().len() > 2).then_some(())
    })
    .await;
    receiver.behave(Manner::Takes);
    // One that was not taken comes after those that were.
    let expected: BTreeSet<String> = texts(0, TEXTS).into_iter().collect();
    wait_for("every text at the receiver", async || {
        let taken: BTreeSet<String> = receiver.texts().into_iter().collect();
        (taken == expected).then_some(())
    })
    .await;
    let mut ids: HashMap<String, String> = HashMap::new();
    for got in receiver.got() {
        let server_id = got.body["data"]["message"]["serverId"].as_str().unwrap().to_owned();
        assert_eq!(ids.entry(server_id).or_insert_with(|| got.id.clone()), &got.id);
    }
    assert_eq!(ids.len(), TEXTS);
    receiver
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_at_a_receiver_that_hangs() {
    through(Manner::Hangs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_at_a_receiver_that_fails() {
    through(Manner::Status(500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_are_not_followed_and_nothing_is_lost() {
    let elsewhere = Receiver::start().await;
    through(Manner::Redirects(elsewhere.url())).await;
    assert!(elsewhere.got().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_end_is_read_only_so_far() {
    let receiver = through(Manner::Endless).await;
    assert!(receiver.got().iter().all(|got| got.taken));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_a_failure_and_nothing_is_lost() {
    let house = House::new().await;
    house.app.ticket("ann").await;
    let bob = house.app.register("bob", "b").await;
    let mut phone = house.connect(&bob).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let garbage = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 1024];
            let _ = stream.read(&mut bytes).await;
            let _ = stream.write_all(b"\x00\xff\r\nHTTP/9.9 two hundred\r\n\r\n").await;
        }
    });
    let made = house
        .webhook(&format!("http://{address}/"), &["message.accepted"])
        .await;
    let path = format!("/v1/webhooks/{}", made["webhookId"].as_str().unwrap());
    for text in texts(0, 10) {
        house.say("ann", "bob", &text).await;
        assert_eq!(phone.delivery().await["content"]["text"], text);
    }
    wait_for("a failure in the log", async || {
        let log = house.items(&format!("{path}/attempts")).await;
        log.iter().find(|line| line["outcome"] == "failed").map(|_| ())
    })
    .await;
    garbage.abort();
    let receiver = Receiver::start().await;
    house
        .must(Method::PUT, &path, Some(&json!({"url": receiver.url()})))
        .await;
    house.expect_texts(&receiver, &texts(0, 10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_down_gets_everything_when_it_is_back_also_after_a_restart() {
    let mut house = House::new().await;
    house.app.ticket("ann").await;
    house.app.ticket("bob").await;
    // A port where nobody listens.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let made = house.webhook(&format!("http://{nobody}/"), &["message.accepted"]).await;
    let path = format!("/v1/webhooks/{}", made["webhookId"].as_str().unwrap());
    for text in texts(0, 300) {
        house.say("ann", "bob", &text).await;
    }
    wait_for("it to be tried", async || {
        (house.items(&format!("{path}/attempts")).await.len() > 3).then_some(())
    })
    .await;
    let waiting = house.items(&format!("{path}/deliveries?state=waiting&limit=500")).await;
    assert!(
        !waiting.is_empty() && waiting.len() < 300,
        "the rest stays in the log: {}",
        waiting.len()
    );
    house.restart().await;
    for text in texts(300, 310) {
        house.say("ann", "bob", &text).await;
    }
    let receiver = Receiver::start().await;
    house
        .must(Method::PUT, &path, Some(&json!({"url": receiver.url()})))
        .await;
    house.expect_texts(&receiver, &texts(0, 310)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_event_holds_up_no_other_and_is_dead_in_the_end_until_it_is_told_again() {
    let house = House::with(|settings| settings.webhooks.give_up = Duration::from_millis(400)).await;
    let receiver = Receiver::start().await;
    house.app.ticket("ann").await;
    house.app.ticket("bob").await;
    let path = format!("/v1/webhooks/{}", house.told(&receiver).await);
    receiver.behave(Manner::RefusesWith("poison".to_owned()));
    for text in ["one", "poison", "two", "three"] {
        house.say("ann", "bob", text).await;
    }
    let others = ["one", "two", "three"].map(str::to_owned);
    house.expect_texts(&receiver, &others).await;
    let dead = wait_for("the event to be dead", async || {
        let dead = house.items(&format!("{path}/deliveries")).await;
        (!dead.is_empty()).then_some(dead)
    })
    .await;
    assert_eq!(dead.len(), 1);
    assert_eq!((&dead[0]["state"], &dead[0]["status"]), (&json!("dead"), &json!(500)));
    assert_eq!(dead[0]["detail"], "not this one");
    assert!(dead[0]["attempts"].as_u64().unwrap() > 1);
    let tried = receiver.got().len();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(receiver.got().len(), tried, "it is tried no more");
    receiver.behave(Manner::Takes);
    let replayed = house
        .must(Method::POST, &format!("{path}/replay"), Some(&json!({})))
        .await;
    assert_eq!(replayed["replayed"], 1);
    house
        .expect_texts(&receiver, &["one", "two", "three", "poison"].map(str::to_owned))
        .await;
    assert!(house.items(&format!("{path}/deliveries")).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_back_before_it_was_told_is_not_told() {
    let house = House::new().await;
    let receiver = Receiver::start().await;
    house.app.ticket("ann").await;
    house.app.ticket("bob").await;
    house.told(&receiver).await;
    receiver.behave(Manner::Status(503));
    let sent = house.say("ann", "bob", "a mistake").await;
    wait_for("it to be tried", async || (!receiver.got().is_empty()).then_some(())).await;
    let message = format!("/v1/messages/{}", sent["serverId"].as_str().unwrap());
    house.must(Method::DELETE, &message, None).await;
    receiver.behave(Manner::Takes);
    house.say("ann", "bob", "and now").await;
    house.expect_texts(&receiver, &["and now".to_owned()]).await;
}
