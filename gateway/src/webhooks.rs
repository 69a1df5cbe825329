//! `/v1/webhooks`: an app has its tenant's events told to an address, and sees what became of them.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

pub(crate) mod deliveries;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use godwit_dispatcher::{Attempted, EventKind, WebhookWish};
use godwit_registry::{Scope, Webhook};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse_all};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// How long a former secret signs as well if nobody says otherwise, in seconds: a day.
const OVERLAP_DEFAULT_S: u64 = 24 * 3_600;

/// A webhook to be made, or what it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WebhookRequest {
    /// Where events go: `https://…`. An address in a private network is refused, unless the platform allows it.
    url: Option<String>,
    /// Which types of events, such as `message.accepted`; if left out, those of before, or all that the app may hear.
    types: Option<Vec<String>>,
    /// A text for people, at most 255 bytes.
    description: Option<String>,
    /// Whether it is told anything; one that was told nothing goes on where it was.
    enabled: Option<bool>,
}

/// How the secret changes.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OverlapRequest {
    /// How long the former secret signs as well, in seconds: a day if left out, 30 days at most; 0 ends it at once.
    pub(crate) former_valid_seconds: Option<u64>,
}

impl OverlapRequest {
    pub(crate) fn seconds(&self) -> u64 {
        self.former_valid_seconds.unwrap_or(OVERLAP_DEFAULT_S)
    }
}

/// A webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookAnswer {
    /// Its id.
    webhook_id: String,
    /// Where events go.
    url: String,
    /// Which types of events.
    types: Vec<String>,
    /// A text for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    /// Whether it is told anything.
    enabled: bool,
    /// Why the platform tells it nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_because: Option<String>,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
    /// Until when the former secret signs as well, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    former_secret_until: Option<u64>,
}

/// A webhook with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookSecret {
    /// The webhook.
    #[serde(flatten)]
    webhook: WebhookAnswer,
    /// What signs: `whsec_` and base64, as the Standard Webhooks specification writes it.
    secret: String,
}

/// What became of a call.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookTest)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestAnswer {
    /// Whether it was answered with 2xx in time.
    delivered: bool,
    /// The HTTP status, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What went wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    /// How long it took, in milliseconds.
    latency_ms: u64,
}

/// List webhooks
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", operation_id = "listWebhooks", params(Part),
    responses((status = 200, body = Listing<WebhookAnswer>)), security(("app" = ["webhooks"])))]
pub(crate) async fn list_webhooks(
    State(door): State<Door>,
    caller: Caller,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<WebhookAnswer>>, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let after = part.after.as_deref().unwrap_or_default();
    let found = door.dispatcher().webhooks(&app, after, part.ask()?).await?;
    Listing::of(found, ("/v1/webhooks", ""), &part, |webhook: &Webhook| {
        webhook.id.clone()
    })
    .map(Json)
}

/// Have events told to an address from now on
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", operation_id = "createWebhook",
    request_body = WebhookRequest, responses((status = 201, body = WebhookSecret)), security(("app" = ["webhooks"])))]
pub(crate) async fn create_webhook(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(request): JsonBody<WebhookRequest>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    if request.url.is_none() {
        return Err(Problem::invalid("`url` is missing: where events go"));
    }
    let made = door.dispatcher().create_webhook(&app, request.wish()?).await?;
    Ok((StatusCode::CREATED, secret(made)))
}

/// Read a webhook
#[utoipa::path(get, path = "/v1/webhooks/{webhookId}", tag = "webhooks", operation_id = "readWebhook",
    params(("webhookId" = String, Path)), responses((status = 200, body = WebhookAnswer)),
    security(("app" = ["webhooks"])))]
pub(crate) async fn read_webhook(
    State(door): State<Door>,
    caller: Caller,
    Places(webhook_id): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let found = door.dispatcher().webhook(&app, &webhook_id).await?;
    Ok((etag::tag(found.version), Json(WebhookAnswer::from(found))))
}

/// Change a webhook; what is left out stays
#[utoipa::path(put, path = "/v1/webhooks/{webhookId}", tag = "webhooks", operation_id = "changeWebhook",
    params(("webhookId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    request_body = WebhookRequest, responses((status = 200, body = WebhookAnswer)), security(("app" = ["webhooks"])))]
pub(crate) async fn change_webhook(
    State(door): State<Door>,
    caller: Caller,
    Places(webhook_id): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<WebhookRequest>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let wish = request.wish()?;
    let changed = door
        .dispatcher()
        .change_webhook(&app, &webhook_id, wish, expected)
        .await?;
    let changed = changed.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    Ok((etag::tag(changed.version), Json(WebhookAnswer::from(changed))))
}

/// Remove a webhook with all that waits for it
#[utoipa::path(delete, path = "/v1/webhooks/{webhookId}", tag = "webhooks", operation_id = "removeWebhook",
    params(("webhookId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 204)), security(("app" = ["webhooks"])))]
pub(crate) async fn remove_webhook(
    State(door): State<Door>,
    caller: Caller,
    Places(webhook_id): Places<String>,
    Condition(expected): Condition,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let removed = door.dispatcher().remove_webhook(&app, &webhook_id, expected).await?;
    removed.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook another secret; the former one signs as well for a while
#[utoipa::path(post, path = "/v1/webhooks/{webhookId}/secrets", tag = "webhooks", operation_id = "rotateWebhookSecret",
    params(("webhookId" = String, Path)), request_body = OverlapRequest,
    responses((status = 201, body = WebhookSecret)), security(("app" = ["webhooks"])))]
pub(crate) async fn rotate_webhook_secret(
    State(door): State<Door>,
    caller: Caller,
    Places(webhook_id): Places<String>,
    JsonBody(request): JsonBody<OverlapRequest>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let overlap_s = request.seconds();
    let changed = door
        .dispatcher()
        .rotate_webhook_secret(&app, &webhook_id, overlap_s)
        .await?;
    Ok((StatusCode::CREATED, secret(changed)))
}

/// Call a webhook now, with an event `webhook.test`
#[utoipa::path(post, path = "/v1/webhooks/{webhookId}/test", tag = "webhooks", operation_id = "testWebhook",
    params(("webhookId" = String, Path)), responses((status = 200, body = TestAnswer)),
    security(("app" = ["webhooks"])))]
pub(crate) async fn test_webhook(
    State(door): State<Door>,
    caller: Caller,
    Places(webhook_id): Places<String>,
) -> Result<Json<TestAnswer>, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    Ok(Json(door.dispatcher().test_webhook(&app, &webhook_id).await?.into()))
}

impl WebhookRequest {
    fn wish(self) -> Result<WebhookWish, Problem> {
        let kinds = self
            .types
            .map(|types| parse_all::<EventKind>("types", &types))
            .transpose()?;
        Ok(WebhookWish {
            url: self.url,
            kinds,
            description: self.description,
            enabled: self.enabled,
        })
    }
}

fn secret(webhook: Webhook) -> impl IntoResponse {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    let version = webhook.version;
    let answer = WebhookSecret {
        secret: webhook.secret.clone(),
        webhook: webhook.into(),
    };
    (no_store, etag::tag(version), Json(answer))
}

impl From<Webhook> for WebhookAnswer {
    fn from(webhook: Webhook) -> Self {
        Self {
            webhook_id: webhook.id,
            url: webhook.says.url,
            types: webhook.says.kinds.split_ascii_whitespace().map(str::to_owned).collect(),
            description: webhook.says.description,
            enabled: webhook.says.enabled,
            disabled_because: webhook.disabled_because,
            created_at: webhook.created_at_ms,
            former_secret_until: webhook.former.map(|(_, until_ms)| until_ms),
        }
    }
}

impl From<Attempted> for TestAnswer {
    fn from(attempted: Attempted) -> Self {
        Self {
            delivered: attempted.delivered,
            status: attempted.status,
            detail: attempted.detail,
            latency_ms: attempted.latency_ms,
        }
    }
}
