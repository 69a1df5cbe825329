//! The members of a group, many at once: a page of them, removed, given roles.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use godwit_model::{GroupId, Refusal, Role, UserId};
use godwit_registry::{Member, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MemberAnswer, MembersRequest};
use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places, parse, parse_all};
use crate::door::Door;
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// Most roles given in one call.
const ROLES_MAX: usize = 500;

/// Roles to be given.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RolesRequest {
    /// At most 500.
    roles: Vec<RoleLine>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RoleLine {
    /// The member.
    user_id: String,
    /// `owner`, `admin` or `member`. Giving `owner` moves it.
    role: String,
}

/// What became of the roles.
#[derive(Serialize, ToSchema)]
pub(crate) struct RolesAnswer {
    /// One for each, in the same order.
    items: Vec<RoleResult>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleResult {
    /// The member.
    user_id: String,
    /// Whether it has the role now.
    done: bool,
    /// Why not: a code of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// List members, in the order of their userIds
#[utoipa::path(get, path = "/v1/groups/{groupId}/members", tag = "groups", operation_id = "listMembers",
    params(("groupId" = String, Path), Part), responses((status = 200, body = Listing<MemberAnswer>)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn list_members(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<MemberAnswer>>, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let group = door.dispatcher().group(&actor, &id).await?;
    let found = first_after(
        &group.members,
        part.after.as_deref().unwrap_or_default(),
        part.limit()? + 1,
    );
    let path = format!("/v1/groups/{id}/members");
    Listing::of(found, (&path, ""), &part, |member: &&Member| member.user.to_string()).map(Json)
}

/// The first so many members after a name, in the order of names: a group's members are kept in another one.
fn first_after<'a>(members: &'a [Member], after: &str, count: usize) -> Vec<&'a Member> {
    let mut found: Vec<&Member> = members.iter().filter(|member| member.user.as_str() > after).collect();
    if found.len() > count {
        found.select_nth_unstable_by(count, |one, other| one.user.cmp(&other.user));
        found.truncate(count);
    }
    found.sort_unstable_by(|one, other| one.user.cmp(&other.user));
    found
}

/// Remove members, many at once
#[utoipa::path(post, path = "/v1/groups/{groupId}/members/remove", tag = "groups", operation_id = "removeMembers",
    params(("groupId" = String, Path)), request_body = MembersRequest,
    responses((status = 204, description = "Who was not a member is passed over")),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn remove_members(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
    JsonBody(request): JsonBody<MembersRequest>,
) -> Result<StatusCode, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let users = parse_all("members", &request.members)?;
    door.dispatcher().remove_members(&actor, &id, &users).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give members other roles, many at once
#[utoipa::path(put, path = "/v1/groups/{groupId}/roles", tag = "groups", operation_id = "changeRoles",
    params(("groupId" = String, Path)), request_body = RolesRequest, responses((status = 200, body = RolesAnswer)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn change_roles(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
    JsonBody(request): JsonBody<RolesRequest>,
) -> Result<Json<RolesAnswer>, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    if request.roles.len() > ROLES_MAX {
        let detail = format!(
            "`roles` has {} lines; at most {ROLES_MAX} are taken",
            request.roles.len()
        );
        return Err(Problem::new(Refusal::TooLarge, detail));
    }
    let read = |line: &RoleLine| -> Result<(UserId, Role), Problem> {
        Ok((parse("userId", &line.user_id)?, parse("role", &line.role)?))
    };
    let roles = request.roles.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let done = door.dispatcher().change_roles(&actor, &id, &roles).await?;
    let items = roles.iter().zip(done).map(|((user, _), done)| RoleResult {
        user_id: user.to_string(),
        done: done.is_ok(),
        code: done.err().map(|refused| refused.refusal.code()),
    });
    Ok(Json(RolesAnswer { items: items.collect() }))
}
