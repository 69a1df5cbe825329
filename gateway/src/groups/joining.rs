//! Users come into groups by themselves: at once, or approved by an admin.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use godwit_dispatcher::Joined;
use godwit_model::{GroupId, Refusal, UserId};
use godwit_registry::{JoinRequest, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use super::GroupAnswer;
use crate::auth::Caller;
use crate::body::{Parameters, Places, parse};
use crate::door::Door;
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// A wish to join that the group's admins decide about.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JoinAsked {
    /// The group.
    group_id: String,
    /// Its name.
    name: String,
    /// Always true: the admins of the group decide.
    asked: bool,
}

/// A user who asks to join.
#[derive(Serialize, ToSchema)]
#[schema(as = JoinRequest)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JoinRequestAnswer {
    /// Who.
    user_id: String,
    /// Since when, in milliseconds since 1970.
    asked_at: u64,
}

/// Join an open group, or ask to join one that approves of each
#[utoipa::path(post, path = "/v1/groups/{groupId}/join", tag = "groups", operation_id = "joinGroup",
    params(("groupId" = String, Path)),
    responses((status = 200, description = "The user is a member", body = GroupAnswer),
        (status = 202, description = "The group's admins decide", body = JoinAsked)), security(("device" = [])))]
pub(crate) async fn join_group(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
) -> Result<Response, Problem> {
    let Caller::Device(device) = caller else {
        let detail = "a device joins as its user; an app adds members";
        return Err(Problem::new(Refusal::Forbidden, detail));
    };
    let id: GroupId = parse("groupId", &group_id)?;
    Ok(match door.dispatcher().join_group(&device, &id).await? {
        Joined::Member(group) => Json(GroupAnswer::from(&*group)).into_response(),
        Joined::Asks(group) => {
            let asked = JoinAsked {
                group_id: group.id.to_string(),
                name: group.name.clone(),
                asked: true,
            };
            (StatusCode::ACCEPTED, Json(asked)).into_response()
        }
    })
}

/// List who asks to join a group
#[utoipa::path(get, path = "/v1/groups/{groupId}/join-requests", tag = "groups", operation_id = "listJoinRequests",
    params(("groupId" = String, Path), Part), responses((status = 200, body = Listing<JoinRequestAnswer>)),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn list_join_requests(
    State(door): State<Door>,
    caller: Caller,
    Places(group_id): Places<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Listing<JoinRequestAnswer>>, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let id: GroupId = parse("groupId", &group_id)?;
    let after = part.after.as_deref().unwrap_or_default();
    let found = door.dispatcher().join_requests(&actor, &id, after, part.ask()?).await?;
    let path = format!("/v1/groups/{id}/join-requests");
    let user = |request: &JoinRequest| request.user.to_string();
    Listing::of(found, (&path, ""), &part, user).map(Json)
}

/// Let somebody in who asks to join
#[utoipa::path(post, path = "/v1/groups/{groupId}/join-requests/{userId}/approve", tag = "groups",
    operation_id = "approveJoin", params(("groupId" = String, Path), ("userId" = String, Path)),
    responses((status = 204, description = "The user is a member")),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn approve_join(
    State(door): State<Door>,
    caller: Caller,
    Places((group_id, user_id)): Places<(String, String)>,
) -> Result<StatusCode, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let (id, user): (GroupId, UserId) = (parse("groupId", &group_id)?, parse("userId", &user_id)?);
    door.dispatcher().approve_join(&actor, &id, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuse somebody who asks to join; a user takes its own wish back
#[utoipa::path(delete, path = "/v1/groups/{groupId}/join-requests/{userId}", tag = "groups",
    operation_id = "refuseJoin", params(("groupId" = String, Path), ("userId" = String, Path)),
    responses((status = 204, description = "The user does not ask any more")),
    security(("app" = ["groups"]), ("device" = [])))]
pub(crate) async fn refuse_join(
    State(door): State<Door>,
    caller: Caller,
    Places((group_id, user_id)): Places<(String, String)>,
) -> Result<StatusCode, Problem> {
    let actor = caller.sender(Scope::Groups)?;
    let (id, user): (GroupId, UserId) = (parse("groupId", &group_id)?, parse("userId", &user_id)?);
    door.dispatcher().refuse_join(&actor, &id, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<JoinRequest> for JoinRequestAnswer {
    fn from(request: JoinRequest) -> Self {
        Self {
            user_id: request.user.to_string(),
            asked_at: request.asked_at_ms,
        }
    }
}
