//! Who changed what, and which versions of clients are good.

use serde_json::{Value, json};

use crate::house::{House, NOW_MS};

#[tokio::test]
async fn every_change_by_an_app_is_noted_and_what_is_no_change_is_not() {
    let house = House::start().await;
    let bob = house.phone("bob").await;
    house.put(&house.token, "/v1/users/ann", &json!({})).await.expect(201);
    house.get(&house.token, "/v1/users/ann").await.expect(200);
    house.message(&json!({"to": "ann", "type": "note"})).await.expect(201);
    house.delete(&house.token, "/v1/users/nobody").await.expect(404);
    house
        .post(&bob.token, "/v1/groups", &json!({"name": "Mine"}))
        .await
        .expect(201);
    house.delete("nonsense", "/v1/users/ann").await.expect(401);
    let removed = house.delete(&house.token, "/v1/users/ann").await.expect(204);
    let read = house.get(&house.token, "/v1/audit").await.expect(200);
    let lines = read.json["items"].as_array().expect("items");
    let actor = format!("a:{}", house.app.app.client_id);
    let short: Vec<_> = lines
        .iter()
        .map(|line| (line["action"].clone(), line["subject"].clone(), line["status"].clone()))
        .collect();
    assert_eq!(
        short,
        [
            (json!("DELETE /v1/users/{userId}"), json!("/v1/users/ann"), json!(204)),
            (
                json!("DELETE /v1/users/{userId}"),
                json!("/v1/users/nobody"),
                json!(404)
            ),
            (json!("PUT /v1/users/{userId}"), json!("/v1/users/ann"), json!(201)),
        ]
    );
    assert_eq!((&lines[0]["actor"], &lines[0]["at"]), (&json!(actor), &json!(NOW_MS)));
    assert_eq!(
        (&lines[0]["address"], &lines[1]["code"]),
        (&json!("127.0.0.1"), &json!("user_not_found"))
    );
    assert_eq!(lines[0]["requestId"], removed.header("request-id"));
    let theirs = house.get(&house.stranger().await, "/v1/audit").await.expect(200);
    assert_eq!(theirs.json, json!({"items": []}));
}

#[tokio::test]
async fn the_audit_is_walked_by_pages_and_exported_whole() {
    let house = House::start().await;
    for at in 0..1_203 {
        house.clock.set(NOW_MS + at);
        house
            .put(&house.token, "/v1/users/ann", &json!({"name": at.to_string()}))
            .await;
    }
    let query = "action=PUT%20%2Fv1%2Fusers%2F%7BuserId%7D";
    let (mut path, mut seen) = (format!("/v1/audit?limit=500&{query}"), 0);
    let mut last = u64::MAX;
    loop {
        let page = house.get(&house.token, &path).await.expect(200);
        for line in page.json["items"].as_array().expect("items") {
            let no = line["no"].as_u64().expect("a number");
            assert!(no < last, "newest first");
            last = no;
            seen += 1;
        }
        match page.json["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, 1_203);
    let export = house.get(&house.token, "/v1/audit/export").await.expect(200);
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = export
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 1_203);
    assert!(lines.is_sorted_by_key(|line| line["no"].as_u64().expect("a number")));
    let since = format!("/v1/audit/export?since={}&until={}", NOW_MS + 10, NOW_MS + 12);
    assert_eq!(house.get(&house.token, &since).await.text.lines().count(), 2);
}

#[tokio::test]
async fn an_outdated_client_is_told_and_a_too_old_one_is_refused() {
    let house = House::start().await;
    let said = json!({"minimum": "2.0", "latest": "2.10.1", "message": "Please update"});
    house
        .put(&house.token, "/v1/client-versions/android", &said)
        .await
        .expect(201);
    let listed = house.get(&house.token, "/v1/client-versions").await.expect(200);
    assert_eq!(listed.json["items"][0]["os"], "android");
    let ticket = house.ticket("ann").await;
    let register = |version: &str, os: &str| {
        let body =
            json!({"ticket": ticket, "uniqueCode": format!("code-{version}-{os}"), "os": os, "appVersion": version});
        let house = &house;
        async move { house.post_as_guest("/v1/devices", &body).await }
    };
    let old = register("1.9", "android").await;
    assert_eq!(
        (old.problem(), old.field("detail")),
        ((403, "outdated"), "Please update".to_owned())
    );
    let told = register("2.9", "android").await.expect(201);
    assert_eq!(
        told.json["update"],
        json!({"latest": "2.10.1", "message": "Please update"})
    );
    for (version, os) in [("2.10.1", "android"), ("1.0", "ios"), ("", "android")] {
        let ticket = house.ticket("ann").await;
        let body = json!({"ticket": ticket, "uniqueCode": version, "os": os, "appVersion": version});
        let body = if version.is_empty() {
            json!({"ticket": ticket, "uniqueCode": "none", "os": os})
        } else {
            body
        };
        let fresh = house.post_as_guest("/v1/devices", &body).await.expect(201);
        assert_eq!(fresh.json.get("update"), None, "{version}");
    }
    for (path, body) in [
        ("/v1/client-versions/beos", said),
        ("/v1/client-versions/ios", json!({"minimum": "two"})),
    ] {
        assert_eq!(
            house.put(&house.token, path, &body).await.problem(),
            (422, "invalid_field")
        );
    }
    house
        .delete(&house.token, "/v1/client-versions/android")
        .await
        .expect(204);
    let gone = house.delete(&house.token, "/v1/client-versions/android").await;
    assert_eq!(gone.problem(), (404, "not_found"));
}
