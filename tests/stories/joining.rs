//! Groups whose admins approve of each who wants to join.

use kit::{App, Client, Device, Event, Login, Server, Version};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::devices;

/// Asks by JSON-RPC; events that come before the answer are put aside.
async fn ask(client: &mut Client, device: &Device, method: &str, params: &Value, events: &mut Vec<Value>) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params});
    client
        .publish(&device.topic("request"), request.to_string().as_bytes(), 0)
        .await
        .unwrap();
    loop {
        let Some(Event::Publish { topic, payload, .. }) = client.next().await else {
            panic!("no answer to {method}");
        };
        let json: Value = serde_json::from_slice(&payload).unwrap();
        if topic == device.topic("reply") {
            return json;
        }
        events.push(json);
    }
}

async fn event(client: &mut Client, events: &mut Vec<Value>) -> Value {
    if !events.is_empty() {
        return events.remove(0);
    }
    match client.next().await {
        Some(Event::Publish { payload, .. }) => serde_json::from_slice(&payload).unwrap(),
        other => panic!("an event expected, got {other:?}"),
    }
}

/// A group of Ann and Ben that approves of each, and phones of these and of three who are not in it.
async fn town() -> (Server, App, Vec<Device>, Vec<(Client, Vec<Value>)>) {
    let server = Server::start().await;
    let app = server.app().await;
    let phones = devices(&app, &["ann", "ben", "cat", "dan", "eve"]).await;
    let group = json!({"groupId": "team", "name": "Team", "owner": "ann", "members": ["ben"]});
    app.call(Method::POST, "/v1/groups", Some(&group)).await;
    let policy = json!({"joinPolicy": "approval"});
    let (status, set) = app.call(Method::PUT, "/v1/groups/team", Some(&policy)).await;
    assert_eq!(
        (status, &set["joinPolicy"]),
        (StatusCode::OK, &json!("approval")),
        "{set}"
    );
    let mut clients = Vec::new();
    for device in &phones {
        let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(device, Version::V5)).await;
        client.subscribe(&device.topic("reply"), 0).await;
        client.subscribe(&device.topic("event"), 0).await;
        clients.push((client, Vec::new()));
    }
    (server, app, phones, clients)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_to_join_is_let_in_or_refused_by_an_admin() {
    let (_server, app, phones, mut clients) = town().await;
    let team = json!({"groupId": "team"});
    for at in [2, 3, 4, 4] {
        let (client, events) = &mut clients[at];
        let answer = ask(client, &phones[at], "group.join", &team, events).await;
        assert_eq!(
            answer["result"],
            json!({"groupId": "team", "name": "Team", "asked": true}),
            "{answer}"
        );
    }
    // The owner is told of each once.
    let (ann, events) = &mut clients[0];
    for user in ["cat", "dan", "eve"] {
        let told = event(ann, events).await;
        assert_eq!(told, json!({"event": "joinRequest", "groupId": "team", "userId": user}));
    }
    let listed = ask(
        ann,
        &phones[0],
        "group.joinRequests",
        &json!({"groupId": "team", "limit": 2}),
        events,
    )
    .await;
    let names: Vec<_> = listed["result"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["userId"])
        .collect();
    assert_eq!(names, ["cat", "dan"], "{listed}");
    let of = |user: &str| json!({"groupId": "team", "userId": user});
    assert_eq!(
        ask(ann, &phones[0], "group.approveJoin", &of("cat"), events).await["result"],
        json!({})
    );
    assert_eq!(
        ask(ann, &phones[0], "group.refuseJoin", &of("dan"), events).await["result"],
        json!({})
    );
    let again = ask(ann, &phones[0], "group.approveJoin", &of("dan"), events).await;
    assert_eq!(again["error"]["data"]["code"], "not_found", "{again}");
    assert!(events.is_empty(), "nobody asked twice: {events:?}");

    let (dan, events) = &mut clients[3];
    assert_eq!(
        event(dan, events).await,
        json!({"event": "joinRefused", "groupId": "team", "userId": "dan"})
    );
    let inbox = app.inbox(&phones[2]).await;
    assert_eq!(inbox[0]["content"]["event"], "joined", "{inbox:?}");
    let (cat, events) = &mut clients[2];
    let member = ask(cat, &phones[2], "group.join", &team, events).await;
    assert_eq!(
        member["result"]["members"].as_array().map(Vec::len),
        Some(3),
        "{member}"
    );
    let mere = ask(cat, &phones[2], "group.joinRequests", &team, events).await;
    assert_eq!(mere["error"]["data"]["code"], "forbidden");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_decides_who_joins_and_a_user_takes_its_wish_back() {
    let (_server, app, phones, _) = town().await;
    let path = "/v1/groups/team/join-requests";
    let join = "/v1/groups/team/join";
    for _ in 0..2 {
        let asked = app.call_as(&phones[4].token, Method::POST, join, None).await;
        assert_eq!(
            (asked.0, &asked.1["asked"]),
            (StatusCode::ACCEPTED, &json!(true)),
            "{}",
            asked.1
        );
    }
    let (_, rest) = app.call(Method::GET, path, None).await;
    assert_eq!(
        (&rest["items"][0]["userId"], rest["items"].get(1)),
        (&json!("eve"), None)
    );
    let theirs = app.call_as(&phones[3].token, Method::GET, path, None).await;
    assert_eq!(
        (theirs.0, &theirs.1["code"]),
        (StatusCode::FORBIDDEN, &json!("not_member"))
    );
    let eve = format!("{path}/eve");
    let foreign = app.call_as(&phones[3].token, Method::DELETE, &eve, None).await;
    assert_eq!(foreign.0, StatusCode::FORBIDDEN, "{}", foreign.1);
    let own = app.call_as(&phones[4].token, Method::DELETE, &eve, None).await;
    assert_eq!(own.0, StatusCode::NO_CONTENT, "{}", own.1);
    let gone = app.call(Method::DELETE, &eve, None).await;
    assert_eq!((gone.0, &gone.1["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let asks = app
        .call_as(&phones[4].token, Method::POST, "/v1/groups/team/join", None)
        .await;
    assert_eq!((asks.0, &asks.1["asked"]), (StatusCode::ACCEPTED, &json!(true)));
    let approved = app.call(Method::POST, &format!("{eve}/approve"), None).await;
    assert_eq!(approved.0, StatusCode::NO_CONTENT, "{}", approved.1);
    let (_, left) = app.call(Method::GET, path, None).await;
    assert_eq!(left["items"], json!([]));
}
