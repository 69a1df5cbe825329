//! A backup is taken under load and restored elsewhere: every inbox is there up to the moment the manifest names.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kit::program::{answer, run};
use kit::{App, Client, Device, Event, Login, Server, Version};
use serde_json::{Value, json};

use crate::{devices, expect_ack, gap_free, seqs, text};

/// Small segments, so that the backup meets many of them.
const SETTINGS: &str = "[storage]\nsegment_size = \"64KiB\"\n";

/// Sends until told to stop; counts what was acknowledged.
pub(crate) async fn send(
    address: String,
    from: Device,
    to: String,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
) {
    let login = Login::of(&from, Version::V5);
    let (mut client, ..) = Client::try_connect(&address, &login).await.unwrap();
    let mut n = 0;
    while !stop.load(Ordering::SeqCst) {
        let draft = text(&format!("{to}-{n}"), &to, &"x".repeat(200));
        client.publish(&from.topic("outbox"), &draft, 1).await.unwrap();
        match client.next().await {
            Some(Event::PubAck { reason: 0, .. }) => {}
            other => panic!("PUBACK expected, got {other:?}"),
        }
        n += 1;
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

async fn inboxes(app: &App, devices: &[Device]) -> Vec<Vec<Value>> {
    let mut inboxes = Vec::new();
    for device in devices {
        inboxes.push(app.inbox(device).await);
    }
    inboxes
}

/// The entries up to a server time, as texts.
fn up_to(inbox: &[Value], last: &str) -> Vec<String> {
    let upto = inbox
        .iter()
        .filter(|item| item["serverId"].as_str().is_some_and(|id| id <= last));
    upto.map(Value::to_string).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_restores_every_inbox_up_to_the_moment_it_names() {
    let server = Server::start_with(SETTINGS).await;
    let app = server.app().await;
    let users = ["ann", "bob", "cid", "dee"];
    let phones = devices(&app, &users).await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    for (at, phone) in phones.iter().cloned().enumerate() {
        let (address, to) = (
            server.addresses().mqtt.clone(),
            users[(at + 1) % users.len()].to_owned(),
        );
        tasks.push(tokio::spawn(send(
            address,
            phone,
            to,
            Arc::clone(&stop),
            Arc::clone(&acknowledged),
        )));
    }
    kit::wait_for("some load", || async {
        (acknowledged.load(Ordering::SeqCst) > 1_000).then_some(())
    })
    .await;
    let place = tempfile::tempdir().unwrap();
    let (data, to) = (server.data(), place.path().join("backup"));
    let (data, to) = (data.to_str().unwrap(), to.to_str().unwrap());
    answer(&["backup", to, "--data", data, "--json"]);
    let verdict = answer(&["archive", "verify", "--data", data, "--json"]);
    assert_eq!(verdict["sound"], true, "{verdict}");
    kit::wait_for("more load", || async {
        (acknowledged.load(Ordering::SeqCst) > 2_000).then_some(())
    })
    .await;
    let before: Vec<u64> = heads(&app, &phones).await;
    let second = answer(&["backup", to, "--data", data, "--json"]);
    assert!(second["reused"].as_u64().unwrap() > 0, "{second}");
    let during = acknowledged.load(Ordering::SeqCst);
    kit::wait_for("load behind the backup", || async {
        (acknowledged.load(Ordering::SeqCst) > during + 100).then_some(())
    })
    .await;
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }

    let restored = Server::start_restored(SETTINGS, |folder| {
        answer(&["restore", to, "--data", folder.to_str().unwrap(), "--json"]);
    })
    .await;
    let last = second["lastServerId"].as_str().unwrap();
    let (original, copy) = (
        inboxes(&app, &phones).await,
        inboxes(&restored.app().await, &phones).await,
    );
    for (at, (original, copy)) in original.iter().zip(&copy).enumerate() {
        assert!(gap_free(&seqs(copy)), "{}", users[at]);
        assert!(
            copy.len() as u64 >= before[at],
            "what was acknowledged before the backup began is in it"
        );
        assert_eq!(
            up_to(original, last),
            up_to(copy, copy.last().unwrap()["serverId"].as_str().unwrap())
        );
        assert!(original.len() > copy.len(), "messages came behind the backup");
    }
    numbering_goes_on(&restored, &phones, &copy).await;
}

async fn heads(app: &App, phones: &[Device]) -> Vec<u64> {
    inboxes(app, phones)
        .await
        .iter()
        .map(|inbox| inbox.len() as u64)
        .collect()
}

async fn numbering_goes_on(restored: &Server, phones: &[Device], copy: &[Vec<Value>]) {
    let login = Login::of(&phones[0], Version::V5);
    let (mut client, ..) = Client::try_connect(&restored.addresses().mqtt, &login).await.unwrap();
    let draft = text("after", "bob", "after the restore");
    client.publish(&phones[0].topic("outbox"), &draft, 1).await.unwrap();
    expect_ack(&mut client).await;
    let inbox = restored.app().await.inbox(&phones[1]).await;
    assert!(gap_free(&seqs(&inbox)));
    assert_eq!(inbox.len(), copy[1].len() + 1);
}

#[tokio::test]
async fn a_damaged_backup_and_a_used_folder_are_refused() {
    let mut server = Server::start().await;
    let app = server.app().await;
    app.register("ann", "phone").await;
    app.send(&json!({ "to": "ann", "type": 0, "content": { "text": "hi" } }))
        .await;
    server.stop();
    let place = tempfile::tempdir().unwrap();
    let (data, to, fresh) = (server.data(), place.path().join("backup"), place.path().join("fresh"));
    let paths = [&data, &to, &fresh].map(|path| path.to_str().unwrap().to_owned());
    answer(&["backup", &paths[1], "--data", &paths[0], "--json"]);
    let refused = run(&["restore", &paths[1], "--data", &paths[0]]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("GW-B007"));
    flip(&to.join("store.db"));
    let refused = run(&["restore", &paths[1], "--data", &paths[2]]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("GW-B008") && said.contains("store.db"), "{said}");
    assert!(!fresh.exists());
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(path, bytes).unwrap();
}
