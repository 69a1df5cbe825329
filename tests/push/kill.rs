//! Thirty kills while a thousand phones are owed a push and the vendor fails one time in five: every phone gets its
//! push, and every repeat is the same push.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use godwit_model::SystemClock;
use godwit_push::simulator::{Simulators, Trouble};
use godwit_push::{Secret, VendorName};
use kit::{Server, wait_for};
use reqwest::Method;
use serde_json::json;

const PHONES: usize = 1_000;
const KILLS: usize = 30;
const BETWEEN: Duration = Duration::from_millis(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_owed_phones_survive_thirty_kills_and_each_push_has_one_id() {
    let _ = kit::http_client();
    let simulators = Simulators::start_all(Arc::new(SystemClock)).await.unwrap();
    let mut server = Server::start_with(&settings(&simulators)).await;
    let app = server.app().await;
    app.register("ann", "desktop").await;
    let mut targets = Vec::new();
    for at in 0..PHONES {
        let target = simulators.new_device(VendorName::Fcm, &format!("phone{at}"));
        let body = json!({"ticket": app.ticket(&user(at)).await, "uniqueCode": user(at), "os": "android",
            "push": {"vendor": "fcm", "token": target.token}});
        let (status, answer) = app.call(Method::POST, "/v1/devices", Some(&body)).await;
        assert!(status.is_success(), "{answer}");
        targets.push(target);
    }
    let troubles = vec![
        Trouble::status(503),
        Trouble::too_many(0),
        Trouble::LostAnswer,
        Trouble::Reset,
        Trouble::Late(Duration::from_secs(2)),
    ];
    simulators.script(VendorName::Fcm).each(5, troubles);
    let names: Vec<String> = (0..PHONES).map(user).collect();
    app.send(&json!({"id": "to all of them", "to": names, "type": 0, "content": {"text": "hi"}}))
        .await;
    for _ in 0..KILLS {
        tokio::time::sleep(BETWEEN).await;
        server.kill();
        server.restart().await;
    }
    simulators.script(VendorName::Fcm).calm();
    wait_for("every phone to have its push", async || {
        let waiting = targets
            .iter()
            .filter(|target| simulators.phone(VendorName::Fcm, target).history.is_empty());
        (waiting.count() == 0).then_some(())
    })
    .await;
    assert_eq!(simulators.complaints(), Vec::<String>::new());
    let app = server.app().await;
    let ids = wait_for("the ledger to hold them all", async || {
        let ids = ids_of_devices(&app).await;
        (ids.len() == PHONES).then_some(ids)
    })
    .await;
    let several: Vec<_> = ids.iter().filter(|(_, ids)| ids.len() != 1).collect();
    assert!(several.is_empty(), "{several:?}");
    let repeats: usize = targets
        .iter()
        .map(|target| simulators.phone(VendorName::Fcm, target).repeats)
        .sum();
    let shown: usize = targets
        .iter()
        .map(|target| simulators.phone(VendorName::Fcm, target).history.len())
        .sum();
    assert_eq!(shown, PHONES, "each shows it once");
    println!("{PHONES} phones, {KILLS} kills: {repeats} repeats, each told by its id");
}

fn user(at: usize) -> String {
    format!("user{at}")
}

/// The ids of pushes, of each device, as the ledger has them.
async fn ids_of_devices(app: &kit::App) -> HashMap<String, BTreeSet<String>> {
    let mut ids: HashMap<String, BTreeSet<String>> = HashMap::new();
    let mut path = Some("/v1/pushes?limit=500".to_owned());
    while let Some(page) = path.take() {
        let (_, answer) = app.call(Method::GET, &page, None).await;
        for line in answer["items"].as_array().unwrap() {
            let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
            if !text("pushId").is_empty() {
                ids.entry(text("deviceId")).or_default().insert(text("pushId"));
            }
        }
        path = answer["next"].as_str().map(str::to_owned);
    }
    ids
}

/// Settings of a server that reaches the simulator of FCM, which lives in this process.
pub(crate) fn settings(simulators: &Simulators) -> String {
    let fcm = simulators.settings().fcm.unwrap();
    let text = |secret: &Secret| secret.read().unwrap();
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let connection = fcm.connection;
    let mut lines = String::from(
        "[http]\napp_requests = 100000\napp_requests_burst = 100000\naddress_requests = 100000\naddress_requests_burst = 100000\n\n[push]\ngrace = \"100ms\"\n\n",
    );
    let _ = write!(
        lines,
        "[push.fcm]\nservice_account = {}\npackage = {}\nretry_seconds = 1\n\n",
        quoted(&text(&fcm.service_account)),
        quoted(fcm.package.as_deref().unwrap()),
    );
    let _ = write!(
        lines,
        "[push.fcm.connection]\nbase_url = {}\nextra_roots = {}\ntimeout_ms = 1000\n",
        quoted(connection.base_url.as_deref().unwrap()),
        quoted(&text(connection.extra_roots.as_ref().unwrap())),
    );
    lines
}
