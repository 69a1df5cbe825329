//! How much a caller may ask for, and how it is told.

use godwit_gateway::{Gateway, Rate};
use reqwest::Method;
use serde_json::json;

use crate::house::{House, send};

#[tokio::test]
async fn an_app_is_told_what_it_has_left_and_when_to_come_back() {
    let small = |gateway: &mut Gateway| gateway.settings.app_rate = Rate::new(1, 3);
    let house = House::start_with(small).await;
    for remaining in ["2", "1", "0"] {
        let answer = house.get(&house.token, "/v1/groups/none").await;
        assert_eq!(answer.problem(), (404, "group_not_found"));
        assert_eq!(answer.header("ratelimit-limit"), "3");
        assert_eq!(answer.header("ratelimit-remaining"), remaining);
    }
    let over = house.get(&house.token, "/v1/groups/none").await;
    assert_eq!(over.problem(), (429, "rate_limited"));
    assert_eq!(over.json["retryable"], true);
    assert_eq!(over.header("retry-after"), "1");
    assert_eq!(over.header("ratelimit-remaining"), "0");
    assert_eq!(over.header("ratelimit-reset"), "3");
    let other = house.stranger().await;
    assert_eq!(
        house.get(&other, "/v1/groups/none").await.status,
        404,
        "another app has its own"
    );
}

#[tokio::test]
async fn guests_are_limited_by_where_they_come_from() {
    let small = |gateway: &mut Gateway| {
        gateway.settings.address_rate = Rate::new(1, 4);
        gateway.settings.trusted_proxies = 1;
    };
    let house = House::start_with(small).await;
    let from = |address: &'static str| {
        let body = json!({"ticket": "x", "uniqueCode": "x", "os": "web"});
        let request = house.request(Method::POST, "/v1/devices").json(&body);
        send(request.header("x-forwarded-for", address))
    };
    for _ in 0..4 {
        assert_eq!(from("192.0.2.1").await.problem(), (401, "ticket_invalid"));
    }
    assert_eq!(from("192.0.2.1").await.problem(), (429, "rate_limited"));
    assert_eq!(from("192.0.2.2").await.problem(), (401, "ticket_invalid"));
}

#[tokio::test]
async fn guessing_tokens_is_limited_too_and_does_not_lock_out_the_app() {
    let small = |gateway: &mut Gateway| gateway.settings.address_rate = Rate::new(1, 5);
    let house = House::start_with(small).await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(house.get("guess", "/v1/groups/none").await.status);
    }
    assert_eq!(codes[..4], [401; 4]);
    assert_eq!(codes[5], 429);
    assert_eq!(house.get(&house.token, "/v1/groups/none").await.status, 404);
}
