//! How messages end in the phone's table: recalled, erased, expired, or not kept any more.

use godwit_sdk::{Client, Content, Draft, Event, Events, OutgoingState};
use kit::{Login, Version};
use reqwest::Method;
use serde_json::json;

use crate::house::{House, connect, settled};
use crate::{heard, inbox, table};

const SECRET: &str = "words-that-must-leave-the-phone";

/// The next end that is told: its number, whether the message was known, the reason.
async fn gone(events: &mut Events) -> (u64, bool, String) {
    heard(events, "the end of a message", |event| match event {
        Event::Gone { seq, conv, reason } => Some((seq, conv.is_some(), reason)),
        _ => None,
    })
    .await
}

/// Sends a text; the platform's id of the message.
async fn sent(from: &Client, to: &str, text: &str) -> String {
    match settled(from, Draft::text(to, text)).await {
        OutgoingState::Accepted { server_id, .. } => server_id,
        other => panic!("{other:?}"),
    }
}

async fn erase(house: &House, server_id: &str) {
    let path = format!("/v1/messages/{server_id}?reason=erased");
    let (status, answer) = house.app.call(Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{status} {answer}");
}

/// Whether a text stands in the table as an app reads it.
async fn has_text(client: &Client, text: &str) -> bool {
    let entries = client.entries(0, 500).await.unwrap();
    entries.iter().any(|(_, body)| body.contains(text))
}

async fn equals_the_inbox(house: &House, client: &Client) {
    let account = client.profile().unwrap().account;
    assert_eq!(table(client).await, inbox(&house.app, &account).await);
}

#[tokio::test]
async fn what_is_taken_back_after_its_delivery_leaves_the_table_of_who_has_it() {
    let house = House::new().await;
    let (ann, ben) = (house.online("ann", |_| {}).await, house.online("ben", |_| {}).await);
    for (seq, reason) in [(1, "recalled"), (3, "erased")] {
        let mut events = ben.events();
        let mut at_ann = ann.events();
        let id = sent(&ann, "ben", SECRET).await;
        let message = heard(&mut events, "the message", |event| match event {
            Event::Message(message) if message.content == Content::text(SECRET) => Some(message),
            _ => None,
        })
        .await;
        assert_eq!(message.seq, seq);
        let list = ben.conversations().await.unwrap();
        assert_eq!(list[0].unread, 1);
        if reason == "recalled" {
            ann.recall(&id).await.unwrap();
        } else {
            erase(&house, &id).await;
        }
        // Who wrote it hears it as well.
        for events in [&mut events, &mut at_ann] {
            assert_eq!(gone(events).await, (seq, true, reason.to_owned()));
        }
        let buried = ben.message(seq).await.unwrap().expect("its place is there");
        assert_eq!(
            (buried.gone.as_deref(), buried.server_id, buried.sender),
            (Some(reason), id, "ann".to_owned())
        );
        assert_eq!(ben.conversations().await.unwrap()[0].unread, 0);
        for client in [&ann, &ben] {
            assert!(!has_text(client, SECRET).await);
        }
    }
    for client in [&ann, &ben] {
        let newest = table(client).await.pop().unwrap();
        assert_eq!(
            (&newest["type"], &newest["content"]["reason"]),
            (&json!("withdrawn"), &json!("erased"))
        );
        equals_the_inbox(&house, client).await;
    }
}

#[tokio::test]
async fn who_was_away_finds_tombstones_in_the_place_of_what_ended_meanwhile() {
    let house = House::new().await;
    let (ann, ben) = (house.online("ann", |_| {}).await, house.online("ben", |_| {}).await);
    ben.disconnect().await;
    let recalled = sent(&ann, "ben", SECRET).await;
    let erased = sent(&ann, "ben", SECRET).await;
    let other = house.app.register("cat", "cat").await;
    let (mut raw, _) = kit::Client::connect(&house.server.addresses().mqtt, &Login::of(&other, Version::V5)).await;
    raw.publish_expiring(&other.topic("outbox"), draft().as_bytes(), 1)
        .await;
    ann.recall(&recalled).await.unwrap();
    erase(&house, &erased).await;
    kit::wait_for("the end of its time", || async {
        let entries = inbox(&house.app, &ben.profile().unwrap().account).await;
        (entries[2]["gone"] == "expired").then_some(())
    })
    .await;

    let mut events = ben.events();
    connect(&ben).await;
    for (seq, reason) in [(1, "recalled"), (2, "erased"), (3, "expired")] {
        assert_eq!(gone(&mut events).await, (seq, false, reason.to_owned()));
    }
    assert!(!has_text(&ben, SECRET).await);
    equals_the_inbox(&house, &ben).await;
    let after = sent(&ann, "ben", "after").await;
    heard(&mut events, "what comes after", |event| match event {
        Event::Message(message) if message.server_id == after => Some(()),
        _ => None,
    })
    .await;
    equals_the_inbox(&house, &ben).await;
}

fn draft() -> String {
    json!({ "id": "brief", "to": "ben", "type": 0, "content": { "text": SECRET } }).to_string()
}

#[tokio::test]
async fn who_was_away_longer_than_messages_are_kept_is_told_the_gap_and_goes_on() {
    let settings = "[storage]\nsegment_size = \"64KiB\"\n[retention]\nsize = \"700KiB\"\ncheck_delay = \"50ms\"\n";
    let house = House::with(settings).await;
    let (ann, ben) = (house.online("ann", |_| {}).await, house.online("ben", |_| {}).await);
    let mut events = ben.events();
    let first = sent(&ann, "ben", "seen").await;
    heard(&mut events, "the first message", |event| match event {
        Event::Message(message) if message.server_id == first => Some(()),
        _ => None,
    })
    .await;
    ben.disconnect().await;
    let account = ben.profile().unwrap().account;
    let padding = "x".repeat(8_000);
    let mut sent = 0_u64;
    let floor = loop {
        house
            .app
            .send(&json!({ "to": "ben", "type": 0, "content": { "text": padding } }))
            .await;
        sent += 1;
        assert!(sent < 2_000, "nothing goes: {}", house.server.log());
        if !sent.is_multiple_of(20) {
            continue;
        }
        // Never more than half at once: the pass that lets go keeps up.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let floor = floor(&house, &account).await;
        if floor > 20 {
            break floor;
        }
    };
    let mut events = ben.events();
    connect(&ben).await;
    let (from, to) = heard(&mut events, "the gap", |event| match event {
        Event::Gap { from, to } => Some((from, to)),
        _ => None,
    })
    .await;
    // A pass that was late may have let go of more.
    assert!(from == 2 && to >= floor - 1, "{from} to {to}");
    let seqs: Vec<u64> = table(&ben)
        .await
        .iter()
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect();
    assert_eq!((seqs[0], seqs[1], seqs.last()), (1, to + 1, Some(&(sent + 1))));
    assert_eq!(
        seqs.len() as u64,
        sent + 1 - to + 1,
        "and nothing behind the gap is missing"
    );
    assert_eq!(ben.cursor().await.unwrap(), sent + 1);
}

async fn floor(house: &House, account: &str) -> u64 {
    let path = format!("/v1/accounts/{account}/inbox?after=0&limit=1");
    house.app.call(Method::GET, &path, None).await.1["floor"]
        .as_u64()
        .unwrap()
}
