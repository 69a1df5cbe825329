//! A subscriber that never reads costs the others nothing, and later gets everything.

use std::time::{Duration, Instant};

use kit::{Client, Event, Login, Server, Version};
use serde_json::Value;

use crate::{devices, publish_all, text};

const WAITING: u64 = 100_000;
/// What the archive's index of the segments written meanwhile may take; a queue of the messages would be far above.
const GROWTH_MAX: u64 = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_never_reads_costs_the_others_nothing() {
    let server = Server::start().await;
    let app = server.app().await;
    let [alice, bob, carol, dave] = devices(&app, &["alice", "bob", "carol", "dave"])
        .await
        .try_into()
        .unwrap();
    let address = server.addresses().mqtt.clone();
    let (mut silent, _) = Client::connect(&address, &Login::of(&bob, Version::V4)).await;
    silent.subscribe(&bob.topic("inbox"), 1).await;
    let (mut hearing, _) = Client::connect(&address, &Login::of(&dave, Version::V4)).await;
    hearing.subscribe(&dave.topic("inbox"), 1).await;
    let (mut speaking, _) = Client::connect(&address, &Login::of(&carol, Version::V5)).await;
    let (mut flooding, _) = Client::connect(&address, &Login::of(&alice, Version::V4)).await;
    let before = server.resident_bytes();

    let topic = alice.topic("outbox");
    let flood = tokio::spawn(async move {
        let drafts = (1..=WAITING).map(|n| text(&format!("m{n}"), "bob", &n.to_string()));
        publish_all(&mut flooding, &topic, drafts).await;
    });
    let mut times = Vec::new();
    for n in 0.. {
        let sent = Instant::now();
        speaking
            .publish_and_wait(&carol.topic("outbox"), &text(&format!("ping{n}"), "dave", "ping"))
            .await;
        hearing.delivery().await;
        times.push(sent.elapsed());
        if flood.is_finished() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    flood.await.unwrap();
    times.sort_unstable();
    let median = times[times.len() / 2];
    assert!(
        median < Duration::from_millis(100),
        "others wait {median:?} at the median"
    );
    let growth = server.resident_bytes().saturating_sub(before);
    assert!(
        growth < GROWTH_MAX,
        "memory grew by {growth} bytes for {WAITING} waiting messages"
    );
    println!(
        "{} pings, median {median:?}, memory +{} KiB",
        times.len(),
        growth / 1024
    );

    let mut expected = 1;
    while expected <= WAITING {
        if let Some(Event::Publish { payload, id, .. }) = silent.next().await {
            let value: Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!(value["seq"].as_u64(), Some(expected));
            assert_eq!(value["content"]["text"], expected.to_string());
            silent.ack(id).await.unwrap();
            expected += 1;
        } else {
            panic!("the connection ended at {expected}");
        }
    }
}
