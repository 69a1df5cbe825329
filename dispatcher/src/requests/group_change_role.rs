//! `group.changeRole`: the owner gives a member another role, or the group away.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Deserialize;

use super::group_view::GroupView;
use super::parse;
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.changeRole";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
    user_id: String,
    role: String,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<GroupView, Refused> {
    let id = parse("groupId", &params.group_id)?;
    let user = parse("userId", &params.user_id)?;
    let role = parse("role", &params.role)?;
    let group = dispatcher
        .change_role(&Sender::Device(Arc::clone(device)), &id, &user, role)
        .await?;
    Ok(GroupView::from(&*group))
}
