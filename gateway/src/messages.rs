//! `/v1/messages`: an app sends a message, or reads one.

mod batch;

pub(crate) use batch::*;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use godwit_dispatcher::{Sender, Submitted, new_message_id};
use godwit_model::ServerId;
use godwit_protocol::envelope::decode_draft;
use godwit_registry::Scope;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBytes, Places};
use crate::door::Door;
use crate::envelope::{Draft, Envelope};
use crate::idempotency;
use crate::problem::Problem;

pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What became of a message. The same for every repeat of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageAnswer {
    /// The sender's own id.
    id: String,
    /// The platform's id.
    server_id: String,
    /// When it was accepted, in milliseconds since 1970.
    server_time: u64,
    /// The conversation it belongs to.
    conv: Option<String>,
    /// Its number in the conversation.
    conv_seq: u64,
    /// How many inboxes it is in; the sender's own is one of them if it has one.
    accepted: u32,
    /// Of a list, or of a name that stands for several: how many accounts each name stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<Reached>,
    /// Receivers of a list that were left out.
    refused: Vec<LeftOut>,
}

/// A message that is kept back until its time. The same for every repeat of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeptBackAnswer {
    /// The sender's own id.
    id: String,
    /// Where it waits: see `/v1/schedules`.
    schedule_id: String,
    /// When it is sent, in milliseconds since 1970.
    deliver_at: u64,
    /// Of a list, or of a name that stands for several: how many accounts each name stands for by now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<Reached>,
    /// Receivers of a list that would be left out by now.
    refused: Vec<LeftOut>,
}

/// A name that stands for accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reached {
    /// The name, in canonical spelling.
    to: String,
    /// How many accounts.
    accounts: u32,
}

/// A receiver that was left out.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeftOut {
    /// Who.
    to: String,
    /// Why: a code of a problem.
    code: &'static str,
}

/// Send a message
#[utoipa::path(post, path = "/v1/messages", tag = "messages", operation_id = "sendMessage", request_body = Draft,
    params(("Idempotency-Key" = Option<String>, Header, description = "Another way to write `id`, bare or quoted")),
    responses((status = 201, description = "Stored", body = MessageAnswer),
        (status = 200, description = "Stored before: the answer is the same, with `Idempotent-Replayed: true`",
            body = MessageAnswer),
        (status = 202, description = "Kept back until its time, or was before", body = KeptBackAnswer)), security(("app" = ["messages"])))]
pub(crate) async fn send_message(
    State(door): State<Door>,
    caller: Caller,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, Problem> {
    let app = caller.app(Scope::Messages)?;
    let mut draft = decode_draft(&bytes)?;
    draft.id = idempotency::agree(draft.id, idempotency::key(&headers)?)?;
    if draft.id.is_empty() {
        draft.id = new_message_id(door.dispatcher().now_ms())?;
    }
    let submitted = door.dispatcher().submit(&Sender::App(app), draft).await?;
    Ok(answer(submitted))
}

/// Read one message
#[utoipa::path(get, path = "/v1/messages/{serverId}", tag = "messages", operation_id = "readMessage",
    params(("serverId" = String, Path)), responses((status = 200, body = Envelope)),
    security(("app" = ["messages:read"])))]
pub(crate) async fn read_message(
    State(door): State<Door>,
    caller: Caller,
    Places(server_id): Places<String>,
) -> Result<Response, Problem> {
    let app = caller.app(Scope::MessagesRead)?;
    let id: ServerId = server_id
        .parse()
        .map_err(|_| Problem::invalid("`serverId`: a UUID as the platform gave it"))?;
    let message = door.dispatcher().message(app.tenant, id).await?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, message.get().to_owned()).into_response())
}

/// Tell what became of a message
#[utoipa::path(get, path = "/v1/messages/{serverId}/timeline", tag = "messages", operation_id = "messageTimeline",
    params(("serverId" = String, Path)), responses((status = 200, description = "From its acceptance to each reader, \
    device and push; readers above the first hundred are left out", body = serde_json::Value)),
    security(("app" = ["messages:read"])))]
pub(crate) async fn message_timeline(
    State(door): State<Door>,
    caller: Caller,
    Places(server_id): Places<String>,
) -> Result<Json<godwit_dispatcher::push::Timeline>, Problem> {
    let app = caller.app(Scope::MessagesRead)?;
    let id: ServerId = server_id
        .parse()
        .map_err(|_| Problem::invalid("`serverId`: a UUID as the platform gave it"))?;
    Ok(Json(door.dispatcher().timeline(app.tenant, id).await?))
}

fn answer(submitted: Submitted) -> Response {
    let is_repeat = submitted.duplicate;
    let mut response = match Answer::from(submitted) {
        Answer::Stored(answer) if is_repeat => Json(answer).into_response(),
        Answer::Stored(answer) => (StatusCode::CREATED, Json(answer)).into_response(),
        Answer::KeptBack(answer) => (StatusCode::ACCEPTED, Json(answer)).into_response(),
    };
    if is_repeat {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// What became of a message that was taken.
enum Answer {
    Stored(MessageAnswer),
    KeptBack(KeptBackAnswer),
}

impl From<Submitted> for Answer {
    fn from(submitted: Submitted) -> Self {
        let targets = submitted.accepted.into_iter().map(Reached::from).collect();
        let refused = submitted.refused.into_iter().map(LeftOut::from).collect();
        match (submitted.record, submitted.kept_back) {
            (Some(record), _) => Self::Stored(MessageAnswer {
                id: submitted.id,
                server_id: record.server_id.to_string(),
                server_time: record.server_time_ms,
                conv: record.conversation.map(|conversation| conversation.to_string()),
                conv_seq: record.conv_seq,
                accepted: submitted.recipients,
                targets,
                refused,
            }),
            (None, kept_back) => {
                let (schedule_id, deliver_at) = kept_back
                    .map(|kept_back| (kept_back.schedule_id, kept_back.deliver_at_ms))
                    .unwrap_or_default();
                Self::KeptBack(KeptBackAnswer {
                    id: submitted.id,
                    schedule_id,
                    deliver_at,
                    targets,
                    refused,
                })
            }
        }
    }
}

impl From<godwit_dispatcher::AcceptedTarget> for Reached {
    fn from(target: godwit_dispatcher::AcceptedTarget) -> Self {
        Self {
            to: target.to,
            accounts: target.accounts,
        }
    }
}

impl From<godwit_dispatcher::RefusedTarget> for LeftOut {
    fn from(target: godwit_dispatcher::RefusedTarget) -> Self {
        Self {
            to: target.to,
            code: target.refusal.code(),
        }
    }
}
