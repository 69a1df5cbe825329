//! `/v1/tags`: names that users carry, and messages can be addressed to.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use godwit_registry::{NewRoster, RosterKind, RosterRecord, RostersOf, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::members::{self, RosterChange, RosterChanged, RosterUser};
use super::roster;
use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::listing::{Listing, Part};
use crate::problem::Problem;

const KIND: RosterKind = RosterKind::Tag;

/// What a tag is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TagRequest {
    /// A name for people, at most 255 bytes.
    #[serde(default)]
    name: String,
}

/// A tag.
#[derive(Serialize, ToSchema)]
#[schema(as = Tag)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagAnswer {
    /// Its id; messages go to `t:` and it.
    tag_id: String,
    /// A name for people.
    name: String,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
}

/// List tags
#[utoipa::path(get, path = "/v1/tags", tag = "tags", operation_id = "listTags", params(Part),
    responses((status = 200, body = Listing<TagAnswer>)), security(("app" = ["tags"])))]
pub(crate) async fn list_tags(
    State(door): State<Door>,
    caller: Caller,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<TagAnswer>>, Problem> {
    let app = caller.app(Scope::Tags)?;
    let which = RostersOf::Tenant;
    let after = part.after.as_deref().unwrap_or_default();
    let found = door
        .registry()
        .rosters((app.tenant, KIND), &which, after, part.ask()?)
        .await?;
    Listing::of(found, ("/v1/tags", ""), &part, |found: &RosterRecord| {
        found.id.to_string()
    })
    .map(Json)
}

/// Read a tag
#[utoipa::path(get, path = "/v1/tags/{tagId}", tag = "tags", operation_id = "readTag",
    params(("tagId" = String, Path)), responses((status = 200, body = TagAnswer)),
    security(("app" = ["tags"])))]
pub(crate) async fn read_tag(
    State(door): State<Door>,
    caller: Caller,
    Places(tag_id): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Tags)?;
    let found = roster(&door, &app, KIND, &tag_id).await?;
    Ok((etag::tag(found.version), Json(TagAnswer::from(found))))
}

/// Keep a tag, new or not, as it is said here
#[utoipa::path(put, path = "/v1/tags/{tagId}", tag = "tags", operation_id = "putTag",
    params(("tagId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only a new one")),
    request_body = TagRequest,
    responses((status = 200, description = "It was there", body = TagAnswer),
        (status = 201, description = "It is new", body = TagAnswer)), security(("app" = ["tags"])))]
pub(crate) async fn put_tag(
    State(door): State<Door>,
    caller: Caller,
    Places(tag_id): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<TagRequest>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Tags)?;
    let new = NewRoster {
        id: parse("tagId", &tag_id)?,
        name: request.name,
        parent: None,
    };
    let (kept, is_new) = door.registry().put_roster((app.tenant, KIND), &new, expected).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, etag::tag(kept.version), Json(TagAnswer::from(kept))))
}

/// Remove a tag; its users stay
#[utoipa::path(delete, path = "/v1/tags/{tagId}", tag = "tags", operation_id = "removeTag",
    params(("tagId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    responses((status = 204)), security(("app" = ["tags"])))]
pub(crate) async fn remove_tag(
    State(door): State<Door>,
    caller: Caller,
    Places(tag_id): Places<String>,
    Condition(expected): Condition,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Tags)?;
    let id = parse("tagId", &tag_id)?;
    door.registry().remove_roster((app.tenant, KIND), &id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List who has a tag
#[utoipa::path(get, path = "/v1/tags/{tagId}/members", tag = "tags",
    operation_id = "listTagMembers", params(("tagId" = String, Path), Part),
    responses((status = 200, body = Listing<RosterUser>)), security(("app" = ["tags"])))]
pub(crate) async fn list_tag_members(
    State(door): State<Door>,
    caller: Caller,
    Places(tag_id): Places<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<RosterUser>>, Problem> {
    let app = caller.app(Scope::Tags)?;
    let path = format!("/v1/tags/{tag_id}/members");
    members::page(&door, (&app, KIND, &tag_id), (&path, &part))
        .await
        .map(Json)
}

/// Give a tag to users, and take it from others
#[utoipa::path(post, path = "/v1/tags/{tagId}/members", tag = "tags",
    operation_id = "changeTagMembers", params(("tagId" = String, Path)), request_body = RosterChange,
    responses((status = 200, body = RosterChanged)), security(("app" = ["tags"])))]
pub(crate) async fn change_tag_members(
    State(door): State<Door>,
    caller: Caller,
    Places(tag_id): Places<String>,
    JsonBody(change): JsonBody<RosterChange>,
) -> Result<Json<RosterChanged>, Problem> {
    let app = caller.app(Scope::Tags)?;
    members::change(&door, (&app, KIND, &tag_id), &change).await.map(Json)
}

impl From<RosterRecord> for TagAnswer {
    fn from(found: RosterRecord) -> Self {
        Self {
            tag_id: found.id.to_string(),
            name: found.name,
            created_at: found.created_at_ms,
        }
    }
}
