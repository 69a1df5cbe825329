//! How an app gets its access token, and every way it does not.

use godwit_registry::Scope;
use reqwest::Method;
use reqwest::header::AUTHORIZATION;

use crate::house::{Answer, House, send};

async fn ask(house: &House, form: &[(&str, &str)]) -> Answer {
    send(house.request(Method::POST, "/oauth/token").form(form)).await
}

#[tokio::test]
async fn an_app_gets_a_token_by_basic_or_body_credentials() {
    let house = House::start().await;
    let (id, secret) = (house.app.app.client_id.as_ref(), house.app.client_secret.as_str());
    let grant = ("grant_type", "client_credentials");
    let by_body = ask(&house, &[grant, ("client_id", id), ("client_secret", secret)]).await;
    let narrowed = house
        .request(Method::POST, "/oauth/token")
        .basic_auth(id, Some(secret))
        .form(&[grant, ("scope", "messages tickets"), ("audience", "ignored")]);
    let by_basic = send(narrowed).await;
    for (answer, scope) in [
        (&by_body, godwit_registry::Scopes::all().to_string()),
        (&by_basic, "tickets messages".to_owned()),
    ] {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["token_type"], "Bearer");
        assert_eq!(answer.json["expires_in"], 3600);
        assert_eq!(answer.json["scope"], scope);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let narrow = by_basic.field("access_token");
    let refused = house.get(&narrow, "/v1/groups/team").await;
    assert_eq!(refused.problem(), (403, "forbidden"));
    assert!(
        refused.header("www-authenticate").contains("scope=\"groups\""),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_token_that_is_not_given_is_refused_in_the_words_of_the_standard() {
    let house = House::start().await;
    let (id, secret) = (house.app.app.client_id.as_ref(), house.app.client_secret.as_str());
    let grant = ("grant_type", "client_credentials");
    for (form, status, error) in [
        (vec![], 400, "invalid_request"),
        (vec![("grant_type", "password")], 400, "unsupported_grant_type"),
        (vec![grant], 401, "invalid_client"),
        (
            vec![grant, ("client_id", id), ("client_secret", "wrong")],
            401,
            "invalid_client",
        ),
        (
            vec![grant, ("client_id", "nobody"), ("client_secret", secret)],
            401,
            "invalid_client",
        ),
        (
            vec![grant, grant, ("client_id", id), ("client_secret", secret)],
            400,
            "invalid_request",
        ),
        (
            vec![grant, ("client_id", id), ("client_secret", secret), ("scope", "root")],
            400,
            "invalid_scope",
        ),
    ] {
        let answer = ask(&house, &form).await;
        assert_eq!(
            (answer.status, answer.json["error"].as_str()),
            (status, Some(error)),
            "{form:?}"
        );
        assert!(!answer.field("error_description").is_empty());
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("www-authenticate").is_empty(), status != 401, "{form:?}");
    }
    let twice = house
        .request(Method::POST, "/oauth/token")
        .basic_auth(id, Some(secret))
        .form(&[grant, ("client_secret", secret)]);
    assert_eq!(send(twice).await.json["error"], "invalid_request");
    let bearer = house
        .request(Method::POST, "/oauth/token")
        .header(AUTHORIZATION, "Bearer x");
    assert_eq!(send(bearer.form(&[grant])).await.json["error"], "invalid_client");
    let json = house.request(Method::POST, "/oauth/token").json(&serde_json::json!({}));
    assert_eq!(send(json).await.json["error"], "invalid_request");
}

#[tokio::test]
async fn a_token_ends_with_its_time() {
    let house = House::start().await;
    let token = house.app_with(&[Scope::MessagesRead]).await;
    let path = "/v1/messages/00000000-0000-7000-8000-000000000000";
    assert_eq!(house.get(&token, path).await.problem(), (404, "not_found"));
    house.clock.set(crate::house::NOW_MS + 3_600_000);
    let late = house.get(&token, path).await;
    assert_eq!(late.problem(), (401, "unauthenticated"));
    assert!(late.header("www-authenticate").contains("invalid_token"));
}
