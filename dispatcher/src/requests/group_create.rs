//! `group.create`: the caller becomes owner. With a `groupId` of its own a repeat is refused as `already_exists`.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::{Device, NewGroup};
use serde::Deserialize;

use super::group_view::GroupView;
use super::{parse, parse_all};
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.create";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: Option<String>,
    name: String,
    #[serde(default)]
    members: Vec<String>,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<GroupView, Refused> {
    let new = NewGroup {
        id: params.group_id.map(|id| parse("groupId", &id)).transpose()?,
        name: params.name,
        owner: None,
        members: parse_all("members", &params.members)?,
    };
    let group = dispatcher
        .create_group(&Sender::Device(Arc::clone(device)), new)
        .await?;
    Ok(GroupView::from(&*group))
}
