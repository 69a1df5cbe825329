//! Two hundred kills between a delivery and its commit, a network that breaks: each entry is there once, in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use godwit_sdk::OutgoingState;
use kit::{App, Client, Device, Login, PATIENCE, Server, Version};
use serde_json::{Value, json};

use crate::lives::{Death, Life, Phone};
use crate::proxy::Proxy;
use crate::random::Random;
use crate::{inbox, open, table};

const PHONES: u64 = 4;
/// Kills between a delivery and the commit that keeps it, over all phones.
const KILLS: u64 = 200;
const SEED: u64 = 0x0600_d317;

/// What the story counts.
#[derive(Default)]
struct Tally {
    before_the_commit: AtomicU64,
    behind_the_commit: AtomicU64,
    anywhere: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_killed_two_hundred_times_has_what_the_platform_has() {
    let server = Server::start().await;
    let app = server.app().await;
    let proxy = Proxy::start(server.addresses().mqtt.clone(), SEED).await;
    let folder = tempfile::tempdir().unwrap();
    let http = format!("http://{}", server.addresses().http);
    let mut phones = Vec::new();
    for at in 0..PHONES {
        let user = user(at);
        app.register(&user, &format!("{user}-other")).await;
        phones.push(Phone {
            store: folder.path().join(&user),
            server: http.clone(),
            mqtt: proxy.url(),
            is_v5: at % 2 == 0,
            account: None,
            sent: BTreeMap::new(),
            user,
        });
    }
    let users: Vec<String> = (0..PHONES).map(user).collect();
    app.create_group("team", &users.iter().map(String::as_str).collect::<Vec<_>>())
        .await;

    let quiet = Arc::new(AtomicBool::new(false));
    let talker = tokio::spawn(talk(app.clone(), server.addresses().mqtt.clone(), Arc::clone(&quiet)));
    let tally = Arc::new(Tally::default());
    let mut lives = Vec::new();
    for (phone, at) in phones.into_iter().zip(0..) {
        lives.push(tokio::spawn(live(phone, at, app.clone(), Arc::clone(&tally))));
    }
    let mut phones = Vec::new();
    for life in lives {
        phones.push(life.await.unwrap());
    }
    quiet.store(true, Ordering::SeqCst);
    talker.await.unwrap();
    proxy.heal();
    // Twice: what the last of them sends, the first must hear.
    for _ in 0..2 {
        for phone in &mut phones {
            phone.settle().await;
        }
    }
    for phone in &phones {
        check(phone, &app).await;
    }
    let count = |of: &AtomicU64| of.load(Ordering::SeqCst);
    println!(
        "killed {} times before the commit, {} behind it, {} anywhere; {} connections cut",
        count(&tally.before_the_commit),
        count(&tally.behind_the_commit),
        count(&tally.anywhere),
        proxy.cuts()
    );
    assert!(count(&tally.before_the_commit) >= KILLS);
    assert!(count(&tally.behind_the_commit) > 0 && count(&tally.anywhere) > 0 && proxy.cuts() > 0);
}

#[tokio::test]
async fn what_is_not_kept_is_not_acknowledged() {
    let server = Server::start().await;
    let app = server.app().await;
    let folder = tempfile::tempdir().unwrap();
    let mut phone = Phone {
        store: folder.path().join("ann"),
        server: format!("http://{}", server.addresses().http),
        mqtt: format!("mqtt://{}", server.addresses().mqtt),
        is_v5: true,
        account: None,
        sent: BTreeMap::new(),
        user: "ann".to_owned(),
    };
    let life = |stop_at| Life {
        ticket: None,
        register: false,
        drafts: Vec::new(),
        stop_at,
        stop_after: 1,
        lasts: PATIENCE,
    };
    let other = app.register("ann", "another").await;
    let device = |phone: &Phone| {
        let table = rusqlite::Connection::open(&phone.store).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (account, id, token) = table
            .query_row("SELECT name, device, token FROM accounts", [], read)
            .unwrap();
        Device {
            account,
            id,
            token,
            ..other.clone()
        }
    };
    phone.settle_with(Some(app.ticket("ann").await)).await;
    app.send(&json!({ "to": "ann", "type": 0, "content": { "text": "hi" }, "id": "r1" }))
        .await;
    for stop_at in ["delivered", "kept"] {
        assert_eq!(phone.live_and_die(life(stop_at)).await, Death::AtItsMoment);
        let (mut raw, is_present) =
            Client::connect(&server.addresses().mqtt, &Login::of(&device(&phone), Version::V5)).await;
        assert!(is_present, "the phone's subscription stands");
        let Some(kit::Event::Publish { payload, .. }) = raw.next().await else {
            panic!("it was acknowledged")
        };
        assert_eq!(
            serde_json::from_slice::<Value>(&payload).unwrap()["id"],
            "r1",
            "killed when {stop_at}"
        );
    }
    phone.settle().await;
    // Taken over before the server had read it, its last acknowledgement would be lost.
    server.only(0).await;
    let (mut raw, _) = Client::connect(&server.addresses().mqtt, &Login::of(&device(&phone), Version::V5)).await;
    let more = raw.next_within(Duration::from_millis(500)).await;
    assert!(more.is_none(), "what is kept is acknowledged: {more:?}");
}

fn user(at: u64) -> String {
    format!("user{at}")
}

/// Writes to the phones and their group all the time.
async fn talk(app: App, mqtt: String, quiet: Arc<AtomicBool>) {
    let device = app.register("talker", "talker").await;
    let login = Login {
        clean: true,
        expiry_s: 0,
        ..Login::of(&device, Version::V5)
    };
    let (mut client, _) = Client::connect(&mqtt, &login).await;
    let mut n = 0;
    while !quiet.load(Ordering::SeqCst) {
        let content = json!({ "text": n.to_string() });
        let draft =
            json!({ "id": format!("talk-{n}"), "to": user(n % PHONES), "type": 0, "content": content }).to_string();
        client
            .publish(&device.topic("outbox"), draft.as_bytes(), 1)
            .await
            .expect("the socket is open");
        while !matches!(
            client.next().await.expect("the socket is open"),
            kit::Event::PubAck { reason: 0, .. }
        ) {}
        n += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// One life after another, until this phone's share of the kills is done.
async fn live(mut phone: Phone, at: u64, app: App, tally: Arc<Tally>) -> Phone {
    let mut random = Random::new(SEED + at);
    let mut killed = 0;
    for n in 0.. {
        if killed >= KILLS / PHONES {
            break;
        }
        let (stop_at, lasts) = match random.below(10) {
            0 => ("kept", 20_000),
            1 => ("never", random.below(300)),
            _ => ("delivered", 20_000),
        };
        // One that died while it registered spent its ticket and has nothing from it.
        let ticket = match phone.account {
            None => Some(app.ticket(&phone.user).await),
            Some(_) => None,
        };
        let life = Life {
            register: ticket.is_none() && random.below(4) == 0,
            drafts: drafts(&mut random, at, n),
            stop_at,
            stop_after: 1 + random.below(4),
            lasts: Duration::from_millis(lasts),
            ticket,
        };
        let death = phone.live_and_die(life).await;
        let counter = match (death, stop_at) {
            (Death::AtItsMoment, "delivered") => {
                killed += 1;
                &tally.before_the_commit
            }
            (Death::AtItsMoment, _) => &tally.behind_the_commit,
            (Death::Anywhere, _) => &tally.anywhere,
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }
    phone
}

/// Drafts of a life: to others, to the group, now and then to nobody that exists.
fn drafts(random: &mut Random, at: u64, life: u64) -> Vec<(String, String)> {
    (0..2)
        .map(|n| {
            let to = match random.below(8) {
                0 => "nobody".to_owned(),
                1 => "g:team".to_owned(),
                other => user((at + other) % PHONES),
            };
            (to, format!("{life}-{n}"))
        })
        .collect()
}

async fn check(phone: &Phone, app: &App) {
    let account = phone.account.as_deref().expect("it registered");
    let platforms = inbox(app, account).await;
    let client = open(phone.store.clone(), &phone.server, |_| {}).await;
    let phones = table(&client).await;
    let seqs: Vec<u64> = phones.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=platforms.len() as u64).collect::<Vec<_>>(), "{}", phone.user);
    for (mine, theirs) in phones.iter().zip(&platforms) {
        assert_eq!(mine, theirs, "{}", phone.user);
    }
    let mut messages = 0;
    for (to, ids) in &phone.sent {
        let mut order = Vec::new();
        for id in ids {
            let outgoing = client.outgoing(id).await.unwrap().expect("it was handed over");
            match outgoing.state {
                OutgoingState::Accepted { seq, .. } => order.push(seq),
                OutgoingState::Refused { code, .. } => {
                    assert_eq!((to.as_str(), code.as_str()), ("nobody", "user_not_found"));
                }
                waiting => panic!("{id} to {to} of {} is {waiting:?}", phone.user),
            }
            let count = platforms.iter().filter(|entry| is_own(entry, id)).count();
            assert_eq!(count, usize::from(to != "nobody"), "{id} to {to} of {}", phone.user);
        }
        assert!(
            order.windows(2).all(|pair| pair[0] < pair[1]),
            "the order of {} to {to}: {order:?}",
            phone.user
        );
        messages += order.len();
    }
    assert!(
        messages > 0 && seqs.len() > messages,
        "{} neither sent nor received",
        phone.user
    );
}

fn is_own(entry: &Value, id: &str) -> bool {
    entry["id"] == id
}
