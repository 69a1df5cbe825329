//! Apps: the first one, secrets and their reset, access tokens and their scopes.

use std::sync::Arc;

use godwit_model::{Refusal, TenantNo};
use godwit_registry::{NewApp, Registry, Scope, Scopes, SecretCost, Settings};
use godwit_store::Store;

use crate::house::{House, NOON_MS, TENANT, assert_refused, cheap};

async fn token(house: &House, app: &NewApp) -> String {
    house
        .registry
        .issue_access_token(&app.app.client_id, &app.client_secret, None)
        .await
        .unwrap()
        .token
}

#[tokio::test]
async fn the_first_app_is_made_once_with_every_scope() {
    let house = House::new().await;
    assert_eq!((house.app().tenant, house.app().scopes), (TENANT, Scopes::all()));
    assert!(house.registry.first_app().await.unwrap().is_none());
}

#[tokio::test]
async fn an_access_token_names_its_app_and_ends_in_time() {
    let house = House::new().await;
    let app = &house.first;
    let issued = house
        .registry
        .issue_access_token(&app.app.client_id, &app.client_secret, None)
        .await
        .unwrap();
    assert_eq!((issued.expires_in_s, issued.scopes), (3_600, Scopes::all()));
    assert_eq!(house.registry.authenticate_app(&issued.token).await.unwrap(), app.app);
    house.clock.set(NOON_MS + 3_599_000);
    assert!(house.registry.authenticate_app(&issued.token).await.is_ok());
    house.clock.set(NOON_MS + 3_600_000);
    assert_refused(
        house.registry.authenticate_app(&issued.token).await,
        Refusal::Unauthenticated,
    );
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_app_get_the_same_answer() {
    let house = House::new().await;
    let id = &*house.app().client_id;
    let secret = &*house.first.client_secret;
    let mut answers = Vec::new();
    for (id, secret) in [
        (id, "wrong"),
        (id, ""),
        ("gwa_nobody", secret),
        ("", ""),
        (id, "nobody has this secret"),
    ] {
        let error = house.registry.issue_access_token(id, secret, None).await.unwrap_err();
        answers.push((error.refusal(), error.to_string()));
    }
    assert_eq!(answers[0].0, Some(Refusal::Unauthenticated));
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let decoy = house
        .registry
        .issue_access_token("gwa_nobody", "nobody has this secret", None)
        .await;
    assert_refused(decoy, Refusal::Unauthenticated);
}

#[tokio::test]
async fn a_token_allows_what_was_asked_and_the_app_has() {
    let house = House::new().await;
    let app = house
        .registry
        .create_app(TENANT, "narrow", &[Scope::Tickets, Scope::Groups])
        .await
        .unwrap();
    let ask = async |scope: &str| {
        house
            .registry
            .issue_access_token(&app.app.client_id, &app.client_secret, Some(scope))
            .await
    };
    let narrow = ask("groups").await.unwrap();
    let seen = house.registry.authenticate_app(&narrow.token).await.unwrap();
    assert!(seen.scopes.contains(Scope::Groups) && !seen.scopes.contains(Scope::Tickets));
    assert_eq!(seen.no, app.app.no);
    assert_refused(ask("messages").await, Refusal::Forbidden);
    assert_refused(ask("root").await, Refusal::InvalidField);
    assert_eq!(ask("").await.unwrap().scopes, app.app.scopes);
}

#[tokio::test]
async fn a_reset_ends_the_former_secret_and_its_tokens_at_once() {
    let house = House::new().await;
    let old = token(&house, &house.first).await;
    house.registry.authenticate_app(&old).await.unwrap();
    let reset = house.registry.reset_app_secret(&house.app().client_id).await.unwrap();
    assert_eq!(reset.app, house.first.app);
    assert_refused(house.registry.authenticate_app(&old).await, Refusal::Unauthenticated);
    let former = house
        .registry
        .issue_access_token(&reset.app.client_id, &house.first.client_secret, None)
        .await;
    assert_refused(former, Refusal::Unauthenticated);
    let new = token(&house, &reset).await;
    assert!(house.registry.authenticate_app(&new).await.is_ok());
    assert_refused(house.registry.reset_app_secret("gwa_nobody").await, Refusal::NotFound);
}

#[tokio::test]
async fn a_token_signed_with_another_key_or_changed_is_refused() {
    let house = House::new().await;
    let good = token(&house, &house.first).await;
    let store = Store::open("sqlite::memory:").await.unwrap();
    let other = Registry::open(store, Arc::clone(&house.clock) as _, &[8; 32], cheap())
        .await
        .unwrap();
    let first = other.first_app().await.unwrap().unwrap();
    let foreign = other
        .issue_access_token(&first.app.client_id, &first.client_secret, None)
        .await
        .unwrap()
        .token;
    let (head, _) = good.rsplit_once('.').unwrap();
    for bad in ["", "a.b.c", &foreign, head, &format!("{head}.")] {
        assert_refused(house.registry.authenticate_app(bad).await, Refusal::Unauthenticated);
    }
}

#[tokio::test]
async fn an_app_needs_a_tenant_and_a_name() {
    let house = House::new().await;
    assert_refused(
        house.registry.create_app(TenantNo(99), "app", &[]).await,
        Refusal::NotFound,
    );
    assert_refused(house.registry.create_app(TENANT, "", &[]).await, Refusal::InvalidField);
}

#[tokio::test]
async fn checks_of_secrets_beyond_the_bound_are_refused_as_overload() {
    // Dear enough that the others arrive while the first is checked.
    let secret_cost = SecretCost {
        memory_kib: 16 * 1024,
        passes: 4,
    };
    let settings = Settings {
        secret_cost,
        secret_checks_max: 1,
        secret_checks_waiting_max: 0,
        ..cheap()
    };
    let house = House::with(settings).await;
    let asks = (0..20).map(|_| {
        house
            .registry
            .issue_access_token(&house.first.app.client_id, "wrong", None)
    });
    let mut refusals = Vec::new();
    for answer in futures_util::future::join_all(asks).await {
        refusals.push(answer.unwrap_err().refusal().unwrap());
    }
    assert!(refusals.contains(&Refusal::Unauthenticated), "{refusals:?}");
    assert!(refusals.contains(&Refusal::Overloaded), "{refusals:?}");
}
