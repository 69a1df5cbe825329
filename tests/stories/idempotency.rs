//! The same draft a hundred times at once through two doors is one message with one answer.

use std::collections::HashSet;

use kit::{Client, Event, Login, Server, Version};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::devices;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_draft_sent_a_hundred_times_through_mqtt_and_rest_is_one_message() {
    let server = Server::start().await;
    let app = server.app().await;
    let [_, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let address = server.addresses().mqtt.clone();
    let draft = json!({ "id": "same", "to": "bob", "type": 0, "content": { "text": "once", "n": 1 } });

    let mut by_mqtt = Vec::new();
    for at in 0..5_u32 {
        let device = app.register("alice", &format!("alice-{at}")).await;
        let version = if at.is_multiple_of(2) { Version::V4 } else { Version::V5 };
        let (address, draft) = (address.clone(), draft.to_string());
        by_mqtt.push(tokio::spawn(async move {
            let (mut client, _) = Client::connect(&address, &Login::of(&device, version)).await;
            for _ in 0..10 {
                client
                    .publish(&device.topic("outbox"), draft.as_bytes(), 1)
                    .await
                    .unwrap();
            }
            for _ in 0..10 {
                assert!(matches!(client.next().await, Some(Event::PubAck { reason: 0, .. })));
            }
        }));
    }
    let mut by_rest = Vec::new();
    for at in 0..50 {
        let app = app.clone();
        // The same message, written differently: members in another order, and with the client's clock.
        let body = json!({ "content": { "n": 1, "text": "once" }, "from": "alice", "to": "u:bob", "type": 0, "id": "same", "timestamp": at });
        by_rest.push(tokio::spawn(async move {
            app.call(Method::POST, "/v1/messages", Some(&body)).await
        }));
    }
    let mut answers = HashSet::new();
    for call in by_rest {
        let (status, answer) = call.await.unwrap();
        assert!(status.is_success(), "{status} {answer}");
        answers.insert(answer.to_string());
    }
    for task in by_mqtt {
        task.await.unwrap();
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let inbox = app.inbox(&bob).await;
    assert_eq!(inbox.len(), 1);
    let answer: Value = serde_json::from_str(answers.iter().next().unwrap()).unwrap();
    assert_eq!(answer["serverId"], inbox[0]["serverId"]);
    assert_eq!(answer["convSeq"], inbox[0]["convSeq"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_id_with_another_body_is_a_conflict_through_every_door() {
    let server = Server::start().await;
    let app = server.app().await;
    let [alice, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let address = &server.addresses().mqtt;
    app.send(&json!({ "id": "x", "from": "alice", "to": "bob", "type": 0, "content": { "text": "first" } }))
        .await;

    for other in [
        json!({ "id": "x", "from": "alice", "to": "bob", "type": 0, "content": { "text": "second" } }),
        json!({ "id": "x", "from": "alice", "to": "alice", "type": 0, "content": { "text": "first" } }),
        json!({ "id": "x", "from": "alice", "to": "bob", "type": 99, "content": { "text": "first" } }),
    ] {
        let (status, problem) = app.call(Method::POST, "/v1/messages", Some(&other)).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::CONFLICT, &json!("id_conflict")),
            "{other}"
        );
        let (mut v5, _) = Client::connect(address, &Login::of(&alice, Version::V5)).await;
        assert_eq!(
            v5.publish_and_wait(&alice.topic("outbox"), other.to_string().as_bytes())
                .await,
            0x80
        );
        v5.disconnect().await;
        let (mut v4, _) = Client::connect(address, &Login::of(&alice, Version::V4)).await;
        assert_eq!(
            v4.publish_and_wait(&alice.topic("outbox"), other.to_string().as_bytes())
                .await,
            0
        );
        v4.disconnect().await;
    }
    let inbox = app.inbox(&alice).await;
    assert_eq!(inbox.len(), 2, "the message and one refused entry: {inbox:?}");
    assert_eq!(inbox[1]["refused"]["id"], "x");
    assert_eq!(inbox[1]["refused"]["code"], "id_conflict");
    assert_eq!(inbox[1]["seq"], 2);
    assert_eq!(app.inbox(&bob).await.len(), 1);
}
