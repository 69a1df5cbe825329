//! `/v1/client-versions`: which versions of the tenant's clients are good, and what outdated ones are told.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use godwit_model::OsKind;
use godwit_registry::{ClientVersions, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, Places};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::problem::Problem;

/// What is said of clients on one operating system.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VersionsRequest {
    /// Older ones are refused when they register (`outdated`); none if it is left out.
    #[serde(default)]
    minimum: String,
    /// Older ones are told of it when they register.
    #[serde(default)]
    latest: String,
    /// What outdated clients are told, at most 1,024 bytes.
    #[serde(default)]
    message: String,
}

/// What is said of clients on one operating system.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientVersions)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionsAnswer {
    /// `ios`, `android`, `web`, `windows` or `unknown`.
    os: String,
    /// Older ones are refused; empty: none is.
    minimum: String,
    /// The newest there is; empty: not said.
    latest: String,
    /// What outdated clients are told.
    message: String,
}

/// What is said of all clients.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionsList {
    /// One for each operating system of which something is said.
    items: Vec<VersionsAnswer>,
}

/// List which versions of clients are good
#[utoipa::path(get, path = "/v1/client-versions", tag = "apps", operation_id = "listClientVersions",
    responses((status = 200, body = VersionsList)), security(("app" = ["apps"])))]
pub(crate) async fn list_client_versions(
    State(door): State<Door>,
    caller: Caller,
) -> Result<Json<VersionsList>, Problem> {
    let app = caller.app(Scope::Apps)?;
    let found = door.registry().client_versions(app.tenant).await?;
    Ok(Json(VersionsList {
        items: found.into_iter().map(VersionsAnswer::from).collect(),
    }))
}

/// Say which versions of clients on an operating system are good
#[utoipa::path(put, path = "/v1/client-versions/{os}", tag = "apps", operation_id = "putClientVersions",
    params(("os" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    request_body = VersionsRequest,
    responses((status = 200, body = VersionsAnswer), (status = 201, body = VersionsAnswer)),
    security(("app" = ["apps"])))]
pub(crate) async fn put_client_versions(
    State(door): State<Door>,
    caller: Caller,
    Places(os): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<VersionsRequest>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Apps)?;
    let new = ClientVersions {
        os: known(&os)?.to_owned(),
        minimum: request.minimum,
        latest: request.latest,
        message: request.message,
        version: 0,
    };
    let (kept, is_new) = door.registry().put_client_versions(app.tenant, &new, expected).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, etag::tag(kept.version), Json(VersionsAnswer::from(kept))))
}

/// Say nothing of clients on an operating system
#[utoipa::path(delete, path = "/v1/client-versions/{os}", tag = "apps", operation_id = "removeClientVersions",
    params(("os" = String, Path)), responses((status = 204)), security(("app" = ["apps"])))]
pub(crate) async fn remove_client_versions(
    State(door): State<Door>,
    caller: Caller,
    Places(os): Places<String>,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Apps)?;
    door.registry().remove_client_versions(app.tenant, known(&os)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn known(os: &str) -> Result<&'static str, Problem> {
    let found = OsKind::ALL.into_iter().map(OsKind::as_str).find(|known| *known == os);
    found.ok_or_else(|| Problem::invalid("`os`: `ios`, `android`, `web`, `windows` or `unknown`"))
}

impl From<ClientVersions> for VersionsAnswer {
    fn from(said: ClientVersions) -> Self {
        Self {
            os: said.os,
            minimum: said.minimum,
            latest: said.latest,
            message: said.message,
        }
    }
}
