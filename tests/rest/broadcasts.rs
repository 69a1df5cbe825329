//! Broadcasts: whom they reach, how they are paused and cancelled, and what is said of them.

use godwit_registry::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, House, NOW_MS, send};

impl House {
    async fn broadcast(&self, body: &Value) -> Answer {
        self.post(&self.token, "/v1/broadcasts", body).await
    }

    /// Waits until a broadcast is as it should be.
    async fn watch(&self, id: &str, is_so: impl Fn(&Answer) -> bool) -> Answer {
        loop {
            let read = self.get(&self.token, &format!("/v1/broadcasts/{id}")).await.expect(200);
            if is_so(&read) {
                return read;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn becomes_broadcast(&self, id: &str, state: &str) -> Answer {
        self.watch(id, |read| read.field("state") == state).await
    }

    /// How often each of these users has a message with this id in its inbox.
    async fn copies(&self, users: &[String], message: &str) -> Vec<usize> {
        let mut copies = Vec::with_capacity(users.len());
        for user in users {
            let account = self
                .get(&self.token, &format!("/v1/users/{user}"))
                .await
                .expect(200)
                .field("account");
            let inbox = self
                .get(&self.token, &format!("/v1/accounts/{account}/inbox?after=0&limit=500"))
                .await
                .expect(200);
            let items = inbox.json["items"].as_array().expect("items");
            copies.push(items.iter().filter(|item| item["id"] == message).count());
        }
        copies
    }

    async fn crowd(&self, count: usize) -> Vec<String> {
        let names: Vec<String> = (0..count).map(|at| format!("user{at:04}")).collect();
        let users: Vec<_> = names.iter().map(|name| json!({"userId": name})).collect();
        self.post(&self.token, "/v1/users/batch", &json!({ "users": users }))
            .await
            .expect(200);
        names
    }
}

fn news(id: &str, to: &Value) -> Value {
    json!({"message": {"id": id, "to": to, "type": "text", "content": {"text": "news"}}})
}

/// Tags, organisations, a group, and a user whom the app vouched for.
async fn arrange(house: &House, users: &[String]) {
    for (path, body) in [
        ("/v1/tags/even", json!({})),
        ("/v1/tags/low", json!({})),
        ("/v1/orgs/house", json!({})),
        ("/v1/orgs/sales", json!({"parent": "house"})),
    ] {
        house.put(&house.token, path, &body).await.expect(201);
    }
    let every = |step: usize, from: usize| -> Vec<&String> { users.iter().skip(from).step_by(step).collect() };
    for (path, who) in [
        ("/v1/tags/even", every(2, 0)),
        ("/v1/tags/low", users.iter().take(4).collect()),
        ("/v1/orgs/house", every(6, 1)),
        ("/v1/orgs/sales", every(4, 3)),
    ] {
        let change = json!({ "add": who });
        house
            .post(&house.token, &format!("{path}/members"), &change)
            .await
            .expect(200);
    }
    let group = json!({"groupId": "team", "name": "Team", "owner": users[0], "members": [users[5], users[6]]});
    house.post(&house.token, "/v1/groups", &group).await.expect(201);
    house.ticket(&users[2]).await;
}

#[tokio::test]
async fn everybody_behind_the_names_of_a_broadcast_gets_it_once() {
    let house = House::start().await;
    let users = house.crowd(12).await;
    arrange(&house, &users).await;
    let app = format!("{}@app", house.app.app.client_id);
    let cases = [
        (json!("all"), "111111111111"),
        (json!("1@tenant"), "111111111111"),
        (json!("t:even"), "101010101010"),
        (json!("house@org"), "010100010001"),
        (json!("team@qun"), "100001100000"),
        (json!(app), "001000000000"),
        (json!("and(t:even,t:low)"), "101000000000"),
        (json!("and(t:even,not(t:low))"), "000010101010"),
        (json!("not(or(t:even,o:house))"), "000001000100"),
        (json!("or(t:low,o:sales)"), "111100010001"),
        (
            json!(["t:low", users[3], users[9], "g:team", "t:none", "nobody"]),
            "111101100100",
        ),
    ];
    for (at, (to, expected)) in cases.iter().enumerate() {
        let id = format!("b{at}");
        let asked = house.broadcast(&news(&id, to)).await.expect(202);
        assert_eq!(
            asked.json["refused"].as_array().expect("a list").len(),
            if to.is_array() { 2 } else { 0 }
        );
        let done = house.becomes_broadcast(&asked.field("broadcastId"), "finished").await;
        let copies = house.copies(&users, &id).await;
        let got: String = copies.iter().map(ToString::to_string).collect();
        assert_eq!(got, *expected, "{to}");
        let targets = copies.iter().sum::<usize>();
        assert_eq!(
            (&done.json["estimate"], &done.json["sent"]),
            (&json!(targets), &json!(targets)),
            "{to}"
        );
        let report = house
            .get(
                &house.token,
                &format!("/v1/broadcasts/{}/report", asked.field("broadcastId")),
            )
            .await
            .expect(200);
        assert_eq!(
            report.json,
            json!({"targets": targets, "delivered": 0, "read": 0, "pushed": 0, "failed": 0, "countedAt": NOW_MS})
        );
    }
}

#[tokio::test]
async fn a_broadcast_asked_again_is_the_same_one() {
    let house = House::start().await;
    let users = house.crowd(3).await;
    let ask = |body: Value, key: &'static str| {
        let request = house.request(Method::POST, "/v1/broadcasts").bearer_auth(&house.token);
        send(request.header("Idempotency-Key", key).json(&body))
    };
    let mut body = news("x", &json!("all"));
    body["message"].as_object_mut().expect("an object").remove("id");
    let first = ask(body.clone(), "key").await.expect(202);
    assert_eq!(first.json["message"]["id"], "key");
    let id = first.field("broadcastId");
    house.becomes_broadcast(&id, "finished").await;
    let again = ask(body.clone(), "key").await.expect(202);
    assert_eq!(
        (again.field("broadcastId"), again.header("idempotent-replayed")),
        (id, "true")
    );
    let mut other = body.clone();
    other["message"]["content"]["text"] = json!("other");
    assert_eq!(ask(other, "key").await.problem(), (409, "id_conflict"));
    assert_eq!(house.copies(&users, "key").await, [1, 1, 1]);
    let listed = house
        .get(&house.token, "/v1/broadcasts?state=finished")
        .await
        .expect(200);
    assert_eq!(listed.json["items"].as_array().expect("items").len(), 1);
}

#[tokio::test]
async fn a_broadcast_rests_goes_on_and_ends_as_it_is_told() {
    let house = House::start().await;
    let users = house.crowd(60).await;
    let mut body = news("b", &json!("all"));
    (body["hold"], body["rate"]) = (json!(true), json!(20));
    let id = house.broadcast(&body).await.expect(202).field("broadcastId");
    let path = format!("/v1/broadcasts/{id}");
    let held = house.becomes_broadcast(&id, "estimated").await;
    assert_eq!((&held.json["estimate"], &held.json["sent"]), (&json!(60), &json!(0)));
    let conditional = |method, what: &str, tag: &str| {
        let request = house
            .request(method, &format!("{path}{what}"))
            .bearer_auth(&house.token);
        send(request.header("If-Match", tag.to_owned()))
    };
    let wrong = conditional(Method::POST, "/resume", "\"v99\"").await;
    assert_eq!(wrong.problem(), (412, "precondition_failed"));
    conditional(Method::POST, "/resume", held.header("etag"))
        .await
        .expect(200);
    house.watch(&id, |read| read.json["sent"].as_u64() >= Some(3)).await;
    house
        .post(&house.token, &format!("{path}/pause"), &json!({}))
        .await
        .expect(200);
    house
        .post(&house.token, &format!("{path}/pause"), &json!({}))
        .await
        .expect(200);
    // The page that was being sent, of one account, is still sent.
    let rests = loop {
        let read = house.get(&house.token, &path).await.expect(200);
        let (sent, copies) = (read.json["sent"].as_u64(), house.copies(&users, "b").await);
        if sent == Some(copies.iter().sum::<usize>() as u64) {
            break sent.unwrap_or_default();
        }
    };
    assert!((3..60).contains(&rests), "{rests}");
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    let read = house.get(&house.token, &path).await.expect(200);
    assert!(read.json["sent"].as_u64() <= Some(rests + 1), "it rests: {}", read.text);
    house
        .post(&house.token, &format!("{path}/resume"), &json!({}))
        .await
        .expect(200);
    house
        .watch(&id, |read| read.json["sent"].as_u64() > Some(rests + 1))
        .await;
    house.delete(&house.token, &path).await.expect(204);
    house.delete(&house.token, &path).await.expect(204);
    let over = house.get(&house.token, &path).await.expect(200);
    assert_eq!(
        (over.field("state"), over.json["doneAt"].is_u64()),
        ("cancelled".to_owned(), true)
    );
    for late in ["pause", "resume"] {
        let late = house.post(&house.token, &format!("{path}/{late}"), &json!({})).await;
        assert_eq!(late.problem(), (409, "too_late"));
    }
    // Another one is sent meanwhile, whole, and the cancelled one does not go on.
    let other = house.broadcast(&news("c", &json!("all"))).await.expect(202);
    house.becomes_broadcast(&other.field("broadcastId"), "finished").await;
    let copies = house.copies(&users, "b").await;
    let has_it = copies.iter().take_while(|count| **count == 1).count();
    assert!(has_it > 3 && has_it < 60, "{copies:?}");
    assert!(copies[has_it..].iter().all(|count| *count == 0), "{copies:?}");
    let end = house.get(&house.token, &path).await.expect(200);
    assert_eq!(end.json["sent"], has_it);
    assert!(house.copies(&users, "c").await.iter().all(|count| *count == 1));
}

#[tokio::test]
async fn a_broadcast_waits_for_its_time_and_is_judged_by_then() {
    let house = House::start().await;
    let users = house.crowd(3).await;
    let mut later = news("b", &json!("all"));
    later["message"]["deliverAfter"] = json!(60);
    let id = house.broadcast(&later).await.expect(202).field("broadcastId");
    house.becomes_broadcast(&id, "estimated").await;
    let mut of_user = news("c", &json!("all"));
    (of_user["message"]["from"], of_user["message"]["deliverAfter"]) = (json!(users[0]), json!(60));
    let blocked = house.broadcast(&of_user).await.expect(202).field("broadcastId");
    house.becomes_broadcast(&blocked, "estimated").await;
    house
        .put(&house.token, &format!("/v1/users/{}/block", users[0]), &json!({}))
        .await
        .expect(200);
    assert_eq!(house.copies(&users, "b").await, [0, 0, 0]);
    house.clock.set(NOW_MS + 60_000);
    let done = house.becomes_broadcast(&id, "finished").await;
    assert_eq!(done.json["beganAt"], NOW_MS + 60_000);
    let failed = house.becomes_broadcast(&blocked, "failed").await;
    assert_eq!(failed.field("code"), "user_blocked");
    assert_eq!(house.copies(&users, "b").await, [1, 1, 1]);
    assert_eq!(house.copies(&users, "c").await, [0, 0, 0]);
    assert_eq!(house.clock_ms(), NOW_MS + 60_000);
}

#[tokio::test]
async fn what_is_no_broadcast_is_refused() {
    let house = House::start().await;
    house.crowd(2).await;
    let with = |field: &str, value: Value| {
        let mut body = news("b", &json!("all"));
        body[field] = value;
        body
    };
    let mut target = news("b", &json!("all"));
    target["message"]["target"] = json!("user0000");
    for (body, expected) in [
        (news("b", &json!("t:none")), (404, "not_found")),
        (news("b", &json!("g:none")), (404, "group_not_found")),
        (news("b", &json!(["x", "t:none"])), (404, "user_not_found")),
        (
            json!({"message": {"type": "text", "content": {"text": "x"}}}),
            (422, "invalid_field"),
        ),
        (
            json!({"message": {"to": "all", "type": "text", "content": {}}}),
            (422, "invalid_field"),
        ),
        (with("rate", json!(0)), (422, "invalid_field")),
        (with("speed", json!(9)), (422, "invalid_field")),
        (target, (422, "invalid_field")),
    ] {
        assert_eq!(house.broadcast(&body).await.problem(), expected, "{body}");
    }
    for scopes in [&[Scope::Messages][..], &[Scope::Broadcast]] {
        let modest = house.app_with(scopes).await;
        let answer = house.post(&modest, "/v1/broadcasts", &news("b", &json!("all"))).await;
        assert_eq!(answer.problem(), (403, "forbidden"), "{scopes:?}");
    }
    let none = house.get(&house.token, "/v1/broadcasts").await.expect(200);
    assert_eq!(none.json["items"], json!([]));
}
