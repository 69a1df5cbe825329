//! `/v1/users`: an app keeps the users of its tenant, blocks them, logs them out, removes them.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

mod batch;

pub(crate) use batch::*;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use godwit_model::{Refusal, UserId};
use godwit_registry::{Profile, Scope, UserRecord};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// What is kept of a user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// A name for people, at most 255 bytes.
    #[serde(default)]
    name: String,
    /// What else the tenant wants to keep, at most 4,096 bytes.
    #[serde(default)]
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
}

/// Which users, and which part of them.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserPart {
    /// `blocked`: only those.
    state: Option<UserState>,
    /// Users after this one, in the order of their ids; from the first one if left out.
    after: Option<String>,
    /// Most users: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// Whether a user may use the platform.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum UserState {
    /// It may.
    Active,
    /// It is refused at every door.
    Blocked,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserAnswer {
    /// The user.
    user_id: String,
    /// Its account: the opaque id that is the MQTT user name of its devices.
    account: String,
    /// A name for people.
    name: String,
    /// What else the tenant keeps.
    #[schema(value_type = Object)]
    attributes: Box<RawValue>,
    /// Whether it may use the platform.
    state: UserState,
    /// Since when it is blocked, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_at: Option<u64>,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
    /// When it was changed last, in milliseconds since 1970.
    updated_at: u64,
}

/// List users
#[utoipa::path(get, path = "/v1/users", tag = "users", operation_id = "listUsers", params(UserPart),
    responses((status = 200, body = Listing<UserAnswer>)), security(("app" = ["users"])))]
pub(crate) async fn list_users(
    State(door): State<Door>,
    caller: Caller,
    Parameters(query): Parameters<UserPart>,
) -> Result<Json<Listing<UserAnswer>>, Problem> {
    let app = caller.app(Scope::Users)?;
    let part = Part {
        after: query.after,
        limit: query.limit,
    };
    let after = part.after.as_deref().unwrap_or_default();
    let blocked = matches!(query.state, Some(UserState::Blocked));
    let found = door.registry().users(app.tenant, after, blocked, part.ask()?).await?;
    let more = if blocked { "&state=blocked" } else { "" };
    Listing::of(found, ("/v1/users", more), &part, |user: &UserRecord| {
        user.user.to_string()
    })
    .map(Json)
}

/// Read a user
#[utoipa::path(get, path = "/v1/users/{userId}", tag = "users", operation_id = "readUser",
    params(("userId" = String, Path)), responses((status = 200, body = UserAnswer)), security(("app" = ["users"])))]
pub(crate) async fn read_user(
    State(door): State<Door>,
    caller: Caller,
    Places(user_id): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Users)?;
    let user: UserId = parse("userId", &user_id)?;
    let found = door.registry().user(app.tenant, &user).await?;
    let found = found.ok_or_else(|| Problem::new(Refusal::UserNotFound, format!("no user {user} in this tenant")))?;
    Ok((etag::tag(found.version), Json(UserAnswer::from(found))))
}

/// Keep a user, new or not, as it is said here
#[utoipa::path(put, path = "/v1/users/{userId}", tag = "users", operation_id = "putUser",
    params(("userId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only a new one")),
    request_body = UserRequest,
    responses((status = 200, description = "It was there", body = UserAnswer),
        (status = 201, description = "It is new", body = UserAnswer)), security(("app" = ["users"])))]
pub(crate) async fn put_user(
    State(door): State<Door>,
    caller: Caller,
    Places(user_id): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<UserRequest>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Users)?;
    let profile = request.profile(parse("userId", &user_id)?);
    let (kept, is_new) = door.registry().put_user(app.tenant, profile, expected).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, etag::tag(kept.version), Json(UserAnswer::from(kept))))
}

/// Remove a user: out of its groups, its devices retired
#[utoipa::path(delete, path = "/v1/users/{userId}", tag = "users", operation_id = "removeUser",
    params(("userId" = String, Path)),
    responses((status = 204, description = "Its name is free; who comes under it later has another account")),
    security(("app" = ["users"])))]
pub(crate) async fn remove_user(
    State(door): State<Door>,
    caller: Caller,
    Places(user_id): Places<String>,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Users)?;
    let user: UserId = parse("userId", &user_id)?;
    door.dispatcher().remove_user(&app, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Block a user: refused at every door, its sessions end
#[utoipa::path(put, path = "/v1/users/{userId}/block", tag = "users", operation_id = "blockUser",
    params(("userId" = String, Path)), responses((status = 200, body = UserAnswer)), security(("app" = ["users"])))]
pub(crate) async fn block_user(
    State(door): State<Door>,
    caller: Caller,
    Places(user_id): Places<String>,
) -> Result<Response, Problem> {
    set_block(&door, caller, &user_id, true).await
}

/// Let a blocked user in again
#[utoipa::path(delete, path = "/v1/users/{userId}/block", tag = "users", operation_id = "unblockUser",
    params(("userId" = String, Path)), responses((status = 200, body = UserAnswer)), security(("app" = ["users"])))]
pub(crate) async fn unblock_user(
    State(door): State<Door>,
    caller: Caller,
    Places(user_id): Places<String>,
) -> Result<Response, Problem> {
    set_block(&door, caller, &user_id, false).await
}

async fn set_block(door: &Door, caller: Caller, user_id: &str, blocked: bool) -> Result<Response, Problem> {
    let app = caller.app(Scope::Users)?;
    let user: UserId = parse("userId", user_id)?;
    let kept = door.dispatcher().block_user(&app, &user, blocked).await?;
    Ok((etag::tag(kept.version), Json(UserAnswer::from(kept))).into_response())
}

/// Log a user out: its sessions, device tokens and tickets end
#[utoipa::path(post, path = "/v1/users/{userId}/logout", tag = "users", operation_id = "logOutUser",
    params(("userId" = String, Path)),
    responses((status = 204, description = "Its devices keep their cursors, and register again with a ticket")),
    security(("app" = ["users"])))]
pub(crate) async fn log_out_user(
    State(door): State<Door>,
    caller: Caller,
    Places(user_id): Places<String>,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Users)?;
    let user: UserId = parse("userId", &user_id)?;
    door.dispatcher().log_out_user(&app, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl UserRequest {
    fn profile(self, user: UserId) -> Profile {
        Profile {
            user,
            name: self.name,
            attributes: Value::Object(self.attributes).to_string(),
        }
    }
}

impl From<UserRecord> for UserAnswer {
    fn from(user: UserRecord) -> Self {
        let state = match user.blocked_at_ms {
            Some(_) => UserState::Blocked,
            None => UserState::Active,
        };
        Self {
            user_id: user.user.to_string(),
            account: user.account_id,
            name: user.name,
            // Only this door writes it.
            attributes: RawValue::from_string(user.attributes).unwrap_or_default(),
            state,
            blocked_at: user.blocked_at_ms,
            created_at: user.created_at_ms,
            updated_at: user.updated_at_ms,
        }
    }
}
