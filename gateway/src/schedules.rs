//! `/v1/schedules`: messages that are kept back until their time: listed, changed, cancelled.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use godwit_dispatcher::ScheduleWish;
use godwit_registry::{ScheduleRecord, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse};
use crate::door::Door;
use crate::envelope::Draft;
use crate::etag::{self, Condition};
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// Which schedules, and which part of them.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SchedulePart {
    /// Only those that are `pending`, `sending`, `sent`, `refused` or `cancelled`.
    state: Option<String>,
    /// Schedules after this one, in the order in which they were asked; from the first one if left out.
    after: Option<String>,
    /// Most schedules: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// What is to be another; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScheduleChange {
    /// In how many seconds from now it is sent, at most 864,000.
    deliver_after: Option<u64>,
    /// Its content.
    #[schema(value_type = Object)]
    content: Option<Value>,
}

/// A message that is or was kept back.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduleAnswer {
    /// Its id.
    schedule_id: String,
    /// `pending`, `sending`, `sent`, `refused` or `cancelled`.
    state: &'static str,
    /// When it is sent, in milliseconds since 1970.
    deliver_at: u64,
    /// When it was asked, in milliseconds since 1970.
    created_at: u64,
    /// When it was sent, refused or cancelled, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<u64>,
    /// The platform's id of the message, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_id: Option<String>,
    /// Why it could not be sent: a code of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// What is sent.
    #[schema(value_type = Draft)]
    message: Box<RawValue>,
}

/// List messages that are kept back: of the tenant for an app, of its user for a device
#[utoipa::path(get, path = "/v1/schedules", tag = "messages", operation_id = "listSchedules", params(SchedulePart),
    responses((status = 200, body = Listing<ScheduleAnswer>)), security(("app" = ["messages"]), ("device" = [])))]
pub(crate) async fn list_schedules(
    State(door): State<Door>,
    caller: Caller,
    Parameters(query): Parameters<SchedulePart>,
) -> Result<Json<Listing<ScheduleAnswer>>, Problem> {
    let sender = caller.sender(Scope::Messages)?;
    let state = query.state.as_deref().map(|state| parse("state", state)).transpose()?;
    let more = query.state.map(|state| format!("&state={state}")).unwrap_or_default();
    let part = Part {
        after: query.after,
        limit: query.limit,
    };
    let after = part.after.as_deref().unwrap_or_default();
    let found = door.dispatcher().schedules(&sender, state, after, part.ask()?).await?;
    let id = |schedule: &ScheduleRecord| schedule.asked.id.clone();
    Listing::of(found, ("/v1/schedules", &more), &part, id).map(Json)
}

/// Read what becomes of a message that is kept back
#[utoipa::path(get, path = "/v1/schedules/{scheduleId}", tag = "messages", operation_id = "readSchedule",
    params(("scheduleId" = String, Path)), responses((status = 200, body = ScheduleAnswer)),
    security(("app" = ["messages"]), ("device" = [])))]
pub(crate) async fn read_schedule(
    State(door): State<Door>,
    caller: Caller,
    Places(schedule_id): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let sender = caller.sender(Scope::Messages)?;
    let found = door.dispatcher().schedule(&sender, &schedule_id).await?;
    Ok((etag::tag(found.version), Json(ScheduleAnswer::from(found))))
}

/// Change when a message is sent, or its content
#[utoipa::path(put, path = "/v1/schedules/{scheduleId}", tag = "messages", operation_id = "changeSchedule",
    params(("scheduleId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    request_body = ScheduleChange, responses((status = 200, body = ScheduleAnswer)),
    security(("app" = ["messages"]), ("device" = [])))]
pub(crate) async fn change_schedule(
    State(door): State<Door>,
    caller: Caller,
    Places(schedule_id): Places<String>,
    Condition(expected): Condition,
    JsonBody(change): JsonBody<ScheduleChange>,
) -> Result<impl IntoResponse, Problem> {
    let sender = caller.sender(Scope::Messages)?;
    let wish = ScheduleWish {
        deliver_after_s: change.deliver_after,
        content: change.content.map(|content| content.to_string()),
    };
    let changed = door
        .dispatcher()
        .change_schedule(&sender, &schedule_id, wish, expected)
        .await?;
    let changed = changed.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    Ok((etag::tag(changed.version), Json(ScheduleAnswer::from(changed))))
}

/// Cancel a message that still waits
#[utoipa::path(delete, path = "/v1/schedules/{scheduleId}", tag = "messages", operation_id = "cancelSchedule",
    params(("scheduleId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 204, description = "It is never sent")), security(("app" = ["messages"]), ("device" = [])))]
pub(crate) async fn cancel_schedule(
    State(door): State<Door>,
    caller: Caller,
    Places(schedule_id): Places<String>,
    Condition(expected): Condition,
) -> Result<StatusCode, Problem> {
    let sender = caller.sender(Scope::Messages)?;
    let cancelled = door
        .dispatcher()
        .cancel_schedule(&sender, &schedule_id, expected)
        .await?;
    cancelled.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<ScheduleRecord> for ScheduleAnswer {
    fn from(schedule: ScheduleRecord) -> Self {
        Self {
            schedule_id: schedule.asked.id,
            state: schedule.state.as_str(),
            deliver_at: schedule.asked.due_at_ms,
            created_at: schedule.asked.created_at_ms,
            done_at: schedule.done_at_ms,
            server_id: schedule.server_id,
            code: schedule.code,
            // Only the dispatcher writes it.
            message: RawValue::from_string(schedule.asked.draft).unwrap_or_default(),
        }
    }
}
