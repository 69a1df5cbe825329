//! Twenty kills under load: what was acknowledged is there, once, without a gap.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kit::{App, Client, Device, Event, Login, Server, Version};
use serde_json::Value;

use crate::{gap_free, seqs, text};

const SENDERS: usize = 100;
const KILLS: usize = 20;
const BETWEEN_KILLS: Duration = Duration::from_millis(400);

/// What a sender knows: draft id → receiver, for every draft that was acknowledged.
type Acknowledged = HashMap<String, String>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_twenty_kills_exactly_once() {
    let mut server = Server::start().await;
    let app = server.app().await;
    let mut senders = Vec::new();
    for at in 0..SENDERS {
        senders.push(app.register(&user(at), &format!("code-{at}")).await);
    }
    let members: Vec<String> = (0..10).map(user).collect();
    app.create_group("team", &members.iter().map(String::as_str).collect::<Vec<_>>())
        .await;

    let stop = Arc::new(AtomicBool::new(false));
    let address = server.addresses().mqtt.clone();
    let mut tasks = Vec::new();
    for (at, device) in senders.iter().cloned().enumerate() {
        tasks.push(tokio::spawn(send(address.clone(), at, device, Arc::clone(&stop))));
    }
    let listener = app.register(&user(0), "listener").await;
    let listening = tokio::spawn(listen(address, listener.clone(), Arc::clone(&stop)));
    for _ in 0..KILLS {
        tokio::time::sleep(BETWEEN_KILLS).await;
        server.kill();
        server.restart().await;
    }
    tokio::time::sleep(BETWEEN_KILLS).await;
    stop.store(true, Ordering::SeqCst);

    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.push(task.await.unwrap());
    }
    let total: usize = acknowledged.iter().map(HashMap::len).sum();
    assert!(
        total > SENDERS * 2,
        "only {total} drafts were acknowledged: the load was no load"
    );
    let app = server.app().await;
    check(&app, &senders, &acknowledged).await;

    let heard = listening.await.unwrap();
    let inbox = seqs(&app.inbox(&listener).await);
    assert!(heard.iter().all(|seq| inbox.contains(seq)));
    println!(
        "{total} drafts acknowledged over {KILLS} kills; the listener heard {} of {}",
        heard.len(),
        inbox.len()
    );
}

fn user(at: usize) -> String {
    format!("user{at}")
}

fn version(at: usize) -> Version {
    if at.is_multiple_of(2) { Version::V4 } else { Version::V5 }
}

/// Whom draft `n` of a sender is for: a peer, now and then the group, now and then nobody that exists.
fn receiver(at: usize, n: usize) -> String {
    match n % 7 {
        3 if at < 10 => "g:team".to_owned(),
        5 => "nobody".to_owned(),
        _ => user((at + n) % SENDERS),
    }
}

async fn send(address: String, at: usize, device: Device, stop: Arc<AtomicBool>) -> Acknowledged {
    let mut acknowledged = HashMap::new();
    let mut connection: Option<Client> = None;
    let mut n = 0;
    while !stop.load(Ordering::SeqCst) {
        let Some(client) = &mut connection else {
            let login = Login {
                clean: true,
                expiry_s: 0,
                ..Login::of(&device, version(at))
            };
            connection = Client::try_connect(&address, &login)
                .await
                .ok()
                .map(|(client, code, _)| {
                    assert_eq!(code, 0);
                    client
                });
            if connection.is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            continue;
        };
        let (id, to) = (format!("{at}-{n}"), receiver(at, n));
        let sent = client.publish(&device.topic("outbox"), &text(&id, &to, "x"), 1).await;
        let answer = if sent.is_ok() {
            client.next_within(Duration::from_secs(10)).await
        } else {
            None
        };
        match answer {
            Some(Event::PubAck { reason, .. }) => {
                assert!(
                    reason == 0 || (to == "nobody" && version(at) == Version::V5),
                    "{id}: {reason:#x}"
                );
                if reason == 0 {
                    acknowledged.insert(id, to);
                }
                n += 1;
            }
            // No answer: the draft is sent again under its id.
            _ => connection = None,
        }
    }
    acknowledged
}

/// Listens through all kills; every delivery is acknowledged; numbers must never skip one that was not yet heard.
async fn listen(address: String, device: Device, stop: Arc<AtomicBool>) -> Vec<u64> {
    let mut heard: Vec<u64> = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let Ok((mut client, 0, _)) = Client::try_connect(&address, &Login::of(&device, Version::V5)).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        client.send(&subscribe_packet(&device)).await.ok();
        while let Some(event) = client.next_within(Duration::from_millis(300)).await {
            if let Event::Publish { payload, id, .. } = event {
                let value: Value = serde_json::from_slice(&payload).unwrap();
                let seq = value["seq"].as_u64().unwrap();
                let last = heard.last().copied();
                assert!(last.is_none_or(|last| seq <= last + 1), "heard {seq} after {last:?}");
                if last.is_none_or(|last| seq > last) {
                    heard.push(seq);
                }
                client.ack(id).await.ok();
            }
            if stop.load(Ordering::SeqCst) {
                break;
            }
        }
    }
    heard
}

/// SUBSCRIBE written by hand: the answer may be lost in a kill.
fn subscribe_packet(device: &Device) -> Vec<u8> {
    let filter = device.topic("inbox");
    let mut packet = vec![
        0x82,
        u8::try_from(filter.len() + 6).unwrap(),
        0,
        1,
        0,
        0,
        u8::try_from(filter.len()).unwrap(),
    ];
    packet.extend(filter.as_bytes());
    packet.push(1);
    packet
}

async fn check(app: &App, senders: &[Device], acknowledged: &[Acknowledged]) {
    let mut inboxes = HashMap::new();
    let mut conversations: BTreeMap<String, BTreeMap<u64, String>> = BTreeMap::new();
    for device in senders {
        let inbox = app.inbox(device).await;
        assert!(gap_free(&seqs(&inbox)), "{}", device.user);
        for item in inbox.iter().filter(|item| item.get("conv").is_some()) {
            let number = item["convSeq"].as_u64().unwrap();
            let server_id = item["serverId"].as_str().unwrap().to_owned();
            let conversation = conversations
                .entry(item["conv"].as_str().unwrap().to_owned())
                .or_default();
            let known = conversation.entry(number).or_insert_with(|| server_id.clone());
            assert_eq!(*known, server_id, "two messages under one convSeq");
        }
        inboxes.insert(device.user.clone(), inbox);
    }
    for (conversation, numbers) in &conversations {
        let numbers: Vec<u64> = numbers.keys().copied().collect();
        assert!(gap_free(&numbers), "{conversation}: {numbers:?}");
    }
    let counts: HashMap<&String, HashMap<&str, usize>> =
        inboxes.iter().map(|(user, inbox)| (user, count(inbox))).collect();
    for (at, acknowledged) in acknowledged.iter().enumerate() {
        for (id, to) in acknowledged {
            for reader in readers(at, to) {
                let count = counts[&reader].get(id.as_str()).copied().unwrap_or_default();
                assert_eq!(count, 1, "{id} to {to} in the inbox of {reader}");
            }
        }
    }
}

/// How often each draft stands in an inbox: as a message, or as refused because nobody is there.
fn count(inbox: &[Value]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for item in inbox {
        let refused = item["refused"]["id"]
            .as_str()
            .filter(|_| item["refused"]["code"] == "user_not_found");
        if let Some(id) = item["id"].as_str().or(refused) {
            *counts.entry(id).or_default() += 1;
        }
    }
    counts
}

fn readers(at: usize, to: &str) -> Vec<String> {
    match to {
        "g:team" => (0..10).map(user).collect(),
        "nobody" => vec![user(at)],
        peer if peer == user(at) => vec![user(at)],
        peer => vec![user(at), peer.to_owned()],
    }
}
