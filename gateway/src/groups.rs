//! `/v1/groups`: groups and their members, changed by an app or by a device as its user.

mod joining;
mod members;
mod settings;

pub(crate) use joining::*;
pub(crate) use members::*;
pub(crate) use settings::*;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use godwit_dispatcher::Sender;
use godwit_model::{ConversationKey, GroupId, Refusal, Role};
use godwit_registry::{Group, Member, NewGroup, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, Places, parse, parse_all};
use crate::door::Door;
use crate::etag;
use crate::problem::Problem;

/// A group to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GroupRequest {
    /// Its id; the platform chooses one if it is left out.
    group_id: Option<String>,
    /// A name for people, at most 255 bytes.
    name: String,
    /// Its owner. A device's user is always the owner of what it makes.
    owner: Option<String>,
    /// Its members.
    #[serde(default)]
    members: Vec<String>,
}

/// Largest body that names members, in bytes: a hundred thousand of them, and some room.
pub(crate) const MEMBERS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Users to be added.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MembersRequest {
    /// Their userIds; who is a member already stays as it is.
    members: Vec<String>,
}

/// A role to be given.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RoleRequest {
    /// `owner`, `admin` or `member`. Giving `owner` moves it.
    role: String,
}

/// A group and its members.
#[derive(Serialize, ToSchema)]
#[schema(as = Group)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupAnswer {
    /// Its id.
    group_id: String,
    /// Its name.
    name: String,
    /// Its conversation.
    conv: String,
    /// `invited`: admins add members; `open`: every user may join; `approval`: every user may ask, and admins approve.
    join_policy: &'static str,
    /// Whether only admins and the owner write.
    muted: bool,
    /// When it was made, in milliseconds since 1970.
    created_at: u64,
    /// Its members.
    members: Vec<MemberAnswer>,
}

/// A member of a group.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberAnswer {
    /// The user.
    user_id: String,
    /// `owner`, `admin` or `member`.
    role: &'static str,
    /// The number of the message that says it joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_conv_seq: Option<u64>,
    /// Until when it may not write, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<u64>,
}

/// Make a group
#[utoipa::path(post, path = "/v1/groups", tag = "groups", operation_id = "createGroup", request_body = GroupRequest,
    responses((status = 201, body = GroupAnswer)), security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn create_group(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(request): JsonBody<GroupRequest>,
) -> Result<(StatusCode, Json<GroupAnswer>), Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let new = request.understand()?;
    if let (Sender::Device(device), Some(owner)) = (&actor, &new.owner)
        && *owner != device.account.user
    {
        return Err(Problem::new(
            Refusal::NotYourself,
            "`owner`: a device's user owns what it makes",
        ));
    }
    let group = door.dispatcher().create_group(&actor, new).await?;
    Ok((StatusCode::CREATED, Json(GroupAnswer::from(&*group))))
}

/// Read a group
#[utoipa::path(get, path = "/v1/groups/{groupId}", tag = "groups", operation_id = "readGroup",
    params(("groupId" = String, Path)), responses((status = 200, body = GroupAnswer)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn read_group(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
) -> Result<impl IntoResponse, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let group = door.dispatcher().group(&actor, &id).await?;
    Ok((etag::tag(group.version), Json(GroupAnswer::from(&*group))))
}

/// Dissolve a group
#[utoipa::path(delete, path = "/v1/groups/{groupId}", tag = "groups", operation_id = "dissolveGroup",
    params(("groupId" = String, Path)), responses((status = 204)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn dissolve_group(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
) -> Result<StatusCode, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    door.dispatcher().dissolve_group(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Add members
#[utoipa::path(post, path = "/v1/groups/{groupId}/members", tag = "groups", operation_id = "addMembers",
    params(("groupId" = String, Path)), request_body = MembersRequest, responses((status = 200, body = GroupAnswer)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn add_members(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
    JsonBody(request): JsonBody<MembersRequest>,
) -> Result<Json<GroupAnswer>, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let users = parse_all("members", &request.members)?;
    let group = door.dispatcher().add_members(&actor, &id, &users).await?;
    Ok(Json(GroupAnswer::from(&*group)))
}

/// Remove a member, or leave
#[utoipa::path(delete, path = "/v1/groups/{groupId}/members/{userId}", tag = "groups", operation_id = "removeMember",
    params(("groupId" = String, Path), ("userId" = String, Path)), responses((status = 204)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn remove_member(
    State(door): State<Door>,
    caller: Caller,
    Places((group_id, user_id)): Places<(String, String)>,
) -> Result<StatusCode, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let users = [parse("userId", &user_id)?];
    door.dispatcher().remove_members(&actor, &id, &users).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a member another role
#[utoipa::path(put, path = "/v1/groups/{groupId}/roles/{userId}", tag = "groups", operation_id = "changeRole",
    params(("groupId" = String, Path), ("userId" = String, Path)), request_body = RoleRequest,
    responses((status = 200, body = GroupAnswer)), security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn change_role(
    State(door): State<Door>,
    caller: Caller,
    Places((group_id, user_id)): Places<(String, String)>,
    JsonBody(request): JsonBody<RoleRequest>,
) -> Result<Json<GroupAnswer>, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let user = parse("userId", &user_id)?;
    let role: Role = parse("role", &request.role)?;
    let group = door.dispatcher().change_role(&actor, &id, &user, role).await?;
    Ok(Json(GroupAnswer::from(&*group)))
}

impl GroupRequest {
    fn understand(self) -> Result<NewGroup, Problem> {
        Ok(NewGroup {
            id: self.group_id.map(|id| parse("groupId", &id)).transpose()?,
            name: self.name,
            owner: self.owner.map(|owner| parse("owner", &owner)).transpose()?,
            members: parse_all("members", &self.members)?,
        })
    }
}

impl From<&Group> for GroupAnswer {
    fn from(group: &Group) -> Self {
        Self {
            group_id: group.id.to_string(),
            name: group.name.clone(),
            conv: ConversationKey::group(group.no).to_string(),
            join_policy: group.join_policy.as_str(),
            muted: group.muted,
            created_at: group.created_at_ms,
            members: group.members.iter().map(MemberAnswer::from).collect(),
        }
    }
}

impl From<&Member> for MemberAnswer {
    fn from(member: &Member) -> Self {
        Self {
            user_id: member.user.to_string(),
            role: member.role.as_str(),
            joined_conv_seq: member.joined_conv_seq,
            muted_until: member.muted_until_ms,
        }
    }
}
