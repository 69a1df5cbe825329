//! `/v1/tenants`: apps of the operator's tenant make, name and suspend tenants.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use godwit_model::{Refusal, TenantNo};
use godwit_registry::{Expected, Scope, TenantRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// A tenant to be made, or what it is to be called.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TenantRequest {
    /// A name for people, at most 255 bytes.
    name: String,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TenantAnswer {
    /// Its number.
    tenant_no: String,
    /// A name for people.
    name: String,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
    /// Since when it is suspended, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_at: Option<u64>,
}

/// A tenant that was just made, with its first app.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewTenant {
    /// The tenant.
    #[serde(flatten)]
    tenant: TenantAnswer,
    /// Its first app, which may do everything but manage tenants.
    app: FirstApp,
}

/// The credentials of a first app, shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FirstApp {
    /// Its public id.
    client_id: String,
    /// Its secret; only a hash is kept.
    client_secret: String,
}

/// List tenants
#[utoipa::path(get, path = "/v1/tenants", tag = "tenants", operation_id = "listTenants", params(Part),
    responses((status = 200, body = Listing<TenantAnswer>)), security(("app" = ["tenants"])))]
pub(crate) async fn list_tenants(
    State(door): State<Door>,
    caller: Caller,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<TenantAnswer>>, Problem> {
    operator(caller)?;
    let after = part.after.as_deref().map(|after| number("after", after)).transpose()?;
    let found = door.registry().tenants(after.unwrap_or_default(), part.ask()?).await?;
    Listing::of(found, ("/v1/tenants", ""), &part, |tenant: &TenantRecord| {
        tenant.no.to_string()
    })
    .map(Json)
}

/// Make a tenant and its first app
#[utoipa::path(post, path = "/v1/tenants", tag = "tenants", operation_id = "createTenant",
    request_body = TenantRequest, responses((status = 201, body = NewTenant)), security(("app" = ["tenants"])))]
pub(crate) async fn create_tenant(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(request): JsonBody<TenantRequest>,
) -> Result<impl IntoResponse, Problem> {
    operator(caller)?;
    let (tenant, app) = door.registry().create_tenant_with_app(&request.name).await?;
    let tag = etag::tag(tenant.version);
    let answer = NewTenant {
        tenant: tenant.into(),
        app: FirstApp {
            client_id: app.app.client_id.to_string(),
            client_secret: app.client_secret,
        },
    };
    Ok((
        StatusCode::CREATED,
        [(header::CACHE_CONTROL, "no-store")],
        tag,
        Json(answer),
    ))
}

/// Read a tenant
#[utoipa::path(get, path = "/v1/tenants/{tenantNo}", tag = "tenants", operation_id = "readTenant",
    params(("tenantNo" = String, Path)), responses((status = 200, body = TenantAnswer)),
    security(("app" = ["tenants"])))]
pub(crate) async fn read_tenant(
    State(door): State<Door>,
    caller: Caller,
    Places(tenant_no): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    operator(caller)?;
    let found = door.registry().tenant(number("tenantNo", &tenant_no)?).await?;
    let found = found.ok_or_else(|| Problem::new(Refusal::NotFound, format!("no tenant {tenant_no}")))?;
    Ok((etag::tag(found.version), Json(TenantAnswer::from(found))))
}

/// Give a tenant another name
#[utoipa::path(put, path = "/v1/tenants/{tenantNo}", tag = "tenants", operation_id = "renameTenant",
    params(("tenantNo" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    request_body = TenantRequest, responses((status = 200, body = TenantAnswer)), security(("app" = ["tenants"])))]
pub(crate) async fn rename_tenant(
    State(door): State<Door>,
    caller: Caller,
    Places(tenant_no): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<TenantRequest>,
) -> Result<impl IntoResponse, Problem> {
    operator(caller)?;
    let no = number("tenantNo", &tenant_no)?;
    let renamed = door.registry().rename_tenant(no, &request.name, expected).await?;
    Ok((etag::tag(renamed.version), Json(TenantAnswer::from(renamed))))
}

/// Suspend a tenant: its apps and devices are refused at every door, and connected devices leave
#[utoipa::path(put, path = "/v1/tenants/{tenantNo}/suspension", tag = "tenants", operation_id = "suspendTenant",
    params(("tenantNo" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 200, description = "Nothing of it is lost; what it keeps back or broadcasts waits",
        body = TenantAnswer)),
    security(("app" = ["tenants"])))]
pub(crate) async fn suspend_tenant(
    State(door): State<Door>,
    caller: Caller,
    Places(tenant_no): Places<String>,
    Condition(expected): Condition,
) -> Result<impl IntoResponse, Problem> {
    set_suspension(&door, caller, &tenant_no, (true, expected)).await
}

/// Let a suspended tenant in again
#[utoipa::path(delete, path = "/v1/tenants/{tenantNo}/suspension", tag = "tenants", operation_id = "resumeTenant",
    params(("tenantNo" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 200, body = TenantAnswer)), security(("app" = ["tenants"])))]
pub(crate) async fn resume_tenant(
    State(door): State<Door>,
    caller: Caller,
    Places(tenant_no): Places<String>,
    Condition(expected): Condition,
) -> Result<impl IntoResponse, Problem> {
    set_suspension(&door, caller, &tenant_no, (false, expected)).await
}

async fn set_suspension(
    door: &Door,
    caller: Caller,
    tenant_no: &str,
    (suspended, expected): (bool, Expected),
) -> Result<Response, Problem> {
    operator(caller)?;
    let no = number("tenantNo", tenant_no)?;
    let set = door.dispatcher().suspend_tenant(no, suspended, expected).await?;
    let set = set.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    Ok((etag::tag(set.version), Json(TenantAnswer::from(set))).into_response())
}

/// The scope is of use in the operator's tenant alone, whoever has it elsewhere.
fn operator(caller: Caller) -> Result<(), Problem> {
    let app = caller.app(Scope::Tenants)?;
    if app.tenant == TenantNo::OPERATOR {
        return Ok(());
    }
    Err(Problem::new(
        Refusal::Forbidden,
        "tenants are managed by apps of the operator's tenant",
    ))
}

fn number(field: &str, text: &str) -> Result<TenantNo, Problem> {
    let no = text.parse().map(TenantNo);
    no.map_err(|_| Problem::invalid(format!("`{field}`: {text:?} is not the number of a tenant")))
}

impl From<TenantRecord> for TenantAnswer {
    fn from(tenant: TenantRecord) -> Self {
        Self {
            tenant_no: tenant.no.to_string(),
            name: tenant.name,
            created_at: tenant.created_at_ms,
            suspended_at: tenant.suspended_at_ms,
        }
    }
}
