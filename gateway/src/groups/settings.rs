//! A group's name, its policy for joining, its owner, who is muted; and the list of groups.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use godwit_dispatcher::GroupWish;
use godwit_model::{ConversationKey, GroupId, Role};
use godwit_registry::{GroupLine, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::GroupAnswer;
use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse};
use crate::door::Door;
use crate::etag::{self, Condition};
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// What is to be another of a group; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GroupChange {
    /// A name for people, at most 255 bytes.
    name: Option<String>,
    /// `invited`: admins add members; `open`: every user may join; `approval`: every user may ask, and admins approve.
    join_policy: Option<String>,
    /// While true, only admins and the owner write.
    muted: Option<bool>,
}

/// Whose the group is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OwnerRequest {
    /// A member; the former owner becomes an admin.
    user_id: String,
}

/// For how long a member may not write.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MuteRequest {
    /// Until when, in milliseconds since 1970.
    until: u64,
}

/// A group in a list: without its members.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupSummary {
    /// Its id.
    group_id: String,
    /// Its name.
    name: String,
    /// Its conversation.
    conv: String,
    /// `invited`, `open` or `approval`.
    join_policy: &'static str,
    /// Whether only admins and the owner write.
    muted: bool,
    /// How many members it has.
    member_count: u64,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
}

/// List groups: all of the tenant for an app, its user's for a device
#[utoipa::path(get, path = "/v1/groups", tag = "groups", operation_id = "listGroups", params(Part),
    responses((status = 200, body = Listing<GroupSummary>)), security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn list_groups(
    State(door): State<Door>,
    caller: Caller,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<GroupSummary>>, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let after = part.after.as_deref().unwrap_or_default();
    let found = door.dispatcher().group_lines(&actor, after, part.ask()?).await?;
    Listing::of(found, ("/v1/groups", ""), &part, |group: &GroupLine| {
        group.id.to_string()
    })
    .map(Json)
}

/// Change a group's name, its policy for joining, or whether all are muted
#[utoipa::path(put, path = "/v1/groups/{groupId}", tag = "groups", operation_id = "changeGroup",
    params(("groupId" = String, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` it had")),
    request_body = GroupChange, responses((status = 200, body = GroupAnswer)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn change_group(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
    Condition(expected): Condition,
    JsonBody(request): JsonBody<GroupChange>,
) -> Result<impl IntoResponse, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let wish = GroupWish {
        name: request.name,
        join_policy: request
            .join_policy
            .map(|policy| parse("joinPolicy", &policy))
            .transpose()?,
        muted: request.muted,
    };
    let set = door.dispatcher().set_group(&actor, &id, wish, expected).await?;
    let group = set.ok_or_else(|| Problem::of_status(StatusCode::PRECONDITION_FAILED))?;
    Ok((etag::tag(group.version), Json(GroupAnswer::from(&*group))))
}

/// Give a group to another member
#[utoipa::path(put, path = "/v1/groups/{groupId}/owner", tag = "groups", operation_id = "transferGroup",
    params(("groupId" = String, Path)), request_body = OwnerRequest, responses((status = 200, body = GroupAnswer)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn transfer_group(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
    JsonBody(request): JsonBody<OwnerRequest>,
) -> Result<Json<GroupAnswer>, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let user = parse("userId", &request.user_id)?;
    let group = door.dispatcher().change_role(&actor, &id, &user, Role::Owner).await?;
    Ok(Json(GroupAnswer::from(&*group)))
}

/// Mute a member: it reads, and does not write
#[utoipa::path(put, path = "/v1/groups/{groupId}/mutes/{userId}", tag = "groups", operation_id = "muteMember",
    params(("groupId" = String, Path), ("userId" = String, Path)), request_body = MuteRequest,
    responses((status = 204)), security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn mute_member(
    State(door): State<Door>,
    caller: Caller,
    Places((group_id, user_id)): Places<(String, String)>,
    JsonBody(request): JsonBody<MuteRequest>,
) -> Result<StatusCode, Problem> {
    set_mute(&door, caller, (&group_id, &user_id), Some(request.until)).await
}

/// Let a muted member write again
#[utoipa::path(delete, path = "/v1/groups/{groupId}/mutes/{userId}", tag = "groups", operation_id = "unmuteMember",
    params(("groupId" = String, Path), ("userId" = String, Path)), responses((status = 204)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn unmute_member(
    State(door): State<Door>,
    caller: Caller,
    Places((group_id, user_id)): Places<(String, String)>,
) -> Result<StatusCode, Problem> {
    set_mute(&door, caller, (&group_id, &user_id), None).await
}

async fn set_mute(
    door: &Door,
    caller: Caller,
    (group_id, user_id): (&str, &str),
    until_ms: Option<u64>,
) -> Result<StatusCode, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", group_id)?;
    let users = [parse("userId", user_id)?];
    door.dispatcher().mute_members(&actor, &id, &users, until_ms).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<GroupLine> for GroupSummary {
    fn from(group: GroupLine) -> Self {
        Self {
            group_id: group.id.to_string(),
            name: group.name,
            conv: ConversationKey::group(group.no).to_string(),
            join_policy: group.join_policy.as_str(),
            muted: group.muted,
            member_count: group.members,
            created_at: group.created_at_ms,
        }
    }
}
