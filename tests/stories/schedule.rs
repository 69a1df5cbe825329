//! Messages that are kept back survive kills, are sent once, and not before their time.

use std::collections::HashMap;
use std::time::Duration;

use kit::{Client, Login, Server, Version};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const MESSAGES: u64 = 40;

/// Whoever sends every other one by MQTT.
fn draft(at: u64) -> Value {
    json!({
        "id": format!("later-{at}"), "to": "bob", "type": 0, "content": {"text": format!("{at}")},
        "deliverAfter": 3 + at % 6,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_back_messages_survive_kills_and_are_sent_once() {
    let mut server = Server::start().await;
    let app = server.app().await;
    let alice = app.register("alice", "alice").await;
    let bob = app.register("bob", "bob").await;
    let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, Version::V5)).await;
    let mut promised = HashMap::new();
    for at in 0..MESSAGES {
        if at.is_multiple_of(2) {
            let draft = draft(at).to_string();
            assert_eq!(
                client.publish_and_wait(&alice.topic("outbox"), draft.as_bytes()).await,
                0
            );
        } else {
            let (status, answer) = app.call(Method::POST, "/v1/messages", Some(&draft(at))).await;
            assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
            promised.insert(format!("later-{at}"), answer["deliverAt"].as_u64().unwrap());
        }
    }
    let mut app = app;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.kill();
        server.restart().await;
        app = server.app().await;
        // Asked again while it waits or after it was sent: the same schedule.
        let (status, answer) = app.call(Method::POST, "/v1/messages", Some(&draft(1))).await;
        assert_eq!(
            (status, &answer["deliverAt"]),
            (StatusCode::ACCEPTED, &json!(promised["later-1"]))
        );
    }
    loop {
        let (_, waiting) = app.call(Method::GET, "/v1/schedules?state=pending", None).await;
        let (_, sending) = app.call(Method::GET, "/v1/schedules?state=sending", None).await;
        if waiting["items"] == json!([]) && sending["items"] == json!([]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let inbox = app.inbox(&bob).await;
    let mut ids: Vec<_> = inbox.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let mut expected: Vec<_> = (0..MESSAGES).map(|at| format!("later-{at}")).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected, "each once");
    let mut latest = 0;
    for entry in &inbox {
        if let Some(due_ms) = promised.get(entry["id"].as_str().unwrap()) {
            let sent_ms = entry["serverTime"].as_u64().unwrap();
            assert!(sent_ms >= *due_ms, "{entry} was due at {due_ms}");
            latest = latest.max(sent_ms - due_ms);
        }
    }
    println!("the latest of {MESSAGES} messages was sent {latest} ms after its time, over three kills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_kept_back_draft_sent_through_two_doors_at_once_is_one_schedule() {
    let server = Server::start().await;
    let app = server.app().await;
    app.register("bob", "bob").await;
    let alice = app.register("alice", "alice").await;
    let draft = json!({ "id": "same", "from": "alice", "to": "bob", "type": 0, "content": { "text": "once" }, "deliverAfter": 600 });
    let mut tasks = Vec::new();
    for _ in 0..50 {
        let (app, draft) = (app.clone(), draft.clone());
        tasks.push(tokio::spawn(async move {
            app.call(Method::POST, "/v1/messages", Some(&draft)).await
        }));
    }
    let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, Version::V5)).await;
    for _ in 0..50 {
        assert_eq!(
            client
                .publish_and_wait(&alice.topic("outbox"), draft.to_string().as_bytes())
                .await,
            0
        );
    }
    let mut answers = std::collections::HashSet::new();
    for task in tasks {
        let (status, answer) = task.await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        answers.insert(answer.to_string());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let (_, listed) = app.call(Method::GET, "/v1/schedules", None).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_keeps_so_many_messages_back_and_no_more() {
    let server = Server::start_with("[limits]\nkept_back_per_sender = 2\n").await;
    let app = server.app().await;
    let alice = app.register("alice", "alice").await;
    let later = |id: &str| json!({"id": id, "to": "alice", "type": 0, "content": {"text": id}, "deliverAfter": 600});
    let mut schedules = Vec::new();
    for id in ["one", "two"] {
        schedules.push(app.send(&later(id)).await["scheduleId"].as_str().unwrap().to_owned());
    }
    let refused = app.call(Method::POST, "/v1/messages", Some(&later("three"))).await;
    assert_eq!(refused.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.1["code"], "too_many_kept_back");
    // Each sender for itself; and what is asked again is there.
    app.send(&later("two")).await;
    let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, Version::V5)).await;
    for (id, reason) in [("one", 0), ("two", 0), ("three", 0x97)] {
        let draft = later(id).to_string();
        assert_eq!(
            client.publish_and_wait(&alice.topic("outbox"), draft.as_bytes()).await,
            reason,
            "{id}"
        );
    }
    app.call(Method::DELETE, &format!("/v1/schedules/{}", schedules[0]), None)
        .await;
    app.send(&later("three")).await;
}
