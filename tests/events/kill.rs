//! Kills in the middle, with a receiver that fails one time in three: every message is told, and a repeat has the id of
//! the first.

use std::collections::BTreeSet;
use std::time::Duration;

use kit::{Server, wait_for};
use reqwest::Method;
use serde_json::json;

use crate::receiver::{Manner, Receiver};

const KILLS: usize = 6;
const SETTINGS: &str = "[http]\napp_requests = 100000\napp_requests_burst = 100000\n\n\
    [webhooks]\nprivate_addresses = true\nretry = \"50ms\"\nretry_max = \"200ms\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_goes_untold_whenever_the_server_is_killed() {
    let mut server = Server::start_with(SETTINGS).await;
    let receiver = Receiver::start().await;
    let app = server.app().await;
    app.ticket("ann").await;
    app.ticket("bob").await;
    let webhook = json!({"url": receiver.url(), "types": ["message.accepted"]});
    let (status, answer) = app.call(Method::POST, "/v1/webhooks", Some(&webhook)).await;
    assert!(status.is_success(), "{answer}");
    let mut acknowledged = BTreeSet::new();
    let mut said = 0;
    for round in 0..KILLS {
        let app = server.app().await;
        let until = tokio::time::Instant::now() + Duration::from_millis(250);
        while tokio::time::Instant::now() < until {
            said += 1;
            receiver.behave(if said % 3 == 0 {
                Manner::Status(500)
            } else {
                Manner::Takes
            });
            let text = format!("{round} {said}");
            let body = json!({"from": "ann", "to": "bob", "type": 0, "content": {"text": text}});
            if app
                .try_call(Method::POST, "/v1/messages", &body)
                .await
                .is_some_and(|(status, _)| status.is_success())
            {
                acknowledged.insert(text);
            }
        }
        server.kill();
        server.restart().await;
    }
    receiver.behave(Manner::Takes);
    wait_for("every message to be told", async || {
        let told: BTreeSet<String> = receiver.texts().into_iter().collect();
        told.is_superset(&acknowledged).then_some(())
    })
    .await;
    assert!(acknowledged.len() >= KILLS, "{}", acknowledged.len());
}
