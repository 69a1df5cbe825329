//! `/v1/hooks`: services of a tenant that are asked before a message is taken.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use godwit_dispatcher::{HookWish, RESOLVER};
use godwit_registry::{Hook, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, Places};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::listing::Listing;
use crate::problem::Problem;
use crate::webhooks::OverlapRequest;

/// What a hook is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HookRequest {
    /// Where it is asked: `https://…`. An address in a private network is refused, unless the platform allows it.
    url: String,
    /// What is done where it does not answer in time, or not as it should: `allow` or `refuse`.
    on_failure: String,
    /// How long it may take, in milliseconds: 2,000 if left out, 50 to 5,000.
    time_limit_ms: Option<u64>,
    /// Of the hook `resolver`: how old an answer may be that is used where it does not answer, in seconds: a day if left
    /// out, 30 days at most.
    stale_seconds: Option<u64>,
    /// Whether it is asked; it is if left out.
    enabled: Option<bool>,
}

/// A hook.
#[derive(Serialize, ToSchema)]
#[schema(as = Hook)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookAnswer {
    /// Its name: `before-send`, `before-send.` and an app's client id, or `resolver`.
    name: String,
    /// Where it is asked.
    url: String,
    /// What is done where it does not answer: `allow` or `refuse`.
    on_failure: String,
    /// How long it may take, in milliseconds.
    time_limit_ms: u64,
    /// Of the hook `resolver`: how old an answer may be that is used where it does not answer, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_seconds: Option<u64>,
    /// Whether it is asked.
    enabled: bool,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
    /// Until when the former secret signs as well, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    former_secret_until: Option<u64>,
}

/// A hook with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookSecret {
    /// The hook.
    #[serde(flatten)]
    hook: HookAnswer,
    /// What signs the questions: `whsec_` and base64.
    secret: String,
}

/// List hooks
#[utoipa::path(get, path = "/v1/hooks", tag = "webhooks", operation_id = "listHooks",
    responses((status = 200, body = Listing<HookAnswer>)), security(("app" = ["webhooks"])))]
pub(crate) async fn list_hooks(State(door): State<Door>, caller: Caller) -> Result<Json<Listing<HookAnswer>>, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let found = door.dispatcher().hooks(&app).await?;
    Ok(Json(Listing {
        items: found.into_iter().map(HookAnswer::from).collect(),
        next: None,
    }))
}

/// Read a hook
#[utoipa::path(get, path = "/v1/hooks/{hook}", tag = "webhooks", operation_id = "readHook",
    params(("hook" = String, Path)), responses((status = 200, body = HookAnswer)), security(("app" = ["webhooks"])))]
pub(crate) async fn read_hook(
    State(door): State<Door>,
    caller: Caller,
    Places(name): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let found = door.dispatcher().hook(&app, &name).await?;
    Ok((etag::tag(found.version), Json(HookAnswer::from(found))))
}

/// Have a service asked: `before-send` before messages are taken, `before-send.{clientId}` for one app, `resolver` for groups
#[utoipa::path(put, path = "/v1/hooks/{hook}", tag = "webhooks", operation_id = "putHook",
    params(("hook" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    request_body = HookRequest, responses((status = 200, body = HookAnswer), (status = 201, body = HookSecret)),
    security(("app" = ["webhooks"])))]
pub(crate) async fn put_hook(
    State(door): State<Door>,
    caller: Caller,
    Places(name): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<HookRequest>,
) -> Result<Response, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let wish = HookWish {
        url: request.url,
        time_limit_ms: request.time_limit_ms,
        on_failure: request.on_failure,
        stale_s: request.stale_seconds,
        enabled: request.enabled.unwrap_or(true),
    };
    let put = door.dispatcher().put_hook(&app, &name, wish, expected).await?;
    let (hook, is_new) = put.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    if is_new {
        return Ok((StatusCode::CREATED, secret(hook)).into_response());
    }
    Ok((etag::tag(hook.version), Json(HookAnswer::from(hook))).into_response())
}

/// Remove a hook: nobody is asked any more
#[utoipa::path(delete, path = "/v1/hooks/{hook}", tag = "webhooks", operation_id = "removeHook",
    params(("hook" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 204)), security(("app" = ["webhooks"])))]
pub(crate) async fn remove_hook(
    State(door): State<Door>,
    caller: Caller,
    Places(name): Places<String>,
    Condition(expected): Condition,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let removed = door.dispatcher().remove_hook(&app, &name, expected).await?;
    removed.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a hook another secret; the former one signs as well for a while
#[utoipa::path(post, path = "/v1/hooks/{hook}/secrets", tag = "webhooks", operation_id = "rotateHookSecret",
    params(("hook" = String, Path)), request_body = OverlapRequest, responses((status = 201, body = HookSecret)),
    security(("app" = ["webhooks"])))]
pub(crate) async fn rotate_hook_secret(
    State(door): State<Door>,
    caller: Caller,
    Places(name): Places<String>,
    JsonBody(request): JsonBody<OverlapRequest>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let changed = door
        .dispatcher()
        .rotate_hook_secret(&app, &name, request.seconds())
        .await?;
    Ok((StatusCode::CREATED, secret(changed)))
}

fn secret(hook: Hook) -> impl IntoResponse {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    let version = hook.version;
    let answer = HookSecret {
        secret: hook.secret.clone(),
        hook: hook.into(),
    };
    (no_store, etag::tag(version), Json(answer))
}

impl From<Hook> for HookAnswer {
    fn from(hook: Hook) -> Self {
        Self {
            stale_seconds: (hook.name == RESOLVER).then_some(hook.says.stale_ms / 1_000),
            name: hook.name,
            url: hook.says.url,
            on_failure: hook.says.on_failure,
            time_limit_ms: hook.says.time_limit_ms,
            enabled: hook.says.enabled,
            created_at: hook.created_at_ms,
            former_secret_until: hook.former.map(|(_, until_ms)| until_ms),
        }
    }
}
