//! Tags, organisations and everything else an app can address, and what it is answered.

use godwit_registry::Scope;
use serde_json::{Value, json};

use crate::house::{Answer, House};

async fn users(house: &House, names: &[&str]) {
    let users: Vec<_> = names.iter().map(|name| json!({"userId": name})).collect();
    house
        .post(&house.token, "/v1/users/batch", &json!({ "users": users }))
        .await
        .expect(200);
}

/// A house with seven users: tags `vip` (ann, bob), `trial` (bob, carl), and organisations `house` > `sales` > `north`.
async fn town() -> House {
    let house = House::start().await;
    users(&house, &["ann", "bob", "carl", "dora", "emil", "fred", "gina"]).await;
    for (path, body) in [
        ("/v1/tags/vip", json!({"name": "Important"})),
        ("/v1/tags/trial", json!({})),
        ("/v1/orgs/house", json!({"name": "The house"})),
        ("/v1/orgs/sales", json!({"parent": "house"})),
        ("/v1/orgs/north", json!({"parent": "sales"})),
    ] {
        house.put(&house.token, path, &body).await.expect(201);
    }
    for (path, who) in [
        ("/v1/tags/vip", json!(["ann", "bob"])),
        ("/v1/tags/trial", json!(["bob", "carl"])),
        ("/v1/orgs/house", json!(["dora"])),
        ("/v1/orgs/sales", json!(["ann", "emil"])),
        ("/v1/orgs/north", json!(["carl", "emil"])),
    ] {
        let change = json!({ "add": who });
        house
            .post(&house.token, &format!("{path}/members"), &change)
            .await
            .expect(200);
    }
    house
}

fn note(to: &Value) -> Value {
    json!({"to": to, "type": "note"})
}

#[tokio::test]
async fn every_name_with_a_kind_reaches_those_behind_it_once() {
    let house = town().await;
    house.ticket("fred").await;
    let app = format!("{}@app", house.app.app.client_id);
    for (to, canonical, accepted) in [
        ("t:vip", "t:vip", 2),
        ("o:house", "o:house", 4),
        ("sales@org", "o:sales", 3),
        ("o:north", "o:north", 2),
        ("and(t:vip,t:trial)", "and(t:vip,t:trial)", 1),
        ("or(t:vip, sales@org)", "or(t:vip,o:sales)", 4),
        ("and(o:house,not(t:vip))", "and(o:house,not(t:vip))", 3),
        ("not(or(t:vip,t:trial))", "not(or(t:vip,t:trial))", 4),
        (&*app, &*format!("a:{}", house.app.app.client_id), 1),
        ("all", "all", 7),
        ("1@tenant", "all", 7),
    ] {
        let sent = house.message(&note(&json!(to))).await.expect(201);
        assert_eq!(sent.json["accepted"], accepted, "{to}");
        assert_eq!(
            sent.json["targets"],
            json!([{"to": canonical, "accounts": accepted}]),
            "{to}"
        );
    }
    let list = json!(["ann", "t:vip", "o:sales", "nobody", "t:none"]);
    let sent = house.message(&note(&list)).await.expect(201);
    assert_eq!(sent.json["accepted"], 4, "ann, bob, emil and carl");
    assert_eq!(
        sent.json["refused"],
        json!([{"to": "nobody", "code": "user_not_found"}, {"to": "t:none", "code": "not_found"}])
    );
    let ann = house.get(&house.token, "/v1/users/ann").await.field("account");
    let inbox = house
        .get(&house.token, &format!("/v1/accounts/{ann}/inbox?limit=1"))
        .await
        .expect(200);
    assert_eq!(inbox.json["items"][0]["serverId"], sent.json["serverId"]);
    assert_eq!(inbox.json["items"][0]["to"], "ann");
}

#[tokio::test]
async fn what_cannot_be_addressed_is_refused_before_anything_is_sent() {
    let house = town().await;
    house.put(&house.token, "/v1/tags/empty", &json!({})).await.expect(201);
    let group = json!({"groupId": "team", "name": "Team", "owner": "ann"});
    house.post(&house.token, "/v1/groups", &group).await.expect(201);
    for (to, expected) in [
        (json!("t:none"), (404, "not_found")),
        (json!("o:none"), (404, "not_found")),
        (json!("a:none"), (404, "not_found")),
        (json!("and(t:vip,t:none)"), (404, "not_found")),
        (json!("t:empty"), (404, "user_not_found")),
        (json!(["x", "t:none"]), (404, "user_not_found")),
        (json!(["ann", "g:team"]), (422, "invalid_field")),
        (json!("and(t:vip"), (422, "invalid_field")),
        (json!("vip@tag"), (422, "invalid_field")),
    ] {
        assert_eq!(house.message(&note(&to)).await.problem(), expected, "{to}");
    }
    let modest = house.app_with(&[Scope::Messages]).await;
    for to in ["t:vip", "o:house", "all", "and(t:vip,t:trial)"] {
        let answer = house.post(&modest, "/v1/messages", &note(&json!(to))).await;
        assert_eq!(answer.problem(), (403, "forbidden"), "{to}");
    }
    house
        .post(&modest, "/v1/messages", &note(&json!(["ann", "bob"])))
        .await
        .expect(201);
    let stranger = house.stranger().await;
    assert_eq!(
        house
            .post(&stranger, "/v1/messages", &note(&json!("t:vip")))
            .await
            .problem(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn organisations_are_moved_without_circles() {
    let house = town().await;
    let put = |id: &str, body: Value| {
        let path = format!("/v1/orgs/{id}");
        let house = &house;
        async move { house.put(&house.token, &path, &body).await }
    };
    let circle = put("house", json!({"parent": "north"})).await;
    assert_eq!(circle.problem(), (422, "invalid_field"));
    let moved = put("north", json!({"name": "North", "parent": "house"}))
        .await
        .expect(200);
    assert_eq!(
        (moved.field("parent"), moved.header("etag")),
        ("house".to_owned(), "\"v2\"")
    );
    let sent = house.message(&note(&json!("o:sales"))).await.expect(201);
    assert_eq!(sent.json["accepted"], 2);
    let ids = |page: &Answer| -> Vec<String> {
        let items = page.json["items"].as_array().expect("items");
        items
            .iter()
            .map(|org| org["orgId"].as_str().expect("text").to_owned())
            .collect()
    };
    let top = house.get(&house.token, "/v1/orgs?parent=").await.expect(200);
    assert_eq!(ids(&top), ["house"]);
    let first = house
        .get(&house.token, "/v1/orgs?parent=house&limit=1")
        .await
        .expect(200);
    let second = house.get(&house.token, &first.field("next")).await.expect(200);
    assert_eq!(
        (ids(&first), ids(&second)),
        (vec!["north".to_owned()], vec!["sales".to_owned()])
    );
    assert_eq!(
        house.delete(&house.token, "/v1/orgs/house").await.problem(),
        (403, "forbidden")
    );
    house.delete(&house.token, "/v1/orgs/north").await.expect(204);
    assert_eq!(
        house.get(&house.token, "/v1/orgs/north").await.problem(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn tags_are_given_and_taken_many_at_once() {
    let house = town().await;
    let change = json!({"add": ["carl", "ann", "nobody"], "remove": ["bob", "gina"]});
    let changed = house
        .post(&house.token, "/v1/tags/vip/members", &change)
        .await
        .expect(200);
    assert_eq!(
        changed.json,
        json!({"added": 1, "removed": 1, "refused": [{"userId": "nobody", "code": "user_not_found"}]})
    );
    let page = house
        .get(&house.token, "/v1/tags/vip/members?limit=1")
        .await
        .expect(200);
    assert_eq!(page.json["items"], json!([{"userId": "ann"}]));
    let next = house.get(&house.token, &page.field("next")).await.expect(200);
    assert_eq!(next.json, json!({"items": [{"userId": "carl"}]}));
    let many: Vec<_> = (0..10_001).map(|at| format!("u{at}")).collect();
    let answer = house
        .post(&house.token, "/v1/tags/vip/members", &json!({ "add": many }))
        .await;
    assert_eq!(answer.problem(), (413, "too_large"));
    let none = house
        .post(&house.token, "/v1/tags/none/members", &json!({"add": ["ann"]}))
        .await;
    assert_eq!(none.problem(), (404, "not_found"));
    house.delete(&house.token, "/v1/users/carl").await.expect(204);
    let page = house.get(&house.token, "/v1/tags/vip/members").await.expect(200);
    assert_eq!(page.json["items"], json!([{"userId": "ann"}]));
}

#[tokio::test]
async fn a_batch_is_stored_in_its_order_and_each_message_is_judged_for_itself() {
    let house = town().await;
    let batch = json!({"messages": [
        {"id": "b1", "to": "ann", "type": "text", "content": {"text": "one"}},
        {"to": "ann", "type": "text", "content": {"text": "two"}},
        {"id": "b3", "to": "nobody", "type": "text", "content": {"text": "lost"}},
        {"to": "ann"},
        {"id": "b1", "to": "ann", "type": "text", "content": {"text": "one"}},
        {"id": "b1", "to": "ann", "type": "text", "content": {"text": "other"}},
    ]});
    let keyed = || {
        let request = house
            .request(reqwest::Method::POST, "/v1/messages/batch")
            .bearer_auth(&house.token);
        crate::house::send(request.header("Idempotency-Key", "k").json(&batch))
    };
    let first = keyed().await.expect(200);
    let statuses = |answer: &Answer| -> Vec<u64> {
        let items = answer.json["items"].as_array().expect("items");
        items
            .iter()
            .map(|item| item["status"].as_u64().expect("a number"))
            .collect()
    };
    assert_eq!(statuses(&first), [201, 201, 404, 422, 200, 409]);
    let items = &first.json["items"];
    assert_eq!((&items[0]["convSeq"], &items[1]["convSeq"]), (&json!(1), &json!(2)));
    assert_eq!((&items[1]["id"], &items[2]["id"]), (&json!("k.1"), &json!("b3")));
    assert_eq!(
        (&items[2]["code"], &items[2]["retryable"]),
        (&json!("user_not_found"), &json!(false))
    );
    let again = keyed().await.expect(200);
    assert_eq!(statuses(&again), [200, 200, 404, 422, 200, 409]);
    assert_eq!(again.json["items"][1]["serverId"], items[1]["serverId"]);
    let many = json!({"messages": vec![json!({"to": "ann", "type": "note"}); 101]});
    assert_eq!(
        house.post(&house.token, "/v1/messages/batch", &many).await.problem(),
        (413, "too_large")
    );
}
