//! The published description is what the door does.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::house::{House, send};

/// Every call there is.
const CALLS: [&str; 115] = [
    "DELETE /v1/accounts/{account}/mutes/{conv}",
    "DELETE /v1/apps/{clientId}",
    "DELETE /v1/broadcasts/{broadcastId}",
    "DELETE /v1/client-versions/{os}",
    "DELETE /v1/devices/{deviceId}",
    "DELETE /v1/devices/{deviceId}/push-token",
    "DELETE /v1/groups/{groupId}",
    "DELETE /v1/groups/{groupId}/join-requests/{userId}",
    "DELETE /v1/groups/{groupId}/members/{userId}",
    "DELETE /v1/groups/{groupId}/mutes/{userId}",
    "DELETE /v1/hooks/{hook}",
    "DELETE /v1/messages/{serverId}",
    "DELETE /v1/orgs/{orgId}",
    "DELETE /v1/push-templates/{type}/{language}",
    "DELETE /v1/schedules/{scheduleId}",
    "DELETE /v1/tags/{tagId}",
    "DELETE /v1/tenants/{tenantNo}/suspension",
    "DELETE /v1/users/{userId}",
    "DELETE /v1/users/{userId}/block",
    "DELETE /v1/webhooks/{webhookId}",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "GET /v1/accounts/{account}/history",
    "GET /v1/accounts/{account}/inbox",
    "GET /v1/accounts/{account}/push-wishes",
    "GET /v1/accounts/{account}/unread",
    "GET /v1/apps",
    "GET /v1/apps/{clientId}",
    "GET /v1/audit",
    "GET /v1/audit/export",
    "GET /v1/broadcasts",
    "GET /v1/broadcasts/{broadcastId}",
    "GET /v1/broadcasts/{broadcastId}/report",
    "GET /v1/client-versions",
    "GET /v1/conversations/{conv}/messages",
    "GET /v1/events",
    "GET /v1/groups",
    "GET /v1/groups/{groupId}",
    "GET /v1/groups/{groupId}/join-requests",
    "GET /v1/groups/{groupId}/members",
    "GET /v1/hooks",
    "GET /v1/hooks/{hook}",
    "GET /v1/messages/{serverId}",
    "GET /v1/messages/{serverId}/timeline",
    "GET /v1/orgs",
    "GET /v1/orgs/{orgId}",
    "GET /v1/orgs/{orgId}/members",
    "GET /v1/push-templates",
    "GET /v1/pushes",
    "GET /v1/pushes/why",
    "GET /v1/schedules",
    "GET /v1/schedules/{scheduleId}",
    "GET /v1/tags",
    "GET /v1/tags/{tagId}",
    "GET /v1/tags/{tagId}/members",
    "GET /v1/tenants",
    "GET /v1/tenants/{tenantNo}",
    "GET /v1/users",
    "GET /v1/users/{userId}",
    "GET /v1/webhooks",
    "GET /v1/webhooks/{webhookId}",
    "GET /v1/webhooks/{webhookId}/attempts",
    "GET /v1/webhooks/{webhookId}/deliveries",
    "POST /oauth/token",
    "POST /v1/accounts/{account}/read",
    "POST /v1/apps",
    "POST /v1/apps/{clientId}/secrets",
    "POST /v1/broadcasts",
    "POST /v1/broadcasts/{broadcastId}/pause",
    "POST /v1/broadcasts/{broadcastId}/resume",
    "POST /v1/devices",
    "POST /v1/groups",
    "POST /v1/groups/{groupId}/join",
    "POST /v1/groups/{groupId}/join-requests/{userId}/approve",
    "POST /v1/groups/{groupId}/members",
    "POST /v1/groups/{groupId}/members/remove",
    "POST /v1/hooks/{hook}/secrets",
    "POST /v1/messages",
    "POST /v1/messages/batch",
    "POST /v1/orgs/{orgId}/members",
    "POST /v1/push-receipts/{vendor}",
    "POST /v1/resolver/block-rule-changed",
    "POST /v1/resolver/group-changed",
    "POST /v1/resolver/group-removed",
    "POST /v1/tags/{tagId}/members",
    "POST /v1/tenants",
    "POST /v1/tickets",
    "POST /v1/users/batch",
    "POST /v1/users/{userId}/logout",
    "POST /v1/webhooks",
    "POST /v1/webhooks/{webhookId}/replay",
    "POST /v1/webhooks/{webhookId}/secrets",
    "POST /v1/webhooks/{webhookId}/test",
    "PUT /v1/accounts/{account}/mutes/{conv}",
    "PUT /v1/accounts/{account}/push-wishes",
    "PUT /v1/apps/{clientId}",
    "PUT /v1/client-versions/{os}",
    "PUT /v1/devices/{deviceId}/push",
    "PUT /v1/devices/{deviceId}/push-token",
    "PUT /v1/groups/{groupId}",
    "PUT /v1/groups/{groupId}/mutes/{userId}",
    "PUT /v1/groups/{groupId}/owner",
    "PUT /v1/groups/{groupId}/roles",
    "PUT /v1/groups/{groupId}/roles/{userId}",
    "PUT /v1/hooks/{hook}",
    "PUT /v1/orgs/{orgId}",
    "PUT /v1/push-templates/{type}/{language}",
    "PUT /v1/schedules/{scheduleId}",
    "PUT /v1/tags/{tagId}",
    "PUT /v1/tenants/{tenantNo}",
    "PUT /v1/tenants/{tenantNo}/suspension",
    "PUT /v1/users/{userId}",
    "PUT /v1/users/{userId}/block",
    "PUT /v1/webhooks/{webhookId}",
];

const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];

async fn description(house: &House) -> Value {
    let answer = send(house.request(Method::GET, "/openapi.json")).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json
}

#[tokio::test]
async fn it_lists_the_calls_and_the_door_answers_exactly_them() {
    let house = House::start().await;
    let description = description(&house).await;
    assert!(description["openapi"].as_str().expect("a version").starts_with("3.1."));
    let mut listed = BTreeSet::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for method in METHODS {
            let name = method.to_uppercase();
            let at = path.replace(['{', '}'], "");
            let answer = send(house.request(name.parse().expect("a method"), &at)).await;
            let is_listed = item.get(method).is_some();
            assert_eq!(answer.status != 405, is_listed, "{name} {path}: {}", answer.status);
            if is_listed {
                assert_ne!(answer.problem(), (404, "not_found"), "{name} {path}");
                listed.insert(format!("{name} {path}"));
            }
        }
    }
    let listed: Vec<_> = listed.iter().map(String::as_str).collect();
    assert_eq!(listed, CALLS);
}

#[tokio::test]
async fn it_holds_together() {
    let house = House::start().await;
    let description = description(&house).await;
    let mut references = BTreeSet::new();
    collect_references(&description, &mut references);
    for reference in &references {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    assert!(references.len() > 10, "{references:?}");
    let mut ids = BTreeSet::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for operation in METHODS.iter().filter_map(|method| item.get(method)) {
            assert!(
                ids.insert(operation["operationId"].as_str().expect("an id").to_owned()),
                "{path}"
            );
            assert!(operation["summary"].is_string(), "{path} has no summary");
            assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object());
            let named: BTreeSet<_> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().expect("a name"))
                .collect();
            let placed: BTreeSet<_> = path
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next())
                .collect();
            assert_eq!(named, placed, "{path}");
        }
    }
    assert_eq!(ids.len(), CALLS.len());
}

fn collect_references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|inner| collect_references(inner, into));
        }
        Value::Array(items) => items.iter().for_each(|inner| collect_references(inner, into)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_needs_no_other_host() {
    let house = House::start().await;
    for (path, kind) in [
        ("/docs", "text/html"),
        ("/docs/page.js", "text/javascript"),
        ("/docs/page.css", "text/css"),
    ] {
        let answer = send(house.request(Method::GET, path)).await.expect(200);
        assert!(answer.header("content-type").starts_with(kind), "{path}");
        assert!(!answer.text.contains("://"), "{path} names another host");
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
    }
    let codes = description(&house).await;
    let codes = codes["x-problems"].as_array().expect("codes").len();
    assert!(codes > godwit_model::Refusal::ALL.len());
}
