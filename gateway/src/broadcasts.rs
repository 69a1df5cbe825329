//! `/v1/broadcasts`: one message to any number of accounts, as a job that can be watched, paused and cancelled.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

mod report;

pub(crate) use report::*;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use godwit_dispatcher::{BroadcastWish, new_message_id};
use godwit_protocol::envelope::decode_draft;
use godwit_registry::{BroadcastCommand, BroadcastRecord, Expected, Scope};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse};
use crate::door::Door;
use crate::envelope::Draft;
use crate::etag::{self, Condition};
use crate::idempotency;
use crate::listing::{Listing, Part};
use crate::messages::{LeftOut, REPLAYED};
use crate::problem::Problem;

/// A broadcast to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BroadcastRequest {
    /// The message. Its `to` may name groups as well, whose members get it each for itself, and any number of accounts may
    /// be behind it. `deliverAfter` says when the broadcast begins.
    #[schema(value_type = Draft)]
    message: Box<RawValue>,
    /// Most accounts a second; the platform has a limit of its own.
    #[schema(minimum = 1)]
    rate: Option<u64>,
    /// Whether it waits for being resumed once it is known for how many accounts it is.
    #[serde(default)]
    #[schema(required = false)]
    hold: bool,
}

/// A broadcast.
#[derive(Serialize, ToSchema)]
#[schema(as = Broadcast)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BroadcastAnswer {
    /// Its id.
    broadcast_id: String,
    /// `created`, `estimated`, `running`, `paused`, `finished`, `cancelled` or `failed`.
    state: &'static str,
    /// For how many accounts it is, as it was counted before it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<u64>,
    /// How many accounts have it in their inbox.
    sent: u64,
    /// Most accounts a second, if it was asked so.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u64>,
    /// Whether it waits for being resumed once it is estimated.
    hold: bool,
    /// When it was asked, in milliseconds since 1970.
    created_at: u64,
    /// When it is to begin, in milliseconds since 1970.
    deliver_at: u64,
    /// When it began, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    began_at: Option<u64>,
    /// When it was over, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<u64>,
    /// Why it failed: a code of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// What is sent.
    #[schema(value_type = Draft)]
    message: Box<RawValue>,
}

/// A broadcast that was asked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewBroadcast {
    /// The broadcast.
    #[serde(flatten)]
    broadcast: BroadcastAnswer,
    /// Receivers that are left out.
    refused: Vec<LeftOut>,
}

/// Which broadcasts, and which part of them.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BroadcastPart {
    /// Only those that are `created`, `estimated`, `running`, `paused`, `finished`, `cancelled` or `failed`.
    state: Option<String>,
    /// Broadcasts after this one, in the order in which they were asked; from the first one if left out.
    after: Option<String>,
    /// Most broadcasts: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// Bring a message to any number of accounts
#[utoipa::path(post, path = "/v1/broadcasts", tag = "broadcasts", operation_id = "createBroadcast",
    request_body = BroadcastRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Another way to write the message's `id`")),
    responses((status = 202, description = "Stored and under way; with `Idempotent-Replayed: true` it was before",
        body = NewBroadcast)),
    security(("app" = ["broadcast", "messages"])))]
pub(crate) async fn create_broadcast(
    State(door): State<Door>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<BroadcastRequest>,
) -> Result<Response, Problem> {
    let app = caller.app(Scope::Broadcast)?;
    let mut draft = decode_draft(request.message.get().as_bytes())?;
    draft.id = idempotency::agree(draft.id, idempotency::key(&headers)?)?;
    if draft.id.is_empty() {
        draft.id = new_message_id(door.dispatcher().now_ms())?;
    }
    let wish = BroadcastWish {
        rate: request.rate,
        held: request.hold,
    };
    let asked = door.dispatcher().create_broadcast(&app, draft, wish).await?;
    let tag = etag::tag(asked.record.version);
    let answer = NewBroadcast {
        broadcast: asked.record.into(),
        refused: asked.refused.into_iter().map(LeftOut::from).collect(),
    };
    let mut response = (StatusCode::ACCEPTED, tag, Json(answer)).into_response();
    if asked.repeated {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// List broadcasts
#[utoipa::path(get, path = "/v1/broadcasts", tag = "broadcasts", operation_id = "listBroadcasts",
    params(BroadcastPart), responses((status = 200, body = Listing<BroadcastAnswer>)),
    security(("app" = ["broadcast"])))]
pub(crate) async fn list_broadcasts(
    State(door): State<Door>,
    caller: Caller,
    Parameters(query): Parameters<BroadcastPart>,
) -> Result<Json<Listing<BroadcastAnswer>>, Problem> {
    let app = caller.app(Scope::Broadcast)?;
    let state = query.state.as_deref().map(|state| parse("state", state)).transpose()?;
    let more = query.state.map(|state| format!("&state={state}")).unwrap_or_default();
    let part = Part {
        after: query.after,
        limit: query.limit,
    };
    let after = part.after.as_deref().unwrap_or_default();
    let found = door.dispatcher().broadcasts(&app, state, after, part.ask()?).await?;
    let id = |broadcast: &BroadcastRecord| broadcast.asked.id.clone();
    Listing::of(found, ("/v1/broadcasts", &more), &part, id).map(Json)
}

/// Read how far a broadcast is
#[utoipa::path(get, path = "/v1/broadcasts/{broadcastId}", tag = "broadcasts", operation_id = "readBroadcast",
    params(("broadcastId" = String, Path)),
    responses((status = 200, description = "Its `ETag` changes with its state, not with its progress",
        body = BroadcastAnswer)),
    security(("app" = ["broadcast"])))]
pub(crate) async fn read_broadcast(
    State(door): State<Door>,
    caller: Caller,
    Places(broadcast_id): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Broadcast)?;
    let found = door.dispatcher().broadcast(&app, &broadcast_id).await?;
    Ok((etag::tag(found.version), Json(BroadcastAnswer::from(found))))
}

/// Pause a broadcast
#[utoipa::path(post, path = "/v1/broadcasts/{broadcastId}/pause", tag = "broadcasts", operation_id = "pauseBroadcast",
    params(("broadcastId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 200, description = "It rests; the page that was being sent is still sent",
        body = BroadcastAnswer)),
    security(("app" = ["broadcast"])))]
pub(crate) async fn pause_broadcast(
    State(door): State<Door>,
    caller: Caller,
    Places(broadcast_id): Places<String>,
    Condition(expected): Condition,
) -> Result<Response, Problem> {
    command(&door, caller, &broadcast_id, (BroadcastCommand::Pause, expected)).await
}

/// Resume a broadcast that is paused, held, or waits for its time
#[utoipa::path(post, path = "/v1/broadcasts/{broadcastId}/resume", tag = "broadcasts", operation_id = "resumeBroadcast",
    params(("broadcastId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 200, description = "It goes on where it was", body = BroadcastAnswer)),
    security(("app" = ["broadcast"])))]
pub(crate) async fn resume_broadcast(
    State(door): State<Door>,
    caller: Caller,
    Places(broadcast_id): Places<String>,
    Condition(expected): Condition,
) -> Result<Response, Problem> {
    command(&door, caller, &broadcast_id, (BroadcastCommand::Resume, expected)).await
}

/// Cancel a broadcast
#[utoipa::path(delete, path = "/v1/broadcasts/{broadcastId}", tag = "broadcasts", operation_id = "cancelBroadcast",
    params(("broadcastId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 204, description = "It ends; who has the message keeps it")),
    security(("app" = ["broadcast"])))]
pub(crate) async fn cancel_broadcast(
    State(door): State<Door>,
    caller: Caller,
    Places(broadcast_id): Places<String>,
    Condition(expected): Condition,
) -> Result<StatusCode, Problem> {
    command(&door, caller, &broadcast_id, (BroadcastCommand::Cancel, expected)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn command(
    door: &Door,
    caller: Caller,
    id: &str,
    (command, expected): (BroadcastCommand, Expected),
) -> Result<Response, Problem> {
    let app = caller.app(Scope::Broadcast)?;
    let done = door.dispatcher().command_broadcast(&app, id, command, expected).await?;
    let done = done.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    Ok((etag::tag(done.version), Json(BroadcastAnswer::from(done))).into_response())
}

impl From<BroadcastRecord> for BroadcastAnswer {
    fn from(broadcast: BroadcastRecord) -> Self {
        let asked = broadcast.asked;
        Self {
            broadcast_id: asked.id,
            state: broadcast.state.as_str(),
            estimate: broadcast.estimate,
            sent: broadcast.accounts,
            rate: asked.rate,
            hold: asked.held,
            created_at: asked.created_at_ms,
            deliver_at: asked.due_at_ms,
            began_at: broadcast.began_at_ms,
            done_at: broadcast.done_at_ms,
            code: broadcast.code,
            // Only the dispatcher writes it.
            message: RawValue::from_string(asked.draft).unwrap_or_default(),
        }
    }
}
