//! Random work through the doors, until the power goes.

use std::sync::Arc;

use kit::{App, Client, Device, Event, Login, Version};
use reqwest::Method;
use serde_json::{Value, json};

use crate::random::Random;
use crate::world::{USERS, user};

/// Drafts of one sender in one seed.
const DRAFTS: u64 = 12;

/// A draft that was acknowledged: its id, whom it was for, who sent it.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) from: String,
}

/// Told of every acknowledgement the moment it arrives.
pub(crate) type Witness = Arc<dyn Fn(&str) + Send + Sync>;

/// One device sends until it is done or the connection ends.
pub(crate) async fn send(mqtt: String, device: Device, seed: u64, witness: Witness) -> Vec<Acknowledged> {
    let mut random = Random(seed ^ device.user.bytes().fold(1, |sum, byte| sum * 31 + u64::from(byte)));
    let version = if random.below(2) == 0 { Version::V4 } else { Version::V5 };
    let login = Login {
        clean: true,
        expiry_s: 0,
        ..Login::of(&device, version)
    };
    let mut acknowledged = Vec::new();
    let Ok((mut client, 0, _)) = Client::try_connect(&mqtt, &login).await else {
        return acknowledged;
    };
    for n in 0..DRAFTS {
        let to = match random.below(8) {
            0 => "nobody".to_owned(),
            1 | 2 if matches!(device.user.as_str(), "user0" | "user1" | "user2") => "g:team".to_owned(),
            _ => user(usize::try_from(random.below(USERS as u64)).expect("small")),
        };
        let id = format!("{seed}-{}-{n}", device.user);
        let text = "x".repeat(usize::try_from(random.below(900)).expect("small"));
        let draft = json!({ "id": id, "to": to, "type": 0, "content": { "text": text } }).to_string();
        // Now and then the same draft twice: it must stay one message.
        for _ in 0..=u8::from(random.below(5) == 0) {
            if client
                .publish(&device.topic("outbox"), draft.as_bytes(), 1)
                .await
                .is_err()
            {
                return acknowledged;
            }
            match client.next().await {
                Some(Event::PubAck { reason: 0, .. }) => {
                    witness(&id);
                    acknowledged.push(Acknowledged {
                        id: id.clone(),
                        to: to.clone(),
                        from: device.user.clone(),
                    });
                }
                Some(Event::PubAck { reason: 0x80, .. }) if to == "nobody" => {}
                _ => return acknowledged,
            }
        }
    }
    acknowledged
}

/// The app tells everyone, which is more than one commit may number.
pub(crate) async fn broadcast(app: App, seed: u64, witness: Witness) -> Vec<Acknowledged> {
    let id = format!("{seed}-all");
    let message = json!({ "id": id, "to": "all", "type": 0, "content": { "text": "everyone" } });
    match app.try_call(Method::POST, "/v1/messages", &message).await {
        Some((status, _)) if status.is_success() => {
            witness(&id);
            vec![Acknowledged {
                id,
                to: "all".to_owned(),
                from: "app".to_owned(),
            }]
        }
        _ => Vec::new(),
    }
}

/// One device listens and acknowledges; what it acknowledged is the answer.
pub(crate) async fn listen(mqtt: String, device: Device) -> Vec<u64> {
    let mut heard = Vec::new();
    let Ok((mut client, 0, _)) = Client::try_connect(&mqtt, &Login::of(&device, Version::V5)).await else {
        return heard;
    };
    if client.send(&subscribe_packet(&device)).await.is_err() {
        return heard;
    }
    while let Some(event) = client.next_within(std::time::Duration::from_millis(150)).await {
        if let Event::Publish { payload, id, .. } = event {
            let value: Value = serde_json::from_slice(&payload).expect("a delivery is JSON");
            heard.push(value["seq"].as_u64().expect("a seq"));
            if client.ack(id).await.is_err() {
                break;
            }
        }
    }
    heard
}

/// SUBSCRIBE written by hand: the answer may be lost with the power.
fn subscribe_packet(device: &Device) -> Vec<u8> {
    let filter = device.topic("inbox");
    let length = u8::try_from(filter.len()).expect("short");
    let mut packet = vec![0x82, length + 6, 0, 1, 0, 0, length];
    packet.extend(filter.as_bytes());
    packet.push(1);
    packet
}
