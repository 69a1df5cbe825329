//! Tenants, apps and users, as an app's backend manages them.

use godwit_registry::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, House, NOW_MS, send};

impl House {
    async fn put_if(&self, path: &str, (header, value): (&str, &str), body: &Value) -> Answer {
        let request = self.request(Method::PUT, path).bearer_auth(&self.token);
        send(request.header(header, value).json(body)).await
    }

    async fn secret_works(&self, client_id: &str, secret: &str) -> Option<String> {
        let request = self
            .request(Method::POST, "/oauth/token")
            .basic_auth(client_id, Some(secret))
            .form(&[("grant_type", "client_credentials")]);
        let answer = send(request).await;
        (answer.status == 200).then(|| answer.field("access_token"))
    }
}

#[tokio::test]
async fn a_user_is_made_changed_under_a_condition_and_read() {
    let house = House::start().await;
    let ann = json!({"name": "Ann", "attributes": {"floor": 3}});
    let made = house.put(&house.token, "/v1/users/ann", &ann).await.expect(201);
    assert_eq!(made.header("etag"), "\"v1\"");
    assert_eq!(
        (made.field("userId"), &made.json["attributes"], made.field("state")),
        ("ann".to_owned(), &json!({"floor": 3}), "active".to_owned())
    );
    assert_eq!(
        (&made.json["createdAt"], &made.json["updatedAt"]),
        (&json!(NOW_MS), &json!(NOW_MS))
    );
    let again = house.put_if("/v1/users/ann", ("If-None-Match", "*"), &ann).await;
    assert_eq!(again.problem(), (412, "precondition_failed"));
    let anna = json!({"name": "Anna"});
    let stale = house.put_if("/v1/users/ann", ("If-Match", "\"v7\""), &anna).await;
    assert_eq!(stale.problem(), (412, "precondition_failed"));
    let changed = house
        .put_if("/v1/users/ann", ("If-Match", "\"v1\""), &anna)
        .await
        .expect(200);
    assert_eq!(
        (changed.header("etag"), &changed.json["attributes"]),
        ("\"v2\"", &json!({}))
    );
    let read = house.get(&house.token, "/v1/users/ann").await.expect(200);
    assert_eq!((&read.json, read.header("etag")), (&changed.json, "\"v2\""));
    let phone = house.phone("ann").await;
    assert_eq!(
        phone.account,
        read.field("account"),
        "the ticket finds the same account"
    );
    assert_eq!(
        house.get(&house.token, "/v1/users/bob").await.problem(),
        (404, "user_not_found")
    );
    for bad in [
        json!({"name": "x".repeat(256)}),
        json!({"attributes": []}),
        json!({"nme": "x"}),
    ] {
        let answer = house.put(&house.token, "/v1/users/bob", &bad).await;
        assert_eq!(answer.problem(), (422, "invalid_field"), "{bad}");
    }
    let large = json!({"attributes": {"text": "x".repeat(4_096)}});
    assert_eq!(
        house.put(&house.token, "/v1/users/bob", &large).await.problem(),
        (413, "too_large")
    );
}

#[tokio::test]
async fn ten_thousand_users_come_in_one_call_and_each_line_is_answered() {
    let house = House::start().await;
    let mut lines: Vec<Value> = (0..9_997)
        .map(|at| json!({"userId": format!("user{at:05}"), "name": format!("User {at}")}))
        .collect();
    lines.push(json!({"userId": "user00003", "name": "twice"}));
    lines.push(json!({"userId": "not a name"}));
    lines.push(json!({"userId": "last", "name": "x".repeat(256)}));
    let batch = json!({ "users": lines });
    let done = house.post(&house.token, "/v1/users/batch", &batch).await.expect(200);
    assert_eq!(
        (&done.json["created"], &done.json["updated"], &done.json["refused"]),
        (&json!(9_997), &json!(0), &json!(3))
    );
    let items = done.json["items"].as_array().expect("items");
    assert_eq!(items.len(), 10_000);
    assert_eq!(items[3], json!({"userId": "user00003", "result": "created"}));
    let codes: Vec<_> = items[9_997..].iter().map(|line| line["code"].clone()).collect();
    assert_eq!(
        codes,
        [json!("already_exists"), json!("invalid_field"), json!("invalid_field")]
    );
    let again = house.post(&house.token, "/v1/users/batch", &batch).await.expect(200);
    assert_eq!(
        (&again.json["created"], &again.json["updated"]),
        (&json!(0), &json!(9_997))
    );
    let more = json!({"users": vec![json!({"userId": "x"}); 10_001]});
    assert_eq!(
        house.post(&house.token, "/v1/users/batch", &more).await.problem(),
        (413, "too_large")
    );

    let (mut path, mut seen) = ("/v1/users?limit=500".to_owned(), Vec::new());
    loop {
        let page = house.get(&house.token, &path).await.expect(200);
        let items = page.json["items"].as_array().expect("items").clone();
        seen.extend(
            items
                .iter()
                .map(|user| user["userId"].as_str().expect("text").to_owned()),
        );
        match page.json["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 9_997);
    assert!(seen.is_sorted());
}

#[tokio::test]
async fn a_blocked_user_is_refused_at_every_door_until_it_is_let_in_again() {
    let house = House::start().await;
    let ann = house.phone("ann").await;
    house.phone("bob").await;
    let ticket = house.ticket("ann").await;
    let inbox = format!("/v1/accounts/{}/inbox", ann.account);
    house.get(&ann.token, &inbox).await.expect(200);
    let blocked = house
        .put(&house.token, "/v1/users/ann/block", &json!({}))
        .await
        .expect(200);
    assert_eq!(
        (blocked.field("state"), &blocked.json["blockedAt"]),
        ("blocked".to_owned(), &json!(NOW_MS))
    );
    let refused = (403, "user_blocked");
    assert_eq!(house.get(&ann.token, &inbox).await.problem(), refused);
    let with_ticket = json!({"ticket": ticket, "uniqueCode": "code-ann", "os": "ios"});
    assert_eq!(
        house.post_as_guest("/v1/devices", &with_ticket).await.problem(),
        refused
    );
    let by_token = house.request(Method::POST, "/v1/devices").bearer_auth(&ann.token);
    let by_token = send(by_token.json(&json!({"uniqueCode": "code-ann", "os": "ios"}))).await;
    assert_eq!(by_token.problem(), refused);
    let new_ticket = house.post(&house.token, "/v1/tickets", &json!({"userId": "ann"})).await;
    assert_eq!(new_ticket.problem(), refused);
    let as_her = json!({"from": "ann", "to": "bob", "type": "note"});
    assert_eq!(house.message(&as_her).await.problem(), refused);
    house.message(&json!({"to": "ann", "type": "note"})).await.expect(201);
    let listed = house.get(&house.token, "/v1/users?state=blocked").await.expect(200);
    assert_eq!(listed.json["items"].as_array().expect("items").len(), 1);

    house.delete(&house.token, "/v1/users/ann/block").await.expect(200);
    let read = house.get(&ann.token, &inbox).await.expect(200);
    assert_eq!(
        read.json["items"].as_array().expect("items").len(),
        1,
        "what came meanwhile is there"
    );
    house.message(&as_her).await.expect(201);
}

#[tokio::test]
async fn a_user_who_is_logged_out_comes_back_with_a_ticket_as_the_same_device() {
    let house = House::start().await;
    let ann = house.phone("ann").await;
    let old_ticket = house.ticket("ann").await;
    house
        .post(&house.token, "/v1/users/ann/logout", &json!({}))
        .await
        .expect(204);
    let inbox = format!("/v1/accounts/{}/inbox", ann.account);
    assert_eq!(house.get(&ann.token, &inbox).await.problem(), (401, "unauthenticated"));
    let register = |ticket: String| json!({"ticket": ticket, "uniqueCode": "code-ann", "os": "android"});
    let stale = house.post_as_guest("/v1/devices", &register(old_ticket)).await;
    assert_eq!(stale.problem(), (401, "ticket_invalid"));
    let fresh = register(house.ticket("ann").await);
    let back = house.post_as_guest("/v1/devices", &fresh).await.expect(200);
    assert_eq!(back.field("deviceId"), ann.device_id);
    house.get(&back.field("deviceToken"), &inbox).await.expect(200);
    let nobody = house.post(&house.token, "/v1/users/nobody/logout", &json!({})).await;
    assert_eq!(nobody.problem(), (404, "user_not_found"));
}

#[tokio::test]
async fn a_removed_user_is_gone_and_its_name_is_somebody_elses_later() {
    let house = House::start().await;
    let ann = house.phone("ann").await;
    house.phone("bob").await;
    for (id, owner) in [("hers", "ann"), ("his", "bob")] {
        let group = json!({"groupId": id, "name": id, "owner": owner, "members": ["ann", "bob"]});
        house.post(&house.token, "/v1/groups", &group).await.expect(201);
    }
    let owner = house.delete(&house.token, "/v1/users/ann").await;
    assert_eq!(owner.problem(), (403, "forbidden"));
    house.delete(&house.token, "/v1/groups/hers").await.expect(204);
    house.delete(&house.token, "/v1/users/ann").await.expect(204);
    assert_eq!(
        house.get(&house.token, "/v1/users/ann").await.problem(),
        (404, "user_not_found")
    );
    assert_eq!(
        house.delete(&house.token, "/v1/users/ann").await.problem(),
        (404, "user_not_found")
    );
    let group = house.get(&house.token, "/v1/groups/his").await.expect(200);
    assert_eq!(group.json["members"].as_array().expect("members").len(), 1);
    let inbox = format!("/v1/accounts/{}/inbox", ann.account);
    assert_eq!(house.get(&ann.token, &inbox).await.problem(), (401, "unauthenticated"));
    let sent = house.message(&json!({"to": "ann", "type": "note"})).await;
    assert_eq!(sent.problem(), (404, "user_not_found"));
    let next = house.phone("ann").await;
    assert_ne!(next.account, ann.account);
    let inbox = house
        .get(&next.token, &format!("/v1/accounts/{}/inbox", next.account))
        .await;
    assert_eq!(inbox.expect(200).json["head"], 0, "nothing of the former one");
}

#[tokio::test]
async fn an_app_has_two_good_secrets_while_they_change() {
    let house = House::start().await;
    let new = json!({"name": "Shop", "scopes": ["users", "messages"]});
    let made = house.post(&house.token, "/v1/apps", &new).await.expect(201);
    let (id, first) = (made.field("clientId"), made.field("clientSecret"));
    assert_eq!(made.json["scopes"], json!(["messages", "users"]));
    let token = house.secret_works(&id, &first).await.expect("the secret is good");
    let path = format!("/v1/apps/{id}/secrets");
    let rotated = house
        .post(&house.token, &path, &json!({"formerValidSeconds": 60}))
        .await
        .expect(201);
    assert_eq!(rotated.json["formerSecretUntil"], NOW_MS + 60_000);
    let second = rotated.field("clientSecret");
    assert!(house.secret_works(&id, &first).await.is_some());
    assert!(house.secret_works(&id, &second).await.is_some());
    assert!(house.secret_works(&id, "wrong").await.is_none());
    house.get(&token, "/v1/users").await.expect(200);

    house.clock.set(NOW_MS + 60_000);
    assert!(house.secret_works(&id, &first).await.is_none(), "its time is over");
    assert_eq!(house.get(&token, "/v1/users").await.problem(), (401, "unauthenticated"));
    let token = house.secret_works(&id, &second).await.expect("the second is good");
    let at_once = house
        .post(&house.token, &path, &json!({"formerValidSeconds": 0}))
        .await
        .expect(201);
    assert!(at_once.json.get("formerSecretUntil").is_none());
    assert!(house.secret_works(&id, &second).await.is_none());
    assert_eq!(house.get(&token, "/v1/users").await.problem(), (401, "unauthenticated"));
    let too_long = house
        .post(&house.token, &path, &json!({"formerValidSeconds": 2_592_001}))
        .await;
    assert_eq!(too_long.problem(), (422, "invalid_field"));
}

#[tokio::test]
async fn an_app_gives_other_apps_no_more_than_it_has() {
    let house = House::start().await;
    let keeper = house.app_with(&[Scope::Apps, Scope::Users]).await;
    let wide = json!({"name": "Wide", "scopes": ["users", "messages"]});
    assert_eq!(
        house.post(&keeper, "/v1/apps", &wide).await.problem(),
        (403, "forbidden")
    );
    let narrow = json!({"name": "Narrow", "scopes": ["users"]});
    let made = house.post(&keeper, "/v1/apps", &narrow).await.expect(201);
    let path = format!("/v1/apps/{}", made.field("clientId"));
    assert_eq!(house.put(&keeper, &path, &wide).await.problem(), (403, "forbidden"));
    let first = format!("/v1/apps/{}", house.app.app.client_id);
    for answer in [
        house.post(&keeper, &format!("{first}/secrets"), &json!({})).await,
        house.delete(&keeper, &first).await,
        house.put(&keeper, &first, &narrow).await,
    ] {
        assert_eq!(answer.problem(), (403, "forbidden"), "its secret would be worth more");
    }
    let token = house
        .secret_works(&made.field("clientId"), &made.field("clientSecret"))
        .await
        .expect("good");
    house.get(&token, "/v1/users").await.expect(200);
    let none = json!({"name": "Narrow", "scopes": []});
    house.put(&keeper, &path, &none).await.expect(200);
    assert_eq!(house.get(&token, "/v1/users").await.problem(), (403, "forbidden"));
    house.delete(&keeper, &path).await.expect(204);
    assert_eq!(house.get(&token, "/v1/users").await.problem(), (401, "unauthenticated"));
    assert_eq!(house.get(&keeper, &path).await.problem(), (404, "not_found"));
    let listed = house.get(&keeper, "/v1/apps").await.expect(200);
    let listed = listed.json["items"].as_array().expect("items").len();
    assert_eq!(listed, 2, "the first one, and the keeper");
    assert_eq!(
        house.delete(&house.token, &first).await.problem(),
        (403, "forbidden"),
        "not itself"
    );
}

#[tokio::test]
async fn tenants_are_made_by_the_operators_apps_alone() {
    let house = House::start().await;
    let made = house
        .post(&house.token, "/v1/tenants", &json!({"name": "North"}))
        .await
        .expect(201);
    let app = &made.json["app"];
    let (id, secret) = (
        app["clientId"].as_str().expect("id"),
        app["clientSecret"].as_str().expect("secret"),
    );
    let token = house.secret_works(id, secret).await.expect("the secret is good");
    house.put(&token, "/v1/users/ann", &json!({})).await.expect(201);
    assert_eq!(
        house.get(&house.token, "/v1/users/ann").await.problem(),
        (404, "user_not_found")
    );
    let path = format!("/v1/tenants/{}", made.field("tenantNo"));
    let renamed = house
        .put_if(&path, ("If-Match", "\"v1\""), &json!({"name": "South"}))
        .await
        .expect(200);
    assert_eq!(
        (renamed.field("name"), renamed.header("etag")),
        ("South".to_owned(), "\"v2\"")
    );
    let stale = house
        .put_if(&path, ("If-Match", "\"v1\""), &json!({"name": "East"}))
        .await;
    assert_eq!(stale.problem(), (412, "precondition_failed"));
    let listed = house.get(&house.token, "/v1/tenants?limit=1").await.expect(200);
    let next = house.get(&house.token, &listed.field("next")).await.expect(200);
    assert_eq!(next.json["items"][0]["name"], "South");
    for answer in [
        house.get(&token, "/v1/tenants").await,
        house.get(&token, &path).await,
        house.post(&token, "/v1/tenants", &json!({"name": "Mine"})).await,
        house.get(&house.stranger().await, &path).await,
    ] {
        assert_eq!(answer.problem(), (403, "forbidden"));
    }
}
