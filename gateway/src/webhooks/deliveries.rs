//! What became of events at a webhook: every attempt, what waits, what is dead, and trying that again.

use axum::Json;
use axum::extract::State;
use godwit_registry::{Delivery, DeliveryState, Scope, Tried};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse};
use crate::door::Door;
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// Most events named in one call.
const NAMED_MAX: usize = 500;

/// Which attempts, newest first.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AttemptPart {
    /// Attempts below this number.
    before: Option<u64>,
    /// Most attempts: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// Which events, oldest first.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryPart {
    /// `waiting` or `dead`; if left out, dead ones.
    state: Option<String>,
    /// Events after this number.
    after: Option<u64>,
    /// Most events: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// Which dead events are told again.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    /// Their numbers, at most 500; all if left out.
    deliveries: Option<Vec<u64>>,
}

/// How many are told again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayAnswer {
    /// How many.
    replayed: u64,
}

/// One attempt.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttemptAnswer {
    /// Its number.
    no: u64,
    /// The event's id, as in the header `webhook-id`.
    event_id: String,
    /// The event's type.
    #[serde(rename = "type")]
    kind: String,
    /// Which attempt it was, from 1.
    attempt: u32,
    /// When it began, in milliseconds since 1970.
    at: u64,
    /// `delivered`, `failed`, or `dead`: failed for the last time.
    outcome: String,
    /// The HTTP status, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What went wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    /// How long it took, in milliseconds.
    latency_ms: u64,
}

/// An event that was not taken at once.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryAnswer {
    /// Its number.
    no: u64,
    /// The event's id, as in the header `webhook-id`.
    event_id: String,
    /// The event's type.
    #[serde(rename = "type")]
    kind: String,
    /// When it happened, in milliseconds since 1970.
    event_at: u64,
    /// The message that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_id: Option<String>,
    /// `waiting` or `dead`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When it is tried again, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<u64>,
    /// The HTTP status of the last attempt, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What went wrong with it.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

/// Read what was tried with a webhook
#[utoipa::path(get, path = "/v1/webhooks/{webhookId}/attempts", tag = "webhooks", operation_id = "listWebhookAttempts",
    params(("webhookId" = String, Path), AttemptPart), responses((status = 200, body = Listing<AttemptAnswer>)),
    security(("app" = ["webhooks"])))]
pub(crate) async fn list_attempts(
    State(door): State<Door>,
    caller: Caller,
    Places(webhook_id): Places<String>,
    Parameters(query): Parameters<AttemptPart>,
) -> Result<Json<Listing<AttemptAnswer>>, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let part = Part {
        after: None,
        limit: query.limit,
    };
    let asked = (query.before, part.ask()?);
    let found = door.dispatcher().webhook_attempts(&app, &webhook_id, asked).await?;
    let path = format!("/v1/webhooks/{webhook_id}/attempts");
    let mut page = Listing::of(found, (&path, ""), &part, |tried: &Tried| tried.no.to_string())?;
    // Newest first: the next page is before the last one of this.
    page.next = page.next.map(|next| next.replacen("after=", "before=", 1));
    Ok(Json(page))
}

/// Read which events a webhook did not take
#[utoipa::path(get, path = "/v1/webhooks/{webhookId}/deliveries", tag = "webhooks",
    operation_id = "listWebhookDeliveries", params(("webhookId" = String, Path), DeliveryPart),
    responses((status = 200, body = Listing<DeliveryAnswer>)), security(("app" = ["webhooks"])))]
pub(crate) async fn list_deliveries(
    State(door): State<Door>,
    caller: Caller,
    Places(webhook_id): Places<String>,
    Parameters(query): Parameters<DeliveryPart>,
) -> Result<Json<Listing<DeliveryAnswer>>, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let state = query.state.as_deref().unwrap_or("dead");
    let state: DeliveryState = parse("state", state)?;
    let part = Part {
        after: None,
        limit: query.limit,
    };
    let asked = (query.after.unwrap_or_default(), part.ask()?);
    let found = door
        .dispatcher()
        .webhook_deliveries(&app, &webhook_id, state, asked)
        .await?;
    let path = format!("/v1/webhooks/{webhook_id}/deliveries");
    let more = format!("&state={}", state.as_str());
    Listing::of(found, (&path, &more), &part, |delivery: &Delivery| {
        delivery.no.to_string()
    })
    .map(Json)
}

/// Have dead events told again
#[utoipa::path(post, path = "/v1/webhooks/{webhookId}/replay", tag = "webhooks", operation_id = "replayWebhook",
    params(("webhookId" = String, Path)), request_body = ReplayRequest,
    responses((status = 200, body = ReplayAnswer)), security(("app" = ["webhooks"])))]
pub(crate) async fn replay(
    State(door): State<Door>,
    caller: Caller,
    Places(webhook_id): Places<String>,
    JsonBody(request): JsonBody<ReplayRequest>,
) -> Result<Json<ReplayAnswer>, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    if request.deliveries.as_ref().is_some_and(|named| named.len() > NAMED_MAX) {
        return Err(Problem::invalid(format!(
            "`deliveries` has at most {NAMED_MAX} numbers"
        )));
    }
    let which = request.deliveries.as_deref();
    let replayed = door.dispatcher().replay_webhook(&app, &webhook_id, which).await?;
    Ok(Json(ReplayAnswer { replayed }))
}

impl From<Tried> for AttemptAnswer {
    fn from(tried: Tried) -> Self {
        Self {
            no: tried.no,
            event_id: tried.event_id,
            kind: tried.kind,
            attempt: tried.attempt,
            at: tried.at_ms,
            outcome: tried.outcome,
            status: tried.status,
            detail: tried.detail,
            latency_ms: tried.latency_ms,
        }
    }
}

impl From<Delivery> for DeliveryAnswer {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Waiting;
        Self {
            no: delivery.no,
            event_id: delivery.event_id,
            kind: delivery.kind,
            event_at: delivery.event_at_ms,
            server_id: delivery.server_id.map(|id| id.to_string()),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            next_attempt_at: waits.then_some(delivery.next_at_ms),
            status: delivery.status,
            detail: delivery.detail,
        }
    }
}
