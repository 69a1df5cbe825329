//! Tickets and devices: registering once, again, and where it is refused.

use godwit_registry::Scope;
use reqwest::Method;
use serde_json::json;

use crate::house::{House, NOW_MS, send};

#[tokio::test]
async fn a_ticket_registers_one_device_once() {
    let house = House::start().await;
    let asked = json!({"userId": "alice", "ttlSeconds": 60});
    let issued = house.post(&house.token, "/v1/tickets", &asked).await.expect(201);
    assert_eq!(issued.json["expiresAt"], NOW_MS + 60_000);
    let body = json!({
        "ticket": issued.field("ticket"), "uniqueCode": "phone", "os": 1, "model": "X", "appVersion": "1.0",
        "language": "sv-SE", "push": {"vendor": "apns", "token": "abc"},
    });
    let device = house.post_as_guest("/v1/devices", &body).await.expect(201);
    assert_eq!(
        (device.json["userId"].as_str(), device.json["tenantNo"].as_str()),
        (Some("alice"), Some("1"))
    );
    assert_eq!(device.json["mqtt"]["tcp"], "mqtt://127.0.0.1:1883");
    assert_eq!(device.json["mqtt"]["ws"], format!("ws://{}/mqtt", house.address));
    assert_eq!(device.json["mqtt"].get("tls"), None);
    assert_eq!(device.header("cache-control"), "no-store");
    let again = house.post_as_guest("/v1/devices", &body).await;
    assert_eq!(again.problem(), (401, "ticket_invalid"));
}

#[tokio::test]
async fn restarting_the_app_keeps_the_device_by_ticket_or_by_its_own_token() {
    let house = House::start().await;
    let phone = house.phone("alice").await;
    let by_token = json!({"uniqueCode": "code-alice", "os": "android"});
    let again = house.post(&phone.token, "/v1/devices", &by_token).await.expect(200);
    assert_eq!(again.field("deviceId"), phone.device_id);
    assert_eq!(again.field("account"), phone.account);
    assert_ne!(again.field("deviceToken"), phone.token);

    let by_ticket = json!({"ticket": house.ticket("alice").await, "uniqueCode": "code-alice", "os": "android"});
    let third = house.post_as_guest("/v1/devices", &by_ticket).await.expect(200);
    assert_eq!(third.field("deviceId"), phone.device_id);
    let inbox = format!("/v1/accounts/{}/inbox", phone.account);
    house.get(&third.field("deviceToken"), &inbox).await.expect(200);
    let older = house.get(&phone.token, &inbox).await;
    assert_eq!(
        older.problem(),
        (401, "unauthenticated"),
        "the older token stops when the fresh one is used"
    );
}

#[tokio::test]
async fn a_device_of_another_user_moves_only_with_proof() {
    let house = House::start().await;
    let phone = house.phone("alice").await;
    let ticket = house.ticket("bob").await;
    let take = json!({"ticket": ticket, "uniqueCode": "code-alice", "os": "android"});
    assert_eq!(
        house.post_as_guest("/v1/devices", &take).await.problem(),
        (409, "device_owned")
    );

    // The refused attempt did not spend the ticket. The installation's former token is the proof.
    let mut with_proof = take.clone();
    with_proof["deviceToken"] = json!(phone.token);
    let moved = house.post_as_guest("/v1/devices", &with_proof).await.expect(201);
    assert_eq!(moved.field("userId"), "bob");
    assert_ne!(moved.field("deviceId"), phone.device_id);
    let former = house
        .get(&phone.token, &format!("/v1/accounts/{}/inbox", phone.account))
        .await;
    assert_eq!(former.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_registration_without_credentials_is_refused() {
    let house = House::start().await;
    let body = json!({"uniqueCode": "x", "os": "web"});
    for (token, expected) in [
        (None, (401, "unauthenticated")),
        (Some("gwd_nobody_x"), (401, "unauthenticated")),
        (Some(house.token.as_str()), (401, "unauthenticated")),
    ] {
        let request = house.request(Method::POST, "/v1/devices").json(&body);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = send(request).await;
        assert_eq!(answer.problem(), expected, "{token:?}");
        assert!(!answer.header("www-authenticate").is_empty());
    }
}

#[tokio::test]
async fn a_device_changes_itself_and_an_app_with_the_scope_changes_any_of_its_tenant() {
    let house = House::start().await;
    let (alice, bob) = (house.phone("alice").await, house.phone("bob").await);
    let path = |device_id: &str, rest: &str| format!("/v1/devices/{device_id}{rest}");
    let token = json!({"vendor": "fcm", "token": "t"});
    let off = json!({"enabled": false});
    for caller in [&alice.token, &house.token] {
        let of_alice = |rest| path(&alice.device_id, rest);
        house.put(caller, &of_alice("/push-token"), &token).await.expect(204);
        house.put(caller, &of_alice("/push"), &off).await.expect(204);
        house.delete(caller, &of_alice("/push-token")).await.expect(204);
    }
    let scopeless = house.app_with(&[Scope::Messages]).await;
    for (caller, expected) in [
        (&bob.token, (403, "forbidden")),
        (&scopeless, (403, "forbidden")),
        (&house.stranger().await, (404, "not_found")),
    ] {
        assert_eq!(
            house.delete(caller, &path(&alice.device_id, "")).await.problem(),
            expected
        );
        let push = house.put(caller, &path(&alice.device_id, "/push-token"), &token).await;
        assert_eq!(push.problem(), expected);
    }
    house
        .delete(&alice.token, &path(&alice.device_id, ""))
        .await
        .expect(204);
    let gone = house.put(&alice.token, &path(&alice.device_id, "/push"), &off).await;
    assert_eq!(gone.problem(), (401, "unauthenticated"));
    let gone = house.delete(&house.token, &path(&alice.device_id, "")).await;
    assert_eq!(gone.problem(), (404, "not_found"));
}
