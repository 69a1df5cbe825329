//! `group.join`: the caller joins an open group by itself.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Deserialize;

use super::group_view::GroupView;
use super::parse;
use crate::Dispatcher;

pub(super) const METHOD: &str = "group.join";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<GroupView, Refused> {
    let id = parse("groupId", &params.group_id)?;
    let group = dispatcher.join_group(device, &id).await?;
    Ok(GroupView::from(&*group))
}
