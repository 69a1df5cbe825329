//! A server inside the test's own process, on a disk that fails when it is told to.

use std::sync::Arc;
use std::time::Duration;

use godwit_archive::SimulatedDisk;
use godwit_model::SystemClock;
use godwit_server::Failure;
use godwit_server::running::Running;
use godwit_server::settings::Settings;
use godwit_server::wiring::{Parts, start};
use godwit_store::Store;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

async fn boot(disk: &SimulatedDisk, store: &Store) -> Running {
    try_boot(disk, store).await.expect("the server starts")
}

async fn try_boot(disk: &SimulatedDisk, store: &Store) -> Result<Running, Failure> {
    boot_with_key(disk, store, [7; 32]).await
}

async fn boot_with_key(disk: &SimulatedDisk, store: &Store, master_key: [u8; 32]) -> Result<Running, Failure> {
    let mut settings = Settings::default();
    settings.http.bind = "127.0.0.1:0".parse().expect("an address");
    settings.mqtt.bind = "127.0.0.1:0".parse().expect("an address");
    let parts = Parts {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(SystemClock),
        store: store.clone(),
        master_key,
    };
    start(&settings, parts).await
}

fn client() -> reqwest::Client {
    godwit_server::choose_cryptography();
    reqwest::Client::new()
}

/// Sends a message to the user who is there from the first start.
async fn send(base: &str, token: &str, id: &str) -> reqwest::Result<reqwest::Response> {
    let draft = json!({ "id": id, "to": "try-bob", "type": 0, "content": { "text": id } });
    let request = client().post(format!("{base}/v1/messages"));
    request.bearer_auth(token).json(&draft).send().await
}

async fn sign_in(running: &Running, base: &str) -> String {
    let app = running.first_app().expect("the first start makes an app");
    let request = client().post(format!("{base}/oauth/token"));
    let request = request.basic_auth(&app.client_id, Some(&app.client_secret));
    let answer = request
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

fn base(running: &Running) -> String {
    running.addresses().rest()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_ends_acknowledging_and_asks_for_the_end_of_the_process() {
    let disk = SimulatedDisk::new(1);
    let store = Store::open("sqlite::memory:").await.expect("a database in memory");
    let running = boot(&disk, &store).await;
    let base = base(&running);
    let token = sign_in(&running, &base).await;
    assert!(
        send(&base, &token, "one")
            .await
            .expect("an answer")
            .status()
            .is_success()
    );

    disk.fail_syncs(true);
    let refused = send(&base, &token, "two").await.expect("an answer");
    assert!(
        !refused.status().is_success(),
        "it was acknowledged and is not on the disk"
    );
    tokio::time::timeout(PATIENCE, running.archive_failed())
        .await
        .expect("the server knows that it must end");
    let ready = client().get(format!("{base}/readyz")).send().await.expect("an answer");
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.expect("text").contains("message log stopped"));
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stopped_leaves_its_ports_and_its_parts_to_the_next() {
    let disk = SimulatedDisk::new(2);
    let store = Store::open("sqlite::memory:").await.expect("a database in memory");
    let first = boot(&disk, &store).await;
    let (base, token) = (base(&first), sign_in(&first, &base(&first)).await);
    let sent: Value = send(&base, &token, "one")
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    first.shutdown().await;
    assert!(
        send(&base, &token, "two").await.is_err(),
        "a stopped server still answers"
    );

    let second = boot(&disk, &store).await;
    assert!(second.first_app().is_none(), "the app is made once");
    let base = self::base(&second);
    let again: Value = send(&base, &token, "one")
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(again["serverId"], sent["serverId"]);
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_lacks_the_accounts_of_the_log_gives_nobody_the_messages_of_strangers() {
    let disk = SimulatedDisk::new(3);
    let store = Store::open("sqlite::memory:").await.expect("a database in memory");
    let first = boot(&disk, &store).await;
    let (base, token) = (base(&first), sign_in(&first, &base(&first)).await);
    let sent = send(&base, &token, "one").await.expect("an answer");
    assert!(sent.status().is_success());
    first.shutdown().await;

    let other = Store::open("sqlite::memory:").await.expect("a database in memory");
    for attempt in 1..=2 {
        match try_boot(&disk, &other).await {
            Err(failure) => assert_eq!(failure.code, "GW-S003", "{failure}"),
            Ok(_) => panic!("attempt {attempt}: it started with a database that knows nobody"),
        }
    }
    boot(&disk, &store).await.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_two_platforms_are_not_started_together() {
    let mut parts = Vec::new();
    for seed in [6, 7] {
        let store = Store::open("sqlite::memory:").await.expect("a database in memory");
        let disk = SimulatedDisk::new(seed);
        boot(&disk, &store).await.shutdown().await;
        parts.push((disk, store));
    }
    let (one, other) = (&parts[0], &parts[1]);
    let lost = SimulatedDisk::new(8);
    for (disk, key, code) in [
        (&other.0, [7; 32], "GW-S004"),
        (&lost, [7; 32], "GW-S004"),
        (&one.0, [8; 32], "GW-D007"),
    ] {
        match boot_with_key(disk, &one.1, key).await {
            Err(failure) => assert_eq!(failure.code, code, "{failure}"),
            Ok(_) => panic!("it started with what belongs to another: {code}"),
        }
    }
    assert!(
        lost.content("platform").is_none(),
        "nothing was made new beside what was kept"
    );
    for (disk, store) in &parts {
        boot(disk, store).await.shutdown().await;
    }
}

/// Makes a group of the user who is there from the first start.
async fn make_group(base: &str, token: &str, id: &str) -> reqwest::StatusCode {
    let group = json!({ "groupId": id, "name": id, "members": ["try-bob"] });
    let request = client().post(format!("{base}/v1/groups"));
    let answer = request.bearer_auth(token).json(&group).send().await;
    answer.expect("an answer").status()
}

/// The names of the groups whose making was told, in the order it was.
async fn groups_told(base: &str, token: &str) -> Vec<String> {
    let mut names = Vec::new();
    for no in 1..=3 {
        let request = client().get(format!("{base}/v1/conversations/g-0-{no}/messages"));
        let answer = request.bearer_auth(token).send().await.expect("an answer");
        let page: Value = answer.json().await.expect("JSON");
        for item in page["items"].as_array().into_iter().flatten() {
            assert_eq!(item["content"]["event"], "created", "{item}");
            names.push(item["content"]["groupId"].as_str().expect("an id").to_owned());
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_group_is_told_after_a_kill_between_the_change_and_the_telling() {
    let disk = SimulatedDisk::new(4);
    let store = Store::open("sqlite::memory:").await.expect("a database in memory");
    let first = boot(&disk, &store).await;
    let (base, token) = (base(&first), sign_in(&first, &base(&first)).await);
    assert!(make_group(&base, &token, "before").await.is_success());
    disk.fail_syncs(true);
    assert!(
        make_group(&base, &token, "untold").await.is_success(),
        "the group is made; telling of it is owed"
    );
    first.shutdown().await;
    let disk = disk.crash();

    let owed = store.untold_changes(None).await.expect("the store answers");
    assert_eq!(owed.len(), 1, "{owed:?}");
    let second = boot(&disk, &store).await;
    let base = self::base(&second);
    assert_eq!(groups_told(&base, &token).await, ["before", "untold"]);
    assert!(store.untold_changes(None).await.expect("the store answers").is_empty());
    second.shutdown().await;
    let third = boot(&disk, &store).await;
    assert_eq!(
        groups_told(&self::base(&third), &token).await.len(),
        2,
        "each is told once"
    );
    third.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_group_that_finds_a_full_disk_is_told_when_there_is_room() {
    let disk = SimulatedDisk::new(5);
    let store = Store::open("sqlite::memory:").await.expect("a database in memory");
    let running = boot(&disk, &store).await;
    let (base, token) = (base(&running), sign_in(&running, &base(&running)).await);
    assert!(
        send(&base, &token, "one")
            .await
            .expect("an answer")
            .status()
            .is_success()
    );
    disk.set_space(Some(0));
    while send(&base, &token, "full")
        .await
        .expect("an answer")
        .status()
        .is_success()
    {}
    assert!(make_group(&base, &token, "later").await.is_success());
    disk.set_space(None);
    let told = async {
        while groups_told(&base, &token).await != ["later"] {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told)
        .await
        .expect("it is told once there is room");
    running.shutdown().await;
}
