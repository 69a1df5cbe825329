//! `/v1/resolver`: the business system of a tenant says that a group, or whom a user blocks, is another now.

use axum::extract::State;
use axum::http::StatusCode;
use godwit_registry::Scope;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, parse};
use crate::door::Door;
use crate::problem::Problem;

/// Which group.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GroupNotice {
    /// Its id.
    group_id: String,
}

/// Which user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserNotice {
    /// The userId.
    user_id: String,
}

/// Say that a group is another: the hook `resolver` is asked for it again
#[utoipa::path(post, path = "/v1/resolver/group-changed", tag = "webhooks", operation_id = "groupChanged",
    request_body = GroupNotice, responses((status = 204)), security(("app" = ["groups"])))]
pub(crate) async fn group_changed(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(notice): JsonBody<GroupNotice>,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Groups)?;
    let id = parse("groupId", &notice.group_id)?;
    door.dispatcher().group_changed(&app, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say that a group is there no more: it is dissolved
#[utoipa::path(post, path = "/v1/resolver/group-removed", tag = "webhooks", operation_id = "groupRemoved",
    request_body = GroupNotice, responses((status = 204)), security(("app" = ["groups"])))]
pub(crate) async fn group_removed(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(notice): JsonBody<GroupNotice>,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Groups)?;
    let id = parse("groupId", &notice.group_id)?;
    door.dispatcher().group_removed(&app, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say that a user blocks others now: the hook `resolver` is asked for the rules again
#[utoipa::path(post, path = "/v1/resolver/block-rule-changed", tag = "webhooks", operation_id = "blockRuleChanged",
    request_body = UserNotice, responses((status = 204)), security(("app" = ["users"])))]
pub(crate) async fn block_rule_changed(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(notice): JsonBody<UserNotice>,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Users)?;
    let user = parse("userId", &notice.user_id)?;
    door.dispatcher().block_rule_changed(&app, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}
