//! `/v1/apps`: an app manages the apps of its tenant, and their secrets.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use godwit_model::Refusal;
use godwit_registry::{App, AppSheet, NewApp, Scope, Scopes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// How long a former secret is good beside its successor if nobody says otherwise, in seconds: a day.
const OVERLAP_DEFAULT_S: u64 = 24 * 3_600;

/// An app to be made, or what it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AppRequest {
    /// A name for people, at most 255 bytes.
    name: String,
    /// What it may do; nothing that the asking app may not.
    scopes: Vec<String>,
}

/// How the secret changes.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretRequest {
    /// How long the former secret is good, in seconds: a day if left out, 30 days at most; 0 ends it at once.
    former_valid_seconds: Option<u64>,
}

/// An app.
#[derive(Serialize, ToSchema)]
#[schema(as = App)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppAnswer {
    /// Its public id.
    client_id: String,
    /// A name for people.
    name: String,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
    /// Until when the secret before the present one is good, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    former_secret_until: Option<u64>,
}

/// An app with a secret that is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppSecret {
    /// The app.
    #[serde(flatten)]
    app: AppAnswer,
    /// Its secret; only a hash is kept.
    client_secret: String,
}

/// List apps
#[utoipa::path(get, path = "/v1/apps", tag = "apps", operation_id = "listApps", params(Part),
    responses((status = 200, body = Listing<AppAnswer>)), security(("app" = ["apps"])))]
pub(crate) async fn list_apps(
    State(door): State<Door>,
    caller: Caller,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<AppAnswer>>, Problem> {
    let app = caller.app(Scope::Apps)?;
    let after = part.after.as_deref().unwrap_or_default();
    let found = door.registry().apps(app.tenant, after, part.ask()?).await?;
    Listing::of(found, ("/v1/apps", ""), &part, |sheet: &AppSheet| {
        sheet.app.client_id.to_string()
    })
    .map(Json)
}

/// Make an app
#[utoipa::path(post, path = "/v1/apps", tag = "apps", operation_id = "createApp", request_body = AppRequest,
    responses((status = 201, body = AppSecret)), security(("app" = ["apps"])))]
pub(crate) async fn create_app(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(request): JsonBody<AppRequest>,
) -> Result<impl IntoResponse, Problem> {
    let own = caller.app(Scope::Apps)?;
    let scopes: Vec<Scope> = granted(&own, &request.scopes)?.iter().collect();
    let made = door.registry().create_app(own.tenant, &request.name, &scopes).await?;
    let sheet = sheet(&door, &own, &made.app.client_id).await?;
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((
        StatusCode::CREATED,
        headers,
        etag::tag(sheet.version),
        Json(AppSecret::new(sheet, made)),
    ))
}

/// Read an app
#[utoipa::path(get, path = "/v1/apps/{clientId}", tag = "apps", operation_id = "readApp",
    params(("clientId" = String, Path)), responses((status = 200, body = AppAnswer)), security(("app" = ["apps"])))]
pub(crate) async fn read_app(
    State(door): State<Door>,
    caller: Caller,
    Places(client_id): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let own = caller.app(Scope::Apps)?;
    let sheet = sheet(&door, &own, &client_id).await?;
    Ok((etag::tag(sheet.version), Json(AppAnswer::from(sheet))))
}

/// Change an app's name and scopes
#[utoipa::path(put, path = "/v1/apps/{clientId}", tag = "apps", operation_id = "changeApp",
    params(("clientId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    request_body = AppRequest, responses((status = 200, body = AppAnswer)), security(("app" = ["apps"])))]
pub(crate) async fn change_app(
    State(door): State<Door>,
    caller: Caller,
    Places(client_id): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<AppRequest>,
) -> Result<impl IntoResponse, Problem> {
    let own = caller.app(Scope::Apps)?;
    let before = sheet(&door, &own, &client_id).await?;
    may_manage(&own, &before.app)?;
    let scopes = granted(&own, &request.scopes)?;
    let changed = door
        .registry()
        .describe_app((own.tenant, &client_id), &request.name, scopes, expected);
    let changed = changed.await?;
    Ok((etag::tag(changed.version), Json(AppAnswer::from(changed))))
}

/// Remove an app: its secrets and access tokens end at once
#[utoipa::path(delete, path = "/v1/apps/{clientId}", tag = "apps", operation_id = "removeApp",
    params(("clientId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 204)), security(("app" = ["apps"])))]
pub(crate) async fn remove_app(
    State(door): State<Door>,
    caller: Caller,
    Places(client_id): Places<String>,
    Condition(expected): Condition,
) -> Result<StatusCode, Problem> {
    let own = caller.app(Scope::Apps)?;
    let found = sheet(&door, &own, &client_id).await?;
    may_manage(&own, &found.app)?;
    if *own.client_id == *client_id {
        return Err(Problem::new(Refusal::Forbidden, "an app does not remove itself"));
    }
    door.registry().remove_app((own.tenant, &client_id), expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give an app another secret; the former one is good for a while
#[utoipa::path(post, path = "/v1/apps/{clientId}/secrets", tag = "apps", operation_id = "rotateSecret",
    params(("clientId" = String, Path)), request_body = SecretRequest, responses((status = 201, body = AppSecret)),
    security(("app" = ["apps"])))]
pub(crate) async fn rotate_secret(
    State(door): State<Door>,
    caller: Caller,
    Places(client_id): Places<String>,
    JsonBody(request): JsonBody<SecretRequest>,
) -> Result<impl IntoResponse, Problem> {
    let own = caller.app(Scope::Apps)?;
    let found = sheet(&door, &own, &client_id).await?;
    may_manage(&own, &found.app)?;
    let overlap_s = request.former_valid_seconds.unwrap_or(OVERLAP_DEFAULT_S);
    let rotated = door.registry().rotate_app_secret((own.tenant, &client_id), overlap_s);
    let (made, sheet) = rotated.await?;
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((
        StatusCode::CREATED,
        headers,
        etag::tag(sheet.version),
        Json(AppSecret::new(sheet, made)),
    ))
}

async fn sheet(door: &Door, own: &App, client_id: &str) -> Result<AppSheet, Problem> {
    let found = door.registry().app(own.tenant, client_id).await?;
    found.ok_or_else(|| Problem::new(Refusal::NotFound, format!("no app {client_id:?}")))
}

/// Nobody gets by way of another app what it may not do itself.
fn may_manage(own: &App, other: &Arc<App>) -> Result<(), Problem> {
    if own.scopes.contains_all(other.scopes) {
        return Ok(());
    }
    Err(Problem::new(
        Refusal::Forbidden,
        format!(
            "the app has more scopes than the asking one, which has `{}`",
            own.scopes
        ),
    ))
}

fn granted(own: &App, names: &[String]) -> Result<Scopes, Problem> {
    let wanted: Scopes = names
        .iter()
        .map(|name| parse::<Scope>("scopes", name))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .collect();
    if own.scopes.contains_all(wanted) {
        return Ok(wanted);
    }
    Err(Problem::new(
        Refusal::Forbidden,
        format!("`scopes`: only of those the asking app has, `{}`", own.scopes),
    ))
}

impl AppSecret {
    pub(crate) fn new(sheet: AppSheet, made: NewApp) -> Self {
        Self {
            app: sheet.into(),
            client_secret: made.client_secret,
        }
    }
}

impl From<AppSheet> for AppAnswer {
    fn from(sheet: AppSheet) -> Self {
        Self {
            client_id: sheet.app.client_id.to_string(),
            name: sheet.app.name.to_string(),
            scopes: sheet.app.scopes.iter().map(Scope::as_str).collect(),
            created_at: sheet.created_at_ms,
            former_secret_until: sheet.former_secret_until_ms,
        }
    }
}
