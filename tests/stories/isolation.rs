//! Nobody hears, writes or registers outside itself: a table of attempts with the codes they get.

use std::time::Duration;

use kit::{App, Client, Device, Event, Login, Server, Version};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{devices, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_outside_the_own_account_are_refused_and_hear_nothing() {
    let server = Server::start().await;
    let app = server.app().await;
    let [alice, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    for version in [Version::V4, Version::V5] {
        let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, version)).await;
        for filter in [
            bob.topic("inbox"),
            bob.topic("#"),
            bob.topic("reply"),
            alice.topic("outbox"),
            alice.topic("+"),
            "#".to_owned(),
            "+/+/+".to_owned(),
            "im/#".to_owned(),
            "im/+/inbox".to_owned(),
            "$SYS/#".to_owned(),
            format!("$share/g/{}", alice.topic("inbox")),
            format!("$share/g/{}", bob.topic("inbox")),
        ] {
            let code = client.subscribe(&filter, 1).await;
            assert!(code >= 0x80, "{version:?} {filter}: {code:#x}");
            assert!(
                version == Version::V5 || code == 0x80,
                "3.1.1 knows one code only: {code:#x}"
            );
        }
        app.send(&json!({ "to": "bob", "type": 0, "content": { "text": "for bob alone" } }))
            .await;
        assert_eq!(client.next_within(Duration::from_millis(300)).await, None);
        assert_eq!(client.subscribe(&alice.topic("#"), 1).await, 1);
        client.disconnect().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_elsewhere_or_as_somebody_else_is_refused_on_both_versions() {
    let server = Server::start().await;
    let app = server.app().await;
    let [alice, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    app.create_group("closed", &["bob"]).await;
    let forged = json!({ "id": "f", "from": "bob", "to": "bob", "type": 0 })
        .to_string()
        .into_bytes();
    let attempts = [
        (bob.topic("outbox"), text("1", "bob", "x"), 0x87, "topic_forbidden"),
        (alice.topic("inbox"), text("2", "bob", "x"), 0x87, "topic_forbidden"),
        ("elsewhere".to_owned(), text("3", "bob", "x"), 0x87, "topic_forbidden"),
        (alice.topic("outbox"), forged, 0x87, "not_yourself"),
        (alice.topic("outbox"), text("5", "nobody", "x"), 0x80, "user_not_found"),
        (alice.topic("outbox"), text("6", "g:closed", "x"), 0x87, "not_member"),
        (alice.topic("outbox"), text("7", "all", "x"), 0x87, "forbidden"),
        (alice.topic("outbox"), b"not json".to_vec(), 0x99, "malformed"),
    ];
    let (mut v5, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, Version::V5)).await;
    for (topic, payload, reason, code) in &attempts {
        assert_eq!(v5.publish_and_wait(topic, payload).await, *reason, "{code}");
    }
    v5.disconnect().await;
    let (mut v4, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, Version::V4)).await;
    for (topic, payload, _, code) in &attempts {
        assert_eq!(v4.publish_and_wait(topic, payload).await, 0, "{code}");
    }
    let inbox = app.inbox(&alice).await;
    let codes: Vec<&str> = inbox
        .iter()
        .map(|item| item["refused"]["code"].as_str().unwrap())
        .collect();
    let expected: Vec<&str> = attempts.iter().map(|attempt| attempt.3).collect();
    assert_eq!(codes, expected, "every refusal on 3.1.1 is a numbered entry");
    let system_only = app.inbox(&bob).await.iter().all(|item| item["type"] == "groupChange");
    assert!(system_only, "bob heard nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_get_a_code_and_never_a_bare_close() {
    let server = Server::start().await;
    let app = server.app().await;
    let [alice, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    for version in [Version::V4, Version::V5] {
        let right = Login::of(&alice, version);
        let refused = if version == Version::V4 { 5 } else { 0x87 };
        let other_id = if version == Version::V4 { 2 } else { 0x85 };
        for (login, code) in [
            (
                Login {
                    password: "wrong".into(),
                    ..right.clone()
                },
                refused,
            ),
            (
                Login {
                    password: bob.token.clone(),
                    ..right.clone()
                },
                refused,
            ),
            (
                Login {
                    username: bob.account.clone(),
                    ..right.clone()
                },
                refused,
            ),
            (
                Login {
                    username: "nobody".into(),
                    ..right.clone()
                },
                refused,
            ),
            (
                Login {
                    client_id: bob.id.clone(),
                    ..right.clone()
                },
                other_id,
            ),
            (
                Login {
                    client_id: String::new(),
                    clean: true,
                    ..right.clone()
                },
                other_id,
            ),
            (right.clone(), 0),
        ] {
            let (_, got, _) = Client::try_connect(&server.addresses().mqtt, &login)
                .await
                .expect("a CONNACK");
            assert_eq!(got, code, "{version:?} {login:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_connection_of_a_device_takes_over() {
    let server = Server::start().await;
    let app = server.app().await;
    let alice = app.register("alice", "phone").await;
    let login = Login::of(&alice, Version::V5);
    let (mut first, _) = Client::connect(&server.addresses().mqtt, &login).await;
    let (mut second, _) = Client::connect(&server.addresses().mqtt, &login).await;
    assert_eq!(first.next().await, Some(Event::Disconnect { reason: 0x8e }));
    assert_eq!(first.next().await, None);
    assert_eq!(second.subscribe(&alice.topic("inbox"), 1).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_its_users_and_moves_only_with_proof() {
    let server = Server::start().await;
    let app = server.app().await;
    let phone = app.register("alice", "shared-phone").await;
    app.send(&json!({ "to": "alice", "type": 0, "content": { "text": "secret" } }))
        .await;

    // Every app start registers again: the same device, and its cursor goes on.
    let again = app.register("alice", "shared-phone").await;
    assert_eq!((&again.id, &again.account), (&phone.id, &phone.account));
    let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(&again, Version::V4)).await;
    client.subscribe(&again.topic("inbox"), 1).await;
    assert_eq!(client.delivery().await["content"]["text"], "secret");
    client.disconnect().await;
    let third = app.register("alice", "shared-phone").await;
    let (mut client, present) = Client::connect(&server.addresses().mqtt, &Login::of(&third, Version::V4)).await;
    assert!(present, "subscriptions are kept over registrations");
    app.send(&json!({ "to": "alice", "type": 0, "content": { "text": "next" } }))
        .await;
    assert_eq!(
        client.delivery().await["content"]["text"],
        "next",
        "the cursor did not go back"
    );

    let (status, problem) = register(&app, "mallory", &json!({ "uniqueCode": "shared-phone" })).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("device_owned"))
    );
    let proof = json!({ "uniqueCode": "shared-phone", "deviceToken": third.token });
    let (status, moved) = register(&app, "mallory", &proof).await;
    assert!(status.is_success(), "{moved}");
    assert_ne!(moved["deviceId"], json!(phone.id));
    let (_, code, _) = Client::try_connect(&server.addresses().mqtt, &Login::of(&third, Version::V4))
        .await
        .expect("a CONNACK");
    assert_eq!(code, 5, "the record it moved from is retired");
}

async fn register(app: &App, user: &str, fields: &serde_json::Value) -> (StatusCode, serde_json::Value) {
    let mut body = fields.clone();
    body["ticket"] = json!(app.ticket(user).await);
    body["os"] = json!("android");
    app.call(Method::POST, "/v1/devices", Some(&body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_door_gives_a_device_nothing_but_its_own() {
    let server = Server::start().await;
    let app = server.app().await;
    let [alice, bob]: [Device; 2] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let attempts = [
        (Method::GET, format!("/v1/accounts/{}/inbox", bob.account), None),
        (
            Method::POST,
            "/v1/messages".to_owned(),
            Some(json!({ "to": "bob", "type": 0 })),
        ),
        (Method::POST, "/v1/tickets".to_owned(), Some(json!({ "userId": "bob" }))),
        (Method::DELETE, format!("/v1/devices/{}", bob.id), None),
        (Method::GET, "/v1/conversations/s-1-2/messages".to_owned(), None),
    ];
    for (method, path, body) in attempts {
        let (status, problem) = app.call_as(&alice.token, method.clone(), &path, body.as_ref()).await;
        assert!(
            matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND),
            "{method} {path}: {status} {problem}"
        );
        let (status, _) = app.call_as("nonsense", method, &path, body.as_ref()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let ticket = app.ticket("carol").await;
    let body = json!({ "ticket": ticket, "uniqueCode": "c", "os": "ios" });
    assert!(
        app.call_as("", Method::POST, "/v1/devices", Some(&body))
            .await
            .0
            .is_success()
    );
    let (status, problem) = app.call_as("", Method::POST, "/v1/devices", Some(&body)).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNAUTHORIZED, &json!("ticket_invalid")),
        "a ticket works once"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deregistered_device_is_out_at_once_and_its_account_stays() {
    let server = Server::start().await;
    let app = server.app().await;
    let alice = app.register("alice", "phone").await;
    let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, Version::V5)).await;
    client.subscribe(&alice.topic("reply"), 0).await;
    let request = json!({ "jsonrpc": "2.0", "id": "bye", "method": "device.deregister" });
    client
        .publish(&alice.topic("request"), request.to_string().as_bytes(), 0)
        .await
        .unwrap();
    assert_eq!(client.delivery().await["id"], "bye");
    assert!(matches!(client.next().await, Some(Event::Disconnect { .. })));
    let (_, code, _) = Client::try_connect(&server.addresses().mqtt, &Login::of(&alice, Version::V5))
        .await
        .expect("a CONNACK");
    assert_eq!(code, 0x87);
    let again = app.register("alice", "phone").await;
    assert_eq!(again.account, alice.account);
    assert_ne!(again.id, alice.id, "the former record is history");
}
