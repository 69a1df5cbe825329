//! Backups are taken while retention lets go, indexes are merged and messages are taken off the disk: each of them is one
//! moment of every inbox.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use kit::program::answer;
use kit::{App, Device, Server};
use reqwest::Method;
use serde_json::Value;

use crate::backup::send;
use crate::devices;

const USERS: [&str; 4] = ["ann", "bob", "cid", "dee"];
/// Segments that fill up in a moment; retention, merging and rewriting that never rest for long.
const SETTINGS: &str = "[storage]\nsegment_size = \"64KiB\"\nindex_fan_in = 2\nrewrite_delay = \"100ms\"\n\
                        [retention]\nsize = \"2MiB\"\ncheck_delay = \"1s\"\n";
const BACKUPS: usize = 4;

/// An inbox by its numbers.
type Inbox = BTreeMap<u64, Value>;

async fn inboxes(app: &App, phones: &[Device]) -> Vec<Inbox> {
    let mut all = Vec::new();
    for phone in phones {
        let items = app.inbox(phone).await;
        all.push(
            items
                .into_iter()
                .map(|item| (item["seq"].as_u64().unwrap(), item))
                .collect(),
        );
    }
    all
}

fn is_gone(entry: &Value) -> bool {
    entry["gone"] == "erased"
}

/// Takes messages of bob's back until told to stop; the numbers in his inbox that are gone for sure.
async fn erase(app: App, bob: Device, stop: Arc<AtomicBool>, erased: Arc<Mutex<Vec<u64>>>) {
    while !stop.load(Ordering::SeqCst) {
        let inbox = app.inbox(&bob).await;
        let Some(victim) = inbox.iter().rev().find(|entry| entry["type"] == 0) else {
            continue;
        };
        let path = format!("/v1/messages/{}?reason=erased", victim["serverId"].as_str().unwrap());
        let (status, problem) = app.call(Method::DELETE, &path, None).await;
        assert!(status.is_success(), "{status} {problem}");
        erased.lock().unwrap().push(victim["seq"].as_u64().unwrap());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// What was known of the platform when a backup began.
struct Before {
    heads: Vec<u64>,
    erased: Vec<u64>,
}

/// The restored inboxes are those of one moment, not before the backup began.
fn check(original: &[Inbox], copy: &[Inbox], before: &Before, last: &str) {
    for (at, (original, copy)) in original.iter().zip(copy).enumerate() {
        let user = USERS[at];
        let (floor, head) = (*copy.keys().next().unwrap(), *copy.keys().next_back().unwrap());
        assert!(
            copy.keys().copied().eq(floor..=head),
            "{user} has a gap in {floor} to {head}"
        );
        assert!(
            head >= before.heads[at],
            "{user}: what was acknowledged before is missing"
        );
        let compared = original
            .iter()
            .filter_map(|(seq, entry)| Some((seq, entry, copy.get(seq)?)));
        for (seq, theirs, ours) in compared {
            // What was taken back after the backup is whole in it, and never the other way round.
            assert!(
                ours == theirs || is_gone(theirs),
                "{user} {seq}: {ours} is not {theirs}"
            );
            let is_later = ours["serverId"].as_str().is_some_and(|id| id > last);
            assert!(!is_later, "{user} {seq} is behind the moment");
        }
        // Everything up to the moment is there.
        let missing = original.iter().find(|(seq, entry)| {
            let is_in_time = entry["serverId"].as_str().is_some_and(|id| id <= last);
            is_in_time && **seq >= floor && !copy.contains_key(seq)
        });
        assert_eq!(missing, None, "{user}");
    }
    for seq in &before.erased {
        let entry = copy[1].get(seq);
        assert!(entry.is_none_or(is_gone), "bob {seq} was taken back before: {entry:?}");
    }
}

async fn restored(backup: &Path, phones: &[Device]) -> Vec<Inbox> {
    let server = Server::start_restored("[storage]\nsegment_size = \"64KiB\"\n", |folder| {
        let verdict = answer(&[
            "restore",
            backup.to_str().unwrap(),
            "--data",
            folder.to_str().unwrap(),
            "--json",
        ]);
        assert!(verdict["files"].as_u64() > Some(3), "{verdict}");
    })
    .await;
    let data = server.data();
    let verdict = answer(&["archive", "verify", "--json", "--data", data.to_str().unwrap()]);
    assert_eq!(verdict["sound"], true, "{verdict}");
    inboxes(&server.app().await, phones).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_taken_while_segments_go_and_are_rewritten_hold_one_moment_each() {
    let server = Server::start_with(SETTINGS).await;
    let app = server.app().await;
    let phones = devices(&app, &USERS).await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let erased = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = vec![tokio::spawn(erase(
        app.clone(),
        phones[1].clone(),
        Arc::clone(&stop),
        Arc::clone(&erased),
    ))];
    for (at, phone) in phones.iter().cloned().enumerate() {
        let (address, to) = (
            server.addresses().mqtt.clone(),
            USERS[(at + 1) % USERS.len()].to_owned(),
        );
        tasks.push(tokio::spawn(send(
            address,
            phone,
            to,
            Arc::clone(&stop),
            Arc::clone(&acknowledged),
        )));
    }
    let floor = async || *inboxes(&app, &phones[..1]).await[0].keys().next().unwrap_or(&1);
    kit::wait_for("the first segments to go", || async {
        (floor().await > 1).then_some(())
    })
    .await;

    let (place, data) = (tempfile::tempdir().unwrap(), server.data());
    let mut taken = Vec::new();
    let mut floors = vec![floor().await];
    for n in 0..BACKUPS {
        // Every other one goes on from the one before.
        let to = place.path().join(format!("backup-{}", n / 2 * 2));
        let heads = inboxes(&app, &phones)
            .await
            .iter()
            .map(|inbox| *inbox.keys().next_back().unwrap())
            .collect();
        let before = Before {
            heads,
            erased: erased.lock().unwrap().clone(),
        };
        let done = answer(&[
            "backup",
            to.to_str().unwrap(),
            "--data",
            data.to_str().unwrap(),
            "--json",
        ]);
        let copy = place.path().join(format!("kept-{n}"));
        let copied = std::process::Command::new("cp").arg("-r").arg(&to).arg(&copy).status();
        assert!(copied.is_ok_and(|status| status.success()));
        taken.push((copy, before, done["lastServerId"].as_str().unwrap().to_owned()));
        floors.push(floor().await);
    }
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(floors[0] < floors[BACKUPS], "nothing went meanwhile: {floors:?}");
    assert!(!erased.lock().unwrap().is_empty() && server.metric("archive_rewritten_segments_total").await > 0);
    assert!(server.metric("archive_index_merges_total").await > 0);
    let original = inboxes(&app, &phones).await;
    for (folder, before, last) in &taken {
        check(&original, &restored(folder, &phones).await, before, last);
    }
}
