//! A tenant is suspended: its doors are closed, its devices leave, and nothing of it is lost.

use kit::{App, Client, Device, Event, Login, Server, Version};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn note(id: &str, to: &str) -> Value {
    json!({"id": id, "to": to, "type": 0, "content": {"text": id}})
}

async fn all_leave(phones: Vec<Client>) {
    for mut phone in phones {
        while let Some(event) = phone.next().await {
            let farewell = matches!(event, Event::Publish { .. } | Event::Disconnect { .. });
            assert!(farewell, "{event:?}");
        }
    }
}

async fn every_door_is_closed(server: &Server, app: &App, ann: &Device, ticket: &str) {
    let refused = |(status, answer): (StatusCode, Value)| {
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::FORBIDDEN, &json!("tenant_suspended")),
            "{answer}"
        );
        assert_eq!(answer["retryable"], true);
    };
    refused(app.call(Method::POST, "/v1/messages", Some(&note("no", "ann"))).await);
    refused(app.call(Method::GET, "/v1/users", None).await);
    let inbox = format!("/v1/accounts/{}/inbox", ann.account);
    refused(app.call_as(&ann.token, Method::GET, &inbox, None).await);
    let body = json!({"ticket": ticket, "uniqueCode": "other", "os": "ios"});
    refused(app.call(Method::POST, "/v1/devices", Some(&body)).await);
    for (version, code) in [(Version::V4, 3), (Version::V5, 0x88)] {
        let login = Login::of(ann, version);
        let (_, answer, _) = Client::try_connect(&server.addresses().mqtt, &login)
            .await
            .expect("an answer");
        assert_eq!(answer, code, "the client is told to come later");
    }
}

async fn another_tenants_is_sent(operator: &App) {
    operator.register("carl", "carl").await;
    let mut theirs = note("theirs", "carl");
    theirs["deliverAfter"] = json!(2);
    let kept = operator.send(&theirs).await;
    kit::wait_for("the other tenant's message", || async {
        let path = format!("/v1/schedules/{}", kept["scheduleId"].as_str().unwrap());
        let (_, schedule) = operator.call(Method::GET, &path, None).await;
        (schedule["state"] == "sent").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_tenant_is_refused_at_every_door_and_comes_back_as_it_was() {
    let server = Server::start_with("[broadcasts]\nrate = 20\n").await;
    let operator = server.app().await;
    let (status, made) = operator
        .call(Method::POST, "/v1/tenants", Some(&json!({"name": "North"})))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = format!("/v1/tenants/{}/suspension", made["tenantNo"].as_str().unwrap());
    let secret = ["clientId", "clientSecret"].map(|field| made["app"][field].as_str().unwrap().to_owned());
    let app = App::with_secret(&server.addresses().http, &secret[0], &secret[1]).await;
    let (ann, bob) = (app.register("ann", "ann").await, app.register("bob", "bob").await);
    let ticket = app.ticket("ann").await;
    let users: Vec<_> = (0..40).map(|at| json!({"userId": format!("u{at}")})).collect();
    app.call(Method::POST, "/v1/users/batch", Some(&json!({ "users": users })))
        .await;
    let mut phones = Vec::new();
    for (device, version) in [(&ann, Version::V4), (&bob, Version::V5)] {
        let (mut phone, _) = Client::connect(&server.addresses().mqtt, &Login::of(device, version)).await;
        phone.subscribe(&device.topic("inbox"), 1).await;
        phones.push(phone);
    }
    app.send(&note("before", "ann")).await;
    assert_eq!(phones[0].delivery().await["id"], "before");
    let mut later = note("later", "bob");
    later["deliverAfter"] = json!(1);
    app.send(&later).await;
    let broadcast = json!({"message": note("all", "all")});
    let (status, asked) = app.call(Method::POST, "/v1/broadcasts", Some(&broadcast)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{asked}");
    kit::wait_for("the broadcast", || async {
        let (_, running) = app.call(Method::GET, "/v1/broadcasts", None).await;
        (running["items"][0]["sent"].as_u64() > Some(0)).then_some(())
    })
    .await;

    let (status, suspended) = operator.call(Method::PUT, &path, None).await;
    assert_eq!(
        (status, suspended["suspendedAt"].is_u64()),
        (StatusCode::OK, true),
        "{suspended}"
    );
    all_leave(phones).await;
    every_door_is_closed(&server, &app, &ann, &ticket).await;
    // What was due meanwhile waits: another tenant's, due later, is sent.
    another_tenants_is_sent(&operator).await;

    let (status, back) = operator.call(Method::DELETE, &path, None).await;
    assert_eq!((status, back.get("suspendedAt")), (StatusCode::OK, None), "{back}");
    let done = kit::wait_for("the broadcast's end", || async {
        let (_, done) = app.call(Method::GET, "/v1/broadcasts?state=finished", None).await;
        done["items"].get(0).cloned()
    })
    .await;
    assert_eq!(done["sent"], 42);
    kit::wait_for("what was kept back", || async {
        let (_, sent) = app.call(Method::GET, "/v1/schedules?state=sent", None).await;
        sent["items"].get(0).cloned()
    })
    .await;
    app.send(&note("after", "ann")).await;
    let ids = |inbox: Vec<Value>| -> Vec<String> {
        inbox
            .iter()
            .map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(app.inbox(&ann).await), ["before", "all", "after"]);
    let mut of_bob = ids(app.inbox(&bob).await);
    of_bob.sort_unstable();
    assert_eq!(of_bob, ["all", "later"]);
    let (_, present) = Client::connect(&server.addresses().mqtt, &Login::of(&bob, Version::V4)).await;
    assert!(present, "its session was kept");
    let own = operator.call(Method::PUT, "/v1/tenants/1/suspension", None).await;
    assert_eq!((own.0, &own.1["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")));
}
