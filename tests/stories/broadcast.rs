//! A broadcast survives kills: everybody has it once, and its figures are right.

use std::sync::Arc;

use kit::{App, Client, Login, Server, Version};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const USERS: usize = 2_000;
/// These, Ann, and the one to whom the first start invites to write.
const EVERYBODY: usize = USERS + 2;
const KILLS: usize = 3;
/// Readers at a time.
const READERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_has_a_broadcast_once_though_the_platform_is_killed_on_the_way() {
    let mut server = Server::start_with("[broadcasts]\nrate = 800\n").await;
    let mut app = server.app().await;
    let users: Vec<_> = (0..USERS).map(|at| json!({"userId": format!("u{at}")})).collect();
    let (status, answer) = app
        .call(Method::POST, "/v1/users/batch", Some(&json!({ "users": users })))
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let ann = app.register("ann", "phone").await;
    let body = json!({"message": {"id": "news", "to": "all", "type": 0, "content": {"text": "news"}}});
    let (status, asked) = app.call(Method::POST, "/v1/broadcasts", Some(&body)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{asked}");
    let path = format!("/v1/broadcasts/{}", asked["broadcastId"].as_str().expect("an id"));
    let everybody = EVERYBODY as u64;
    for kill in 1..=KILLS as u64 {
        let before = sent_at_least(&app, &path, everybody * kill / (KILLS as u64 + 1)).await;
        server.kill();
        server.restart().await;
        app = server.app().await;
        let (_, now) = app.call(Method::GET, &path, None).await;
        assert!(now["sent"].as_u64() >= Some(before), "what was sent stays sent: {now}");
        // Asked again, it is the same one.
        let (status, again) = app.call(Method::POST, "/v1/broadcasts", Some(&body)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{again}");
        assert_eq!(again["broadcastId"], asked["broadcastId"]);
    }
    let done = kit::wait_for("the end of the broadcast", || async {
        let (_, now) = app.call(Method::GET, &path, None).await;
        (now["state"] == "finished").then_some(now)
    })
    .await;
    assert_eq!(
        (&done["estimate"], &done["sent"]),
        (&json!(everybody), &json!(everybody)),
        "{done}"
    );
    each_has_it_once(&app).await;

    let (mut phone, _) = Client::connect(&server.addresses().mqtt, &Login::of(&ann, Version::V5)).await;
    phone.subscribe(&ann.topic("inbox"), 1).await;
    let got = phone.delivery().await;
    let from_app = got["from"].as_str().is_some_and(|from| from.starts_with("a:"));
    assert_eq!((&got["id"], from_app), (&json!("news"), true), "{got}");
    let read = json!({"conv": got["conv"], "upTo": got["convSeq"]});
    let path_of_ann = format!("/v1/accounts/{}/read", ann.account);
    let (status, answer) = app.call_as(&ann.token, Method::POST, &path_of_ann, Some(&read)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let report = kit::wait_for("the phone's acknowledgement", || async {
        let (_, report) = app.call(Method::GET, &format!("{path}/report"), None).await;
        (report["delivered"] == 1).then_some(report)
    })
    .await;
    let figures = ["targets", "read", "pushed", "failed"].map(|figure| report[figure].clone());
    assert_eq!(figures, [json!(everybody), json!(1), json!(0), json!(0)], "{report}");
}

async fn sent_at_least(app: &App, path: &str, count: u64) -> u64 {
    kit::wait_for("progress", || async {
        let (_, now) = app.call(Method::GET, path, None).await;
        now["sent"].as_u64().filter(|sent| *sent >= count)
    })
    .await
}

/// Reads the inbox of every user.
async fn each_has_it_once(app: &App) {
    let mut accounts = Vec::new();
    let mut path = "/v1/users?limit=500".to_owned();
    loop {
        let (_, page) = app.call(Method::GET, &path, None).await;
        let items = page["items"].as_array().expect("items");
        accounts.extend(
            items
                .iter()
                .map(|user| user["account"].as_str().expect("text").to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => break,
        }
    }
    assert_eq!(accounts.len(), EVERYBODY);
    let accounts = Arc::new(accounts);
    let readers = (0..READERS).map(|at| {
        let (app, accounts) = (app.clone(), Arc::clone(&accounts));
        tokio::spawn(async move {
            for account in accounts.iter().skip(at).step_by(READERS) {
                let path = format!("/v1/accounts/{account}/inbox?after=0");
                let (status, inbox) = app.call(Method::GET, &path, None).await;
                assert_eq!(status, StatusCode::OK, "{inbox}");
                let ids: Vec<_> = inbox["items"].as_array().expect("items").iter().map(id).collect();
                assert_eq!(ids, ["news"], "{account}");
            }
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.expect("a reader");
    }
}

fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap_or_default()
}
