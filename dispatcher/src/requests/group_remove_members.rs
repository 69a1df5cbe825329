//! `group.removeMembers`: takes users out of a group; for those who rank above them.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Deserialize;

use super::group_view::GroupView;
use super::{parse, parse_all};
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.removeMembers";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
    members: Vec<String>,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<GroupView, Refused> {
    let id = parse("groupId", &params.group_id)?;
    let users = parse_all("members", &params.members)?;
    let group = dispatcher
        .remove_members(&Sender::Device(Arc::clone(device)), &id, &users)
        .await?;
    Ok(GroupView::from(&*group))
}
