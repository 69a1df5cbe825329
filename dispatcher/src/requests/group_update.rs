//! `group.update`: another name, another policy for joining, all muted or not; what is left out stays.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::{Device, Expected};
use serde::Deserialize;

use super::group_view::GroupView;
use super::parse;
use crate::groups::{GroupWish, whatever};
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.update";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
    name: Option<String>,
    join_policy: Option<String>,
    muted: Option<bool>,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<GroupView, Refused> {
    let id = parse("groupId", &params.group_id)?;
    let wish = GroupWish {
        name: params.name,
        join_policy: params
            .join_policy
            .map(|policy| parse("joinPolicy", &policy))
            .transpose()?,
        muted: params.muted,
    };
    let actor = Sender::Device(Arc::clone(device));
    let group = whatever(dispatcher.set_group(&actor, &id, wish, Expected::Any).await?)?;
    Ok(GroupView::from(&*group))
}
