//! Every call with the credentials of another tenant and the ids of this one: as if nothing of it were there.
//!
//! The description says which calls there are. One that is not in [`CALLS`] fails the test, so that a new one gets a row.

use std::collections::BTreeSet;

use godwit_registry::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, House, send};

/// A call: its route, its query, and its body. Names in braces are ids of the other tenant, or ids that nobody has.
type Call = (&'static str, &'static str, &'static str);

const CALLS: &[Call] = &[
    ("DELETE /v1/accounts/{account}/mutes/{conv}", "", ""),
    ("DELETE /v1/apps/{clientId}", "", ""),
    ("DELETE /v1/broadcasts/{broadcastId}", "", ""),
    ("DELETE /v1/client-versions/{os}", "", ""),
    ("DELETE /v1/devices/{deviceId}", "", ""),
    ("DELETE /v1/devices/{deviceId}/push-token", "", ""),
    ("DELETE /v1/groups/{groupId}", "", ""),
    ("DELETE /v1/groups/{groupId}/join-requests/{userId}", "", ""),
    ("DELETE /v1/groups/{groupId}/members/{userId}", "", ""),
    ("DELETE /v1/groups/{groupId}/mutes/{userId}", "", ""),
    ("DELETE /v1/messages/{serverId}", "", ""),
    ("DELETE /v1/orgs/{orgId}", "", ""),
    ("DELETE /v1/push-templates/{type}/{language}", "", ""),
    ("DELETE /v1/schedules/{scheduleId}", "", ""),
    ("DELETE /v1/tags/{tagId}", "", ""),
    ("DELETE /v1/tenants/{tenantNo}/suspension", "", ""),
    ("DELETE /v1/users/{userId}", "", ""),
    ("DELETE /v1/users/{userId}/block", "", ""),
    ("GET /v1/accounts/{account}/history", "?conv={conv}", ""),
    ("GET /v1/accounts/{account}/inbox", "", ""),
    ("GET /v1/accounts/{account}/push-wishes", "", ""),
    ("GET /v1/accounts/{account}/unread", "", ""),
    ("GET /v1/apps", "", ""),
    ("GET /v1/apps/{clientId}", "", ""),
    ("GET /v1/audit", "", ""),
    ("GET /v1/audit/export", "", ""),
    ("GET /v1/broadcasts", "", ""),
    ("GET /v1/broadcasts/{broadcastId}", "", ""),
    ("GET /v1/broadcasts/{broadcastId}/report", "", ""),
    ("GET /v1/client-versions", "", ""),
    ("GET /v1/conversations/{conv}/messages", "", ""),
    ("GET /v1/groups", "", ""),
    ("GET /v1/groups/{groupId}", "", ""),
    ("GET /v1/groups/{groupId}/join-requests", "", ""),
    ("GET /v1/groups/{groupId}/members", "", ""),
    ("GET /v1/messages/{serverId}", "", ""),
    ("GET /v1/messages/{serverId}/timeline", "", ""),
    ("GET /v1/orgs", "?parent={orgId}", ""),
    ("GET /v1/orgs/{orgId}", "", ""),
    ("GET /v1/orgs/{orgId}/members", "", ""),
    ("GET /v1/push-templates", "", ""),
    ("GET /v1/pushes", "?user={userId}", ""),
    ("GET /v1/pushes/why", "?user={userId}", ""),
    ("GET /v1/schedules", "", ""),
    ("GET /v1/schedules/{scheduleId}", "", ""),
    ("GET /v1/tags", "", ""),
    ("GET /v1/tags/{tagId}", "", ""),
    ("GET /v1/tags/{tagId}/members", "", ""),
    ("GET /v1/tenants", "", ""),
    ("GET /v1/tenants/{tenantNo}", "", ""),
    ("GET /v1/users", "", ""),
    ("GET /v1/users/{userId}", "", ""),
    (
        "POST /v1/accounts/{account}/read",
        "",
        r#"{"conv": "{conv}", "upTo": 1}"#,
    ),
    ("POST /v1/apps", "", r#"{"name": "x", "scopes": []}"#),
    ("POST /v1/apps/{clientId}/secrets", "", "{}"),
    (
        "POST /v1/broadcasts",
        "",
        r#"{"message": {"to": ["{userId}", "t:{tagId}", "o:{orgId}", "a:{clientId}", "g:{groupId}"], "type": "note"}}"#,
    ),
    ("POST /v1/broadcasts/{broadcastId}/pause", "", ""),
    ("POST /v1/broadcasts/{broadcastId}/resume", "", ""),
    (
        "POST /v1/devices",
        "",
        r#"{"uniqueCode": "{uniqueCode}", "os": "ios", "deviceToken": "gwd_{deviceId}_x"}"#,
    ),
    ("POST /v1/groups", "", r#"{"name": "x", "members": ["{userId}"]}"#),
    ("POST /v1/groups/{groupId}/join", "", "{}"),
    ("POST /v1/groups/{groupId}/join-requests/{userId}/approve", "", ""),
    ("POST /v1/groups/{groupId}/members", "", r#"{"members": ["{userId}"]}"#),
    (
        "POST /v1/groups/{groupId}/members/remove",
        "",
        r#"{"members": ["{userId}"]}"#,
    ),
    (
        "POST /v1/messages",
        "",
        r#"{"to": ["{userId}", "t:{tagId}", "o:{orgId}", "a:{clientId}"], "type": "note"}"#,
    ),
    ("POST /v1/messages", "", r#"{"to": "g:{groupId}", "type": "note"}"#),
    (
        "POST /v1/messages",
        "",
        r#"{"to": "outsider", "from": "{userId}", "type": "note"}"#,
    ),
    (
        "POST /v1/messages/batch",
        "",
        r#"{"messages": [{"id": "m", "to": "{userId}", "type": "note"}]}"#,
    ),
    ("POST /v1/orgs/{orgId}/members", "", r#"{"add": ["outsider"]}"#),
    ("POST /v1/tags/{tagId}/members", "", r#"{"add": ["outsider"]}"#),
    ("POST /v1/tenants", "", r#"{"name": "x"}"#),
    ("POST /v1/tickets", "", r#"{"userId": "outsider"}"#),
    ("POST /v1/users/batch", "", r#"{"users": [{"userId": "outsider"}]}"#),
    ("POST /v1/users/{userId}/logout", "", "{}"),
    ("PUT /v1/accounts/{account}/mutes/{conv}", "", "{}"),
    (
        "PUT /v1/accounts/{account}/push-wishes",
        "",
        r#"{"privacy": "neutral"}"#,
    ),
    ("PUT /v1/apps/{clientId}", "", r#"{"name": "x", "scopes": []}"#),
    ("PUT /v1/client-versions/{os}", "", r#"{"minimum": "1"}"#),
    ("PUT /v1/devices/{deviceId}/push", "", r#"{"enabled": false}"#),
    (
        "PUT /v1/devices/{deviceId}/push-token",
        "",
        r#"{"vendor": "fcm", "token": "t"}"#,
    ),
    ("PUT /v1/groups/{groupId}", "", r#"{"name": "x"}"#),
    ("PUT /v1/groups/{groupId}/mutes/{userId}", "", r#"{"until": 1}"#),
    ("PUT /v1/groups/{groupId}/owner", "", r#"{"userId": "{userId}"}"#),
    (
        "PUT /v1/groups/{groupId}/roles",
        "",
        r#"{"roles": [{"userId": "{userId}", "role": "admin"}]}"#,
    ),
    ("PUT /v1/groups/{groupId}/roles/{userId}", "", r#"{"role": "admin"}"#),
    (
        "PUT /v1/orgs/{orgId}",
        "?",
        r#"{"name": "theirs", "parent": "{orgId}"}"#,
    ),
    (
        "PUT /v1/push-templates/{type}/{language}",
        "",
        r#"{"title": "x", "body": "x"}"#,
    ),
    ("PUT /v1/schedules/{scheduleId}", "", r#"{"deliverAfter": 1}"#),
    ("PUT /v1/tags/{tagId}", "", r#"{"name": "theirs"}"#),
    ("PUT /v1/tenants/{tenantNo}", "", r#"{"name": "x"}"#),
    ("PUT /v1/tenants/{tenantNo}/suspension", "", ""),
    ("PUT /v1/users/{userId}", "", r#"{"name": "theirs"}"#),
    ("PUT /v1/users/{userId}/block", "", "{}"),
    ("DELETE /v1/hooks/{hook}", "", ""),
    ("DELETE /v1/webhooks/{webhookId}", "", ""),
    ("POST /v1/resolver/group-changed", "", r#"{"groupId": "{groupId}"}"#),
    ("POST /v1/resolver/group-removed", "", r#"{"groupId": "{groupId}"}"#),
    ("POST /v1/resolver/block-rule-changed", "", r#"{"userId": "{userId}"}"#),
    ("GET /v1/events", "", ""),
    ("GET /v1/hooks", "", ""),
    ("GET /v1/hooks/{hook}", "", ""),
    ("GET /v1/webhooks", "", ""),
    ("GET /v1/webhooks/{webhookId}", "", ""),
    ("GET /v1/webhooks/{webhookId}/attempts", "", ""),
    ("GET /v1/webhooks/{webhookId}/deliveries", "", ""),
    ("POST /v1/hooks/{hook}/secrets", "", "{}"),
    ("POST /v1/webhooks", "", r#"{"url": "https://example.org/x"}"#),
    ("POST /v1/webhooks/{webhookId}/replay", "", "{}"),
    ("POST /v1/webhooks/{webhookId}/secrets", "", "{}"),
    ("POST /v1/webhooks/{webhookId}/test", "", ""),
    ("PUT /v1/webhooks/{webhookId}", "", r#"{"enabled": false}"#),
    (
        "PUT /v1/hooks/{hook}",
        "",
        r#"{"url": "https://example.org/x", "onFailure": "allow"}"#,
    ),
];

/// Calls that belong to no tenant.
const OPEN: &[&str] = &[
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "POST /oauth/token",
    // A vendor's report proves itself; tests/push/receipts.rs forges them.
    "POST /v1/push-receipts/{vendor}",
];

/// Ids by their names in paths.
type Ids = Vec<(&'static str, String)>;

/// A tenant with one of everything, and its ids.
async fn furnished(house: &House) -> Ids {
    let ann = house.phone("ann").await;
    let put = async |path: &str, body: Value| house.put(&house.token, path, &body).await.expect(201);
    put("/v1/tags/secret-tag", json!({})).await;
    put("/v1/orgs/secret-org", json!({})).await;
    for list in ["tags/secret-tag", "orgs/secret-org"] {
        let add = json!({"add": ["ann"]});
        house
            .post(&house.token, &format!("/v1/{list}/members"), &add)
            .await
            .expect(200);
    }
    let group = json!({"groupId": "secret-group", "name": "Hush-hush", "owner": "ann"});
    let group = house.post(&house.token, "/v1/groups", &group).await.expect(201);
    let app = json!({"name": "Hush-hush", "scopes": []});
    let app = house.post(&house.token, "/v1/apps", &app).await.expect(201);
    let sent = json!({"to": "ann", "type": "text", "content": {"text": "hush-hush"}});
    let sent = house.message(&sent).await.expect(201);
    let later = json!({"to": "ann", "type": "text", "content": {"text": "hush-hush"}, "deliverAfter": 9_000});
    let later = house.message(&later).await.expect(202);
    let broadcast = json!({"message": {"to": "all", "type": "text", "content": {"text": "hush-hush"}}, "hold": true});
    let broadcast = house.post(&house.token, "/v1/broadcasts", &broadcast).await.expect(202);
    house
        .becomes_broadcast(&broadcast.field("broadcastId"), "estimated")
        .await;
    let url = "https://hush-hush.example.org/";
    let webhook = house
        .post(&house.token, "/v1/webhooks", &json!({"url": url}))
        .await
        .expect(201);
    let hook = format!("before-send.{}", app.field("clientId"));
    let says = json!({"url": url, "onFailure": "allow"});
    house
        .put(&house.token, &format!("/v1/hooks/{hook}"), &says)
        .await
        .expect(201);
    vec![
        ("broadcastId", broadcast.field("broadcastId")),
        ("webhookId", webhook.field("webhookId")),
        ("hook", hook),
        ("account", ann.account),
        ("deviceId", ann.device_id),
        ("userId", "ann".to_owned()),
        ("uniqueCode", "code-ann".to_owned()),
        ("tagId", "secret-tag".to_owned()),
        ("orgId", "secret-org".to_owned()),
        ("groupId", "secret-group".to_owned()),
        ("clientId", app.field("clientId")),
        ("serverId", sent.field("serverId")),
        ("scheduleId", later.field("scheduleId")),
        ("conv", group.field("conv")),
        ("tenantNo", "1".to_owned()),
        ("type", "text".to_owned()),
        ("language", "en".to_owned()),
        ("os", "ios".to_owned()),
    ]
}

/// Ids of the same shape that nobody has.
fn nobodys(ids: &Ids) -> Ids {
    let other = |name: &str, id: &str| match name {
        "account" | "deviceId" => "a".repeat(26),
        "serverId" | "scheduleId" | "broadcastId" => "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f506".to_owned(),
        "conv" => "g-0-fffff".to_owned(),
        "tenantNo" => "4000".to_owned(),
        "os" => "windows".to_owned(),
        "type" | "language" => id.to_owned(),
        _ => format!("no-{name}"),
    };
    ids.iter().map(|(name, id)| (*name, other(name, id))).collect()
}

fn fill(text: &str, ids: &Ids) -> String {
    ids.iter().fold(text.to_owned(), |text, (name, id)| {
        text.replace(&format!("{{{name}}}"), id)
    })
}

async fn call(house: &House, token: &str, (route, query, body): &Call, ids: &Ids) -> Answer {
    let (method, path) = route.split_once(' ').expect("a method and a path");
    let path = fill(&format!("{path}{query}"), ids);
    let request = house
        .request(method.parse::<Method>().expect("a method"), &path)
        .bearer_auth(token);
    let request = if body.is_empty() {
        request
    } else {
        request.header("content-type", "application/json").body(fill(body, ids))
    };
    send(request).await
}

/// What an answer says, with every id of the asked ones taken out.
fn said(answer: &Answer, ids: &Ids) -> (u16, String, String) {
    let mask = |text: &str| {
        let mut ids: Vec<_> = ids.iter().collect();
        ids.sort_by_key(|(_, id)| std::cmp::Reverse(id.len()));
        ids.iter()
            .filter(|(name, _)| !matches!(*name, "type" | "language" | "os" | "tenantNo"))
            .fold(text.to_owned(), |text, (_, id)| text.replace(id.as_str(), "…"))
            .replace("\"ios\"", "…")
            .replace("\"windows\"", "…")
    };
    let (status, code) = answer.problem();
    let detail = answer.json["detail"].as_str().unwrap_or_default();
    (status, code.to_owned(), mask(detail))
}

/// What the owner reads of its things.
async fn state(house: &House, ids: &Ids) -> Vec<String> {
    let mut read = Vec::new();
    for path in [
        "/v1/users/{userId}",
        "/v1/groups/{groupId}",
        "/v1/tags/{tagId}",
        "/v1/tags/{tagId}/members",
        "/v1/orgs/{orgId}",
        "/v1/orgs/{orgId}/members",
        "/v1/apps/{clientId}",
        "/v1/schedules/{scheduleId}",
        "/v1/broadcasts/{broadcastId}",
        "/v1/webhooks/{webhookId}",
        "/v1/hooks/{hook}",
        "/v1/accounts/{account}/inbox",
        "/v1/accounts/{account}/push-wishes",
        "/v1/tenants/{tenantNo}",
    ] {
        read.push(house.get(&house.token, &fill(path, ids)).await.expect(200).text);
    }
    read
}

#[tokio::test]
async fn another_tenants_things_look_like_things_that_do_not_exist() {
    let house = House::start().await;
    let ids = furnished(&house).await;
    let nobodys = nobodys(&ids);
    let before = state(&house, &ids).await;
    let tenant = house.registry.create_tenant("another").await.expect("a tenant");
    let app = house
        .registry
        .create_app(tenant, "stranger", &Scope::ALL)
        .await
        .expect("an app");
    let token = house.token_of(&app).await;
    let device = house.phone_of(&token, "outsider").await;
    let of_path = ["account", "deviceId"].map(|name| fill(&format!("{{{name}}}"), &ids));
    let operator = &*house.app.app.client_id;
    for (credentials, token) in [("app", &token), ("device", &device.token)] {
        for row in CALLS {
            let real = call(&house, token, row, &ids).await;
            let made_up = call(&house, token, row, &nobodys).await;
            let (route, _, body) = row;
            assert_eq!(
                said(&real, &ids),
                said(&made_up, &nobodys),
                "{credentials}: {route} {body}"
            );
            assert!(real.status < 500, "{credentials}: {route}: {}", real.text);
            if real.status < 300 {
                // What the stranger said itself comes back to it: in a path, and in its own audit.
                let asked = route.contains("{account}") || route.contains("{deviceId}") || route.contains("/v1/audit");
                let leaks = real.text.contains("Hush-hush")
                    || real.text.contains("hush-hush")
                    || real.text.contains(operator)
                    || (!asked && of_path.iter().any(|id| real.text.contains(id)));
                assert!(!leaks, "{credentials}: {route} tells {}", real.text);
            }
        }
    }
    assert_eq!(state(&house, &ids).await, before, "nothing was changed");
    house
        .get(&house.token, &fill("/v1/accounts/{account}/unread", &ids))
        .await
        .expect(200);
}

#[tokio::test]
async fn every_call_of_the_description_is_tried() {
    let house = House::start().await;
    let description = send(house.request(Method::GET, "/openapi.json")).await.expect(200).json;
    let mut described = BTreeSet::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let tried: BTreeSet<String> = CALLS
        .iter()
        .map(|(route, ..)| *route)
        .chain(OPEN.iter().copied())
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = described.symmetric_difference(&tried).collect();
    assert!(missing.is_empty(), "described or tried, but not both: {missing:?}");
}
