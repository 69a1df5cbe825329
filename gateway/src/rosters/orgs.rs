//! `/v1/orgs`: organisations as a tree of departments, each of which messages can be addressed to.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use godwit_registry::{NewRoster, RosterKind, RosterRecord, RostersOf, Scope};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::members::{self, RosterChange, RosterChanged, RosterUser};
use super::roster;
use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::listing::{Listing, Part};
use crate::problem::Problem;

const KIND: RosterKind = RosterKind::Org;

/// What an organisation is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OrgRequest {
    /// A name for people, at most 255 bytes.
    #[serde(default)]
    name: String,
    /// The organisation it is a department of; none if it is left out.
    parent: Option<String>,
}

/// An organisation, or a department of one.
#[derive(Serialize, ToSchema)]
#[schema(as = Org)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrgAnswer {
    /// Its id; messages go to `o:` and it.
    org_id: String,
    /// A name for people.
    name: String,
    /// The organisation it is a department of.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
}

/// Which organisations, and which part of them.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrgPart {
    /// Only the departments right below this one; empty: only what is no department.
    parent: Option<String>,
    /// Organisations after this one, in the order of their ids; from the first one if left out.
    after: Option<String>,
    /// Most organisations: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// List organisations
#[utoipa::path(get, path = "/v1/orgs", tag = "orgs", operation_id = "listOrgs", params(OrgPart),
    responses((status = 200, body = Listing<OrgAnswer>)), security(("app" = ["orgs"])))]
pub(crate) async fn list_orgs(
    State(door): State<Door>,
    caller: Caller,
    Parameters(query): Parameters<OrgPart>,
) -> Result<Json<Listing<OrgAnswer>>, Problem> {
    let app = caller.app(Scope::Orgs)?;
    let (which, more) = match query.parent.as_deref() {
        None => (RostersOf::Tenant, String::new()),
        Some("") => (RostersOf::Root, "&parent=".to_owned()),
        Some(parent) => (RostersOf::Parent(parse("parent", parent)?), format!("&parent={parent}")),
    };
    let part = Part {
        after: query.after,
        limit: query.limit,
    };
    let after = part.after.as_deref().unwrap_or_default();
    let found = door
        .registry()
        .rosters((app.tenant, KIND), &which, after, part.ask()?)
        .await?;
    Listing::of(found, ("/v1/orgs", &more), &part, |found: &RosterRecord| {
        found.id.to_string()
    })
    .map(Json)
}

/// Read an organisation
#[utoipa::path(get, path = "/v1/orgs/{orgId}", tag = "orgs", operation_id = "readOrg",
    params(("orgId" = String, Path)), responses((status = 200, body = OrgAnswer)),
    security(("app" = ["orgs"])))]
pub(crate) async fn read_org(
    State(door): State<Door>,
    caller: Caller,
    Places(org_id): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Orgs)?;
    let found = roster(&door, &app, KIND, &org_id).await?;
    Ok((etag::tag(found.version), Json(OrgAnswer::from(found))))
}

/// Keep an organisation, new or not, as it is said here, and move it where it is said
#[utoipa::path(put, path = "/v1/orgs/{orgId}", tag = "orgs", operation_id = "putOrg",
    params(("orgId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only a new one")),
    request_body = OrgRequest,
    responses((status = 200, description = "It was there", body = OrgAnswer),
        (status = 201, description = "It is new", body = OrgAnswer)), security(("app" = ["orgs"])))]
pub(crate) async fn put_org(
    State(door): State<Door>,
    caller: Caller,
    Places(org_id): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<OrgRequest>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Orgs)?;
    let new = NewRoster {
        id: parse("orgId", &org_id)?,
        name: request.name,
        parent: request.parent.map(|parent| parse("parent", &parent)).transpose()?,
    };
    let (kept, is_new) = door.registry().put_roster((app.tenant, KIND), &new, expected).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, etag::tag(kept.version), Json(OrgAnswer::from(kept))))
}

/// Remove an organisation; its users stay
#[utoipa::path(delete, path = "/v1/orgs/{orgId}", tag = "orgs", operation_id = "removeOrg",
    params(("orgId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 204)), security(("app" = ["orgs"])))]
pub(crate) async fn remove_org(
    State(door): State<Door>,
    caller: Caller,
    Places(org_id): Places<String>,
    Condition(expected): Condition,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Orgs)?;
    let id = parse("orgId", &org_id)?;
    door.registry().remove_roster((app.tenant, KIND), &id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List who is right in an organisation, not below it
#[utoipa::path(get, path = "/v1/orgs/{orgId}/members", tag = "orgs",
    operation_id = "listOrgMembers", params(("orgId" = String, Path), Part),
    responses((status = 200, body = Listing<RosterUser>)), security(("app" = ["orgs"])))]
pub(crate) async fn list_org_members(
    State(door): State<Door>,
    caller: Caller,
    Places(org_id): Places<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<RosterUser>>, Problem> {
    let app = caller.app(Scope::Orgs)?;
    let path = format!("/v1/orgs/{org_id}/members");
    members::page(&door, (&app, KIND, &org_id), (&path, &part))
        .await
        .map(Json)
}

/// Put users into an organisation, and take others out
#[utoipa::path(post, path = "/v1/orgs/{orgId}/members", tag = "orgs",
    operation_id = "changeOrgMembers", params(("orgId" = String, Path)), request_body = RosterChange,
    responses((status = 200, body = RosterChanged)), security(("app" = ["orgs"])))]
pub(crate) async fn change_org_members(
    State(door): State<Door>,
    caller: Caller,
    Places(org_id): Places<String>,
    JsonBody(change): JsonBody<RosterChange>,
) -> Result<Json<RosterChanged>, Problem> {
    let app = caller.app(Scope::Orgs)?;
    members::change(&door, (&app, KIND, &org_id), &change).await.map(Json)
}

impl From<RosterRecord> for OrgAnswer {
    fn from(found: RosterRecord) -> Self {
        Self {
            org_id: found.id.to_string(),
            name: found.name,
            parent: found.parent.map(|parent| parent.to_string()),
            created_at: found.created_at_ms,
        }
    }
}
