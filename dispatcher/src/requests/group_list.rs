//! `group.list`: the groups the caller is a member of.

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Serialize;

use super::group_view::GroupView;
use crate::Dispatcher;

pub(super) const METHOD: &str = "group.list";

#[derive(Serialize)]
pub(super) struct Answer {
    items: Vec<GroupView>,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device) -> Result<Answer, Refused> {
    let groups = dispatcher.groups_of(&device.account).await?;
    Ok(Answer {
        items: groups.iter().map(|group| GroupView::from(&**group)).collect(),
    })
}
