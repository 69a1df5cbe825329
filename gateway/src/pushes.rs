//! `/v1/pushes`: what became of pushes, and why a phone did not ring.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use godwit_dispatcher::push::{Line, Why};
use godwit_model::{Refusal, UserId};
use godwit_registry::{Account, App, Scope};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::Parameters;
use crate::door::Door;
use crate::problem::Problem;

/// Which lines, newest first.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of this user only.
    user: Option<String>,
    /// About this message only: its `serverId`.
    message: Option<String>,
    /// Lines below this number.
    before: Option<u64>,
    /// Most lines: 50 if not given, at most 500.
    limit: Option<u64>,
}

/// Whose phone, and for what.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhyQuery {
    /// The user.
    user: String,
    /// A message by its `serverId`; left out: the newest of the user's inbox.
    message: Option<String>,
}

/// What became of one attempt, or why there was none.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes `Line` of the dispatcher")]
pub(crate) struct LinePart {
    /// Counts all lines.
    no: u64,
    /// When, in milliseconds since 1970.
    at: u64,
    /// Whose.
    user_id: String,
    /// Which device; its number where it is gone.
    device_id: String,
    /// The conversation, or the call.
    conv: String,
    /// The number in the inbox that it is about.
    seq: u64,
    /// That message.
    server_id: String,
    /// The same for every repeat; empty where nothing was sent.
    push_id: String,
    /// `alert`, `call`, `background`, `withdraw`, or `receipt`: what the vendor reported later.
    kind: String,
    /// The vendor; empty where it did not come to that.
    vendor: String,
    /// One word: `not_due`, `dropped`, `accepted`, `retry`, `token_invalid`, `quota_day`, `content_rejected`,
    /// `refused`, `misconfigured` or `unsupported`; of a receipt `delivered`, `clicked`, `token_invalid`, `switched_off`,
    /// `inactive`, `over_quota` or `not_delivered`.
    outcome: String,
    /// The vendor's code, or our reason.
    code: String,
    /// In words.
    detail: String,
    /// The vendor's name of it.
    vendor_id: Option<String>,
    /// Which attempt, from 1.
    attempt: u32,
    /// How long the vendor took, in milliseconds.
    latency_ms: u64,
}

/// Lines of the ledger.
#[derive(Serialize, ToSchema)]
pub(crate) struct Lines {
    /// The lines, newest first.
    #[schema(value_type = Vec<LinePart>)]
    items: Vec<Line>,
    /// Where the page goes on; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One question and its answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes `Check` of the dispatcher")]
pub(crate) struct CheckPart {
    /// What was asked.
    check: String,
    /// Whether it speaks for a push.
    ok: bool,
    /// What was found.
    detail: String,
}

/// The answer for one device.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes `Why` of the dispatcher")]
pub(crate) struct WhyPart {
    /// Which device.
    device_id: String,
    /// The questions, in order; the last one decided.
    checks: Vec<CheckPart>,
    /// `notDue`, `ourFault`, `vendorRefused` or `vendorAccepted`.
    verdict: String,
}

/// Answers for every device of a user.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answers {
    /// One for each device, oldest first.
    #[schema(value_type = Vec<WhyPart>)]
    items: Vec<Why>,
}

/// What became of pushes
#[utoipa::path(get, path = "/v1/pushes", tag = "push", operation_id = "readPushes", params(Which),
    responses((status = 200, body = Lines)), security(("app" = ["devices"])))]
pub(crate) async fn read_pushes(
    State(door): State<Door>,
    caller: Caller,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Lines>, Problem> {
    let app = caller.app(Scope::Devices)?;
    let account = match &which.user {
        Some(user) => Some(account_of(&door, &app, user).await?),
        None => None,
    };
    let limit = which.limit.unwrap_or(50).clamp(1, 500);
    let account_no = account.as_ref().map(|account| account.no);
    let query = (account_no, which.message.clone(), which.before, limit);
    let items = door.dispatcher().push_log(app.tenant, query).await?;
    let is_full = items.len() as u64 == limit;
    let next = items.last().filter(|_| is_full).map(|last| {
        let part = |name: &str, value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(String::new, |value| format!("&{name}={value}"))
        };
        let (user, message) = (part("user", &which.user), part("message", &which.message));
        format!("/v1/pushes?before={}&limit={limit}{user}{message}", last.no)
    });
    Ok(Json(Lines { items, next }))
}

/// Why a user's devices rang or did not
#[utoipa::path(get, path = "/v1/pushes/why", tag = "push", operation_id = "whyPush", params(WhyQuery),
    responses((status = 200, body = Answers)), security(("app" = ["devices"])))]
pub(crate) async fn why(
    State(door): State<Door>,
    caller: Caller,
    Parameters(query): Parameters<WhyQuery>,
) -> Result<Json<Answers>, Problem> {
    let app = caller.app(Scope::Devices)?;
    let account = account_of(&door, &app, &query.user).await?;
    let message = query.message.as_deref().map(str::parse).transpose();
    let message = message.map_err(|_| Problem::invalid("`message`: a UUID as the platform gave it"))?;
    let items = door.dispatcher().why(&account, message).await?;
    Ok(Json(Answers { items }))
}

async fn account_of(door: &Door, app: &App, user: &str) -> Result<Arc<Account>, Problem> {
    let id: UserId = user.parse().map_err(|_| Problem::invalid("`user`: a userId"))?;
    let found = door.registry().account_of_user(app.tenant, &id).await?;
    found.ok_or_else(|| Problem::new(Refusal::UserNotFound, format!("no user {user}")))
}
