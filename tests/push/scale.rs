//! Very many phones are owed a push: only so many are held at once, and the rest waits in the database.

use std::sync::Arc;
use std::time::Duration;

use godwit_model::SystemClock;
use godwit_push::VendorName;
use godwit_push::simulator::{Simulators, Trouble};
use kit::{Server, wait_for};
use reqwest::Method;
use serde_json::json;

const PHONES: u64 = 4_000;
const IN_FLIGHT: u64 = 8;

/// Small pages, few accounts in memory, few pushes at once, and a vendor that is patient with us.
fn small(simulators: &Simulators) -> String {
    let settings = crate::kill::settings(simulators);
    let settings = settings.replace("timeout_ms = 1000", "timeout_ms = 600000");
    settings.replace(
        "[push]\n",
        "[push]\nin_flight = 8\npage = 50\naccounts_waiting = 500\nledger_not_due = false\n",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_thousand_owed_phones_are_found_in_pages_and_eight_are_held() {
    let _ = kit::http_client();
    let simulators = Simulators::start_all(Arc::new(SystemClock)).await.unwrap();
    let fcm = simulators.script(VendorName::Fcm);
    // Nothing that is held is let go until everything was found.
    fcm.always(Trouble::Silence);
    let mut server = Server::start_with(&small(&simulators)).await;
    let app = server.app().await;
    app.register("ann", "desktop").await;
    let target = simulators.new_device(VendorName::Fcm, "model");
    let body = json!({"ticket": app.ticket("model").await, "uniqueCode": "model", "os": "android",
        "push": {"vendor": "fcm", "token": target.token}});
    let (status, answer) = app.call(Method::POST, "/v1/devices", Some(&body)).await;
    assert!(status.is_success(), "{answer}");
    server.stop();
    kit::crowd::multiply(&server.data(), "model", PHONES - 1);
    server.restart().await;
    let app = server.app().await;
    app.send(&json!({"from": "ann", "to": "all", "type": 0, "content": {"text": "hi"}}))
        .await;
    let mut held_most = 0;
    let mut found = 0;
    while found < PHONES {
        tokio::time::sleep(Duration::from_millis(50)).await;
        held_most = held_most.max(server.metric("push_jobs_held").await);
        let now = server.metric("push_enqueued_total").await;
        // Each page takes its time on a busy machine, and there is always a next one.
        assert!(now > found || now < PHONES, "{now}");
        found = now;
    }
    assert_eq!(found, PHONES, "each is owed one");
    wait_for("as many as may be held", async || {
        (server.metric("push_jobs_held").await == IN_FLIGHT).then_some(())
    })
    .await;
    assert!(held_most <= IN_FLIGHT, "{held_most}");
    assert_eq!(fcm.most_open(), 8, "nothing else was sent");
    // And they go on as soon as the vendor does.
    fcm.calm();
    server.kill();
    server.restart().await;
    let (phones, before) = (simulators.phones(), simulators.phones().received());
    wait_for("the next ones", async || {
        (phones.received() >= before + 100).then_some(())
    })
    .await;
    assert!(
        fcm.most_open() <= 16,
        "those of the server that was killed beside those of the next"
    );
}
