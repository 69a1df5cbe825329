//! `group.join`: the caller joins an open group by itself, or asks to join one that approves of each.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::Device;
use serde::{Deserialize, Serialize};

use super::group_view::GroupView;
use super::parse;
use crate::{Dispatcher, Joined};

pub(super) const METHOD: &str = "group.join";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
}

/// The group, or that its admins decide.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum View {
    Member(GroupView),
    #[serde(rename_all = "camelCase")]
    Asks {
        group_id: String,
        name: String,
        asked: bool,
    },
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<View, Refused> {
    let id = parse("groupId", &params.group_id)?;
    Ok(match dispatcher.join_group(device, &id).await? {
        Joined::Member(group) => View::Member(GroupView::from(&*group)),
        Joined::Asks(group) => View::Asks {
            group_id: group.id.to_string(),
            name: group.name.clone(),
            asked: true,
        },
    })
}
