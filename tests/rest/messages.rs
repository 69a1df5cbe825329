//! Sending: once, again, differently, to a list; and reading one message back.

use godwit_registry::Scope;
use reqwest::Method;
use serde_json::json;

use crate::house::{House, NOW_MS, send};

#[tokio::test]
async fn a_message_is_answered_with_its_numbers_and_a_repeat_with_the_same() {
    let house = House::start().await;
    house.phone("alice").await;
    let body = json!({"id": "m1", "to": "alice", "type": "text", "content": {"text": "hi"}});
    let first = house.message(&body).await.expect(201);
    assert_eq!(first.json["id"], "m1");
    assert_eq!(first.json["convSeq"], 1);
    assert_eq!(first.json["accepted"], 1);
    assert_eq!(first.json["refused"], json!([]));
    assert_eq!(first.json["serverTime"], NOW_MS);
    assert!(first.headers.get("idempotent-replayed").is_none());
    let again = house.message(&body).await.expect(200);
    assert_eq!(again.json, first.json);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = json!({"id": "m1", "to": "alice", "type": "text", "content": {"text": "other"}});
    assert_eq!(house.message(&other).await.problem(), (409, "id_conflict"));
}

#[tokio::test]
async fn an_idempotency_key_is_the_id() {
    let house = House::start().await;
    house.phone("alice").await;
    let body = json!({"to": "alice", "type": "note"});
    let keyed = |key: &str, body: &serde_json::Value| {
        let request = house.request(Method::POST, "/v1/messages").bearer_auth(&house.token);
        send(request.header("Idempotency-Key", key).json(body))
    };
    let bare = keyed("k1", &body).await.expect(201);
    assert_eq!(bare.json["id"], "k1");
    assert_eq!(keyed("\"k1\"", &body).await.expect(200).json, bare.json);
    let by_id = house.message(&json!({"id": "k1", "to": "alice", "type": "note"})).await;
    assert_eq!(by_id.expect(200).json, bare.json);
    let differing = keyed("k2", &json!({"id": "k1", "to": "alice", "type": "note"})).await;
    assert_eq!(differing.problem(), (422, "invalid_field"));
    assert_eq!(keyed("", &body).await.problem(), (422, "invalid_field"));
    let without = house.message(&body).await.expect(201);
    assert_ne!(without.json["id"], house.message(&body).await.expect(201).json["id"]);
}

#[tokio::test]
async fn a_list_is_sent_to_those_who_exist() {
    let house = House::start().await;
    house.phone("alice").await;
    house.phone("bob").await;
    let sent = house
        .message(&json!({"to": ["alice", "nobody", "bob"], "type": "note"}))
        .await
        .expect(201);
    assert_eq!(sent.json["accepted"], 2);
    assert_eq!(
        sent.json["refused"],
        json!([{"to": "nobody", "code": "user_not_found"}])
    );
    let none = house
        .message(&json!({"to": ["nobody", "no-one"], "type": "note"}))
        .await;
    assert_eq!(none.problem(), (404, "user_not_found"));
}

#[tokio::test]
async fn what_may_not_be_sent_is_refused_by_code() {
    let house = House::start().await;
    let phone = house.phone("alice").await;
    let body = json!({"to": "alice", "type": "note"});
    let reader = house.app_with(&[Scope::MessagesRead]).await;
    assert_eq!(
        house.post(&phone.token, "/v1/messages", &body).await.problem(),
        (403, "forbidden")
    );
    assert_eq!(
        house.post(&reader, "/v1/messages", &body).await.problem(),
        (403, "forbidden")
    );
    for (body, expected) in [
        (json!({"type": "note"}), (422, "invalid_field")),
        (json!({"to": "alice"}), (422, "invalid_field")),
        (json!({"to": "nobody", "type": "note"}), (404, "user_not_found")),
        (json!({"to": "g:none", "type": "note"}), (404, "group_not_found")),
        (
            json!({"to": "alice", "from": "nobody", "type": "note"}),
            (404, "user_not_found"),
        ),
        (
            json!({"to": "alice", "from": "g:x", "type": "note"}),
            (403, "not_yourself"),
        ),
        (json!({"to": "t:vip", "type": "note"}), (404, "not_found")),
        (
            json!({"to": "alice", "type": "note", "deliverAfter": 864_001}),
            (422, "invalid_field"),
        ),
        (
            json!({"id": "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", "to": "alice", "type": "note"}),
            (422, "id_expired"),
        ),
        (
            json!({"to": "alice", "type": "note", "content": "x".repeat(70_000)}),
            (413, "too_large"),
        ),
    ] {
        assert_eq!(house.message(&body).await.problem(), expected, "{body}");
    }
    let inbox = house
        .get(&phone.token, &format!("/v1/accounts/{}/inbox", phone.account))
        .await;
    assert_eq!(inbox.expect(200).json["head"], 0, "nothing of these was stored");
}

#[tokio::test]
async fn a_message_is_read_by_the_apps_of_its_tenant() {
    let house = House::start().await;
    house.phone("alice").await;
    let sent = house
        .message(&json!({"id": "m", "to": "alice", "type": "note", "content": "x", "extra": 7}))
        .await
        .expect(201);
    let path = format!("/v1/messages/{}", sent.field("serverId"));
    let read = house.get(&house.token, &path).await.expect(200);
    assert_eq!(read.header("content-type"), "application/json");
    for (field, value) in [
        ("id", json!("m")),
        ("to", json!("alice")),
        ("content", json!("x")),
        ("tenantNo", json!("1")),
        ("conv", sent.json["conv"].clone()),
        ("convSeq", json!(1)),
        ("ext", json!({"extra": 7})),
    ] {
        assert_eq!(read.json[field], value, "{field}");
    }
    let stranger = house.stranger().await;
    assert_eq!(house.get(&stranger, &path).await.problem(), (404, "not_found"));
    assert_eq!(
        house.get(&house.token, "/v1/messages/xyz").await.problem(),
        (422, "invalid_field")
    );
}

#[tokio::test]
async fn a_message_that_was_taken_back_is_a_tombstone_for_every_reader_and_its_readers_are_told() {
    let house = House::start().await;
    let phone = house.phone("alice").await;
    let body = json!({"id": "m", "to": "alice", "type": "text", "content": {"text": "secret"}});
    let sent = house.message(&body).await.expect(201);
    let (id, conv) = (sent.field("serverId"), sent.field("conv"));
    let path = format!("/v1/messages/{id}");
    let withdraw = |token: &str, query: &str| {
        let request = house.request(Method::DELETE, &format!("{path}{query}"));
        send(request.bearer_auth(token))
    };

    let stranger = house.stranger().await;
    assert_eq!(withdraw(&stranger, "").await.problem(), (404, "not_found"));
    let reader = house.app_with(&[Scope::MessagesRead]).await;
    assert_eq!(withdraw(&reader, "").await.problem(), (403, "forbidden"));
    let unknown = withdraw(&house.token, "?reason=other").await;
    assert_eq!(unknown.problem(), (422, "invalid_field"));

    let expected = json!({"serverId": id, "conv": conv, "convSeq": 1, "reason": "erased"});
    for query in ["?reason=erased", "", "?reason=recalled"] {
        let answer = withdraw(&house.token, query).await.expect(200);
        assert_eq!(answer.json, expected, "{query}");
    }
    let tombstone = json!({"convSeq": 1, "gone": "erased"});
    assert_eq!(house.get(&house.token, &path).await.expect(200).json, tombstone);
    assert_eq!(house.get(&stranger, &path).await.problem(), (404, "not_found"));
    let alone = format!("/v1/conversations/{conv}/messages?before=2");
    let seen = house.get(&house.token, &alone).await.expect(200);
    assert_eq!(seen.json["items"], json!([tombstone]));
    assert_eq!(house.get(&stranger, &alone).await.expect(200).json["items"], json!([]));

    let inbox = format!("/v1/accounts/{}/inbox?after=0", phone.account);
    let inbox = house.get(&phone.token, &inbox).await.expect(200).json;
    assert_eq!(inbox["head"], 2, "one message and one notice");
    assert_eq!(inbox["items"][0], json!({"seq": 1, "gone": "erased"}));
    let notice = &inbox["items"][1];
    assert_eq!(notice["type"], "withdrawn");
    assert_eq!(notice["isBackground"], true);
    assert_eq!(notice["content"], expected);
    assert_eq!((&notice["conv"], &notice["to"]), (&json!(conv), &json!("alice")));

    let again = house.message(&body).await.expect(200);
    assert_eq!(again.json["serverId"], sent.json["serverId"]);
}
