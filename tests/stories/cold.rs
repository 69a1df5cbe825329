//! Old messages lie in a folder of another disk: they are read, erased and backed up as before, and when that disk is away,
//! everything but them goes on.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use godwit_archive::{Archive, Entry, RealDisk, RecordKind, Settings, Silent};
use godwit_model::clock::ManualClock;
use godwit_model::{Clock, ConversationKey, SystemClock};
use godwit_store::{AccountRecord, Store};
use kit::{App, Client, Device, Event, Login, Server, Version, program};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{devices, publish_all, seqs, text};

const SECRET: &str = "words-that-must-leave-the-store-too";
/// Messages from two months ago, one each hour.
const OLD: u64 = 240;
const HOUR_MS: u64 = 60 * 60 * 1_000;

/// Another disk, which may be away for a while.
struct Disk {
    _place: tempfile::TempDir,
    folder: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("cold");
        std::fs::create_dir(&folder).unwrap();
        Self { _place: place, folder }
    }

    fn settings(&self) -> String {
        let cold = format!(
            "[cold]\nurl = \"file://{}\"\ncheck_delay = \"200ms\"\ntime_limit = \"2s\"\n",
            self.folder.display()
        );
        format!("[storage]\nsegment_size = \"64KiB\"\nrewrite_delay = \"200ms\"\n{cold}")
    }

    fn take_away(&self) {
        std::fs::rename(&self.folder, self.folder.with_extension("away")).unwrap();
    }

    fn bring_back(&self) {
        std::fs::rename(self.folder.with_extension("away"), &self.folder).unwrap();
    }

    fn objects(&self) -> usize {
        std::fs::read_dir(&self.folder).unwrap().count()
    }
}

fn is_in_a_file(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_in_a_file(&path, text);
        }
        // A file may be renamed or removed between the listing and the reading.
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

/// Lets a log without messages look back on two months: from the first of them to the others.
async fn grow_old(data: &Path, people: &[Device]) {
    let store = Store::open(&format!("sqlite:{}", data.join("store.db").display()))
        .await
        .unwrap();
    let mut accounts = Vec::new();
    for device in people {
        accounts.push(store.account_by_id(&device.account).await.unwrap().unwrap());
    }
    let archive = data.join("archive");
    let written = tokio::task::spawn_blocking(move || write_old(&archive, &accounts));
    written.await.unwrap();
}

fn write_old(folder: &Path, accounts: &[AccountRecord]) {
    let start_ms = SystemClock.now_ms() - 60 * 24 * HOUR_MS;
    let clock = Arc::new(ManualClock::new(start_ms));
    let settings = Settings {
        segment_bytes: 64 << 10,
        ..Settings::default()
    };
    let disk = Arc::new(RealDisk::open(folder).unwrap());
    let (archive, _) = Archive::open(disk, clock.clone(), settings, Arc::new(Silent)).unwrap();
    let sender = &accounts[0];
    let mut waiting = Vec::new();
    for n in 1..=OLD {
        clock.set(start_ms + n * HOUR_MS);
        let words = if n == 5 {
            SECRET.to_owned()
        } else {
            format!("old {n} {}", "x".repeat(3_000))
        };
        let body = format!(
            "\"id\":\"old{n}\",\"from\":\"{}\",\"to\":\"bob\",\"tenantNo\":\"{}\",\"target\":[],\"type\":0,\
             \"content\":{{\"text\":\"{words}\"}},\"isBackground\":false",
            sender.user, sender.tenant.0
        );
        waiting.push(archive.append(Entry {
            kind: RecordKind::Message,
            tenant: sender.tenant,
            form: 0,
            conversation: Some(ConversationKey::single(sender.no, accounts[1].no)),
            sender: sender.no,
            duplicate_key: None,
            expires_at_ms: None,
            recipients: accounts.iter().map(|account| account.no).collect(),
            body: body.into(),
        }));
        // So that each is accepted at its hour.
        while archive.head(sender.no) < n {
            std::thread::yield_now();
        }
    }
    assert!(waiting.iter().all(Result::is_ok));
    archive.close();
}

fn answer(arguments: &[&str]) -> (bool, Value) {
    let output = Command::new(program::godwit()).args(arguments).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let value = serde_json::from_str(out.lines().last().unwrap_or_default()).unwrap_or(Value::Null);
    (output.status.success(), value)
}

/// A server that looks back on two months, of which all but the last days went to the other disk.
async fn world() -> (Server, Disk, App, Vec<Device>) {
    let disk = Disk::new();
    let mut server = Server::start_with(&disk.settings()).await;
    let people = devices(&server.app().await, &["alice", "bob", "carol"]).await;
    server.stop();
    grow_old(&server.data(), &people).await;
    server.restart().await;
    let app = server.app().await;
    // The segment that is being written is as old as its newest message.
    app.send(&json!({ "to": "bob", "type": 0, "content": { "text": "today" } }))
        .await;
    kit::wait_for("old segments are on the other disk", || async {
        // What is left is being written, or comes next.
        (disk.objects() > 5 && segments(&server.data()) <= 3).then_some(())
    })
    .await;
    (server, disk, app, people)
}

fn segments(data: &Path) -> usize {
    let names = std::fs::read_dir(data.join("archive")).unwrap();
    names
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".log"))
        .count()
}

async fn deliveries(server: &Server, device: &Device, count: u64) -> Vec<Value> {
    let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(device, Version::V5)).await;
    client.subscribe(&device.topic("inbox"), 1).await;
    let mut got = Vec::new();
    for _ in 0..count {
        got.push(client.delivery().await);
    }
    client.disconnect().await;
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_messages_on_another_disk_are_read_erased_and_backed_up_like_all_others() {
    let (mut server, disk, app, people) = world().await;
    let [_, bob, carol] = people.clone().try_into().unwrap();
    let inbox = app.inbox(&bob).await;
    assert_eq!(seqs(&inbox), (1..=OLD + 1).collect::<Vec<_>>());
    assert_eq!(inbox[4]["content"]["text"], SECRET);
    let walked = deliveries(&server, &carol, OLD).await;
    assert_eq!(seqs(&walked), (1..=OLD).collect::<Vec<_>>());
    assert!(walked[0]["content"]["text"].as_str().unwrap().starts_with("old 1 "));

    let (data, config) = (server.data(), server.data().with_file_name("godwit.toml"));
    let (data, config) = (data.to_str().unwrap(), config.to_str().unwrap());
    let with_store = ["--data", data, "--config", config, "--json"];
    let (_, stats) = answer(&[&["archive", "stats"][..], &with_store].concat());
    assert!(stats["coldSegments"].as_u64().unwrap() > 5, "{stats}");
    assert_eq!((&stats["messages"], &stats["coldUnread"]), (&json!(OLD + 1), &json!(0)));
    let (sound, verdict) = answer(&[&["archive", "verify"][..], &with_store].concat());
    assert!(sound && verdict["coldUnread"] == 0, "{verdict}");
    let (sound, verdict) = answer(&["archive", "verify", "--data", data, "--json"]);
    assert!(sound && verdict["coldUnread"] == stats["coldSegments"], "{verdict}");

    assert!(is_in_a_file(&disk.folder, SECRET));
    let path = format!("/v1/messages/{}?reason=erased", inbox[4]["serverId"].as_str().unwrap());
    let (status, said) = app.call(Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{status} {said}");
    kit::wait_for("the text is in no file of either disk", || async {
        (!is_in_a_file(&server.data(), SECRET) && !is_in_a_file(&disk.folder, SECRET)).then_some(())
    })
    .await;

    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("backup");
    for reused in [false, true] {
        let (done, said) = answer(&[&["backup", to.to_str().unwrap()][..], &with_store].concat());
        assert!(done && (said["reused"].as_u64().unwrap() > 500_000) == reused, "{said}");
    }
    let expected = app.inbox(&bob).await;
    server.kill();
    // The copy needs no other disk.
    let restored = Server::start_restored("", |folder| {
        let (done, said) = answer(&[
            "restore",
            to.to_str().unwrap(),
            "--data",
            folder.to_str().unwrap(),
            "--json",
        ]);
        assert!(done, "{said}");
    })
    .await;
    let copy = restored.app().await.inbox(&bob).await;
    assert_eq!(copy, expected);
    assert_eq!(copy[4], json!({"seq": 5, "gone": "erased"}));
    server.restart().await;
    assert_eq!(app.at(&server.addresses().http).inbox(&bob).await, expected);
    assert!(!is_in_a_file(&disk.folder, SECRET));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_other_disk_is_away_new_messages_flow_and_old_ones_wait() {
    let (mut server, disk, app, people) = world().await;
    let [alice, bob, carol] = people.clone().try_into().unwrap();
    server.kill();
    disk.take_away();
    // A start needs nothing of it.
    server.restart().await;
    let app = app.at(&server.addresses().http);
    let address = server.addresses().mqtt.clone();

    let path = format!("/v1/accounts/{}/inbox?after=0&limit=10", bob.account);
    let (status, said) = app.call_as(&bob.token, Method::GET, &path, None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{said}");
    assert_eq!(said["code"], "overloaded", "{said}");
    let path = format!("/v1/accounts/{}/inbox?after={}&limit=10", bob.account, OLD);
    let (status, said) = app.call_as(&bob.token, Method::GET, &path, None).await;
    assert!(status.is_success(), "{said}");

    // Bob's phone has seen everything old before; Carol's has seen nothing yet.
    let (mut behind, _) = Client::connect(&address, &Login::of(&carol, Version::V5)).await;
    behind.subscribe(&carol.topic("inbox"), 1).await;
    let mut fresh = app.register("bob", "new-phone").await;
    fresh.user = "bob".to_owned();
    let (mut live, _) = Client::connect(&address, &Login::of(&fresh, Version::V5)).await;
    live.subscribe(&fresh.topic("inbox"), 1).await;
    let (mut sender, _) = Client::connect(&address, &Login::of(&alice, Version::V5)).await;
    publish_all(&mut sender, &alice.topic("outbox"), [text("n1", "bob", "now")]).await;
    assert_eq!(live.delivery().await["content"]["text"], "now");

    // She is still connected, and may say something.
    assert_eq!(
        behind
            .publish_and_wait(&carol.topic("outbox"), &text("n2", "bob", "hello"))
            .await,
        0
    );
    assert_eq!(live.delivery().await["content"]["text"], "hello");
    disk.bring_back();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        match behind.next_within(Duration::from_secs(30)).await {
            Some(Event::Publish { id, payload, .. }) => {
                behind.ack(id).await.unwrap();
                seen.push(serde_json::from_slice::<Value>(&payload).unwrap());
            }
            other => panic!("an old message expected, got {other:?}"),
        }
    }
    assert_eq!(seqs(&seen), [1, 2, 3]);
    assert_eq!(app.inbox(&bob).await.len() as u64, OLD + 3);
}
