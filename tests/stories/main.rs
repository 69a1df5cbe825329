//! Stories told through the public doors of a real server process, with real sockets and real files.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper of tests asserts too")]

mod backup;
mod backup_race;
mod broadcast;
mod call;
mod cold;
mod group;
mod idempotency;
mod isolation;
mod joining;
mod kill;
mod life;
mod offline;
mod retain;
mod schedule;
mod slow_reader;
mod suspended;

use kit::{App, Client, Device, Event};
use serde_json::{Value, json};

/// A text draft.
fn text(id: &str, to: &str, text: &str) -> Vec<u8> {
    json!({ "id": id, "to": to, "type": 0, "content": { "text": text } })
        .to_string()
        .into_bytes()
}

/// Publishes drafts at QoS 1 with up to 32 on the way; every one must be taken.
async fn publish_all(client: &mut Client, topic: &str, drafts: impl IntoIterator<Item = Vec<u8>>) {
    let (mut sent, mut acknowledged) = (0_u64, 0_u64);
    for draft in drafts {
        client.publish(topic, &draft, 1).await.expect("the socket is open");
        sent += 1;
        if sent - acknowledged == 32 {
            expect_ack(client).await;
            acknowledged += 1;
        }
    }
    for _ in acknowledged..sent {
        expect_ack(client).await;
    }
}

async fn expect_ack(client: &mut Client) {
    match client.next().await {
        Some(Event::PubAck { reason: 0, .. }) => {}
        other => panic!("PUBACK expected, got {other:?}"),
    }
}

/// The numbers of a list of entries.
fn seqs(items: &[Value]) -> Vec<u64> {
    items.iter().map(|item| item["seq"].as_u64().expect("a seq")).collect()
}

/// Whether numbers are 1, 2, 3 … without a gap or a repeat.
fn gap_free(seqs: &[u64]) -> bool {
    seqs.iter().zip(1..).all(|(seq, expected)| *seq == expected)
}

async fn devices(app: &App, users: &[&str]) -> Vec<Device> {
    let mut devices = Vec::new();
    for user in users {
        devices.push(app.register(user, &format!("{user}-phone")).await);
    }
    devices
}
