//! `group.dissolve`: the owner ends the group; what was said stays in the members' inboxes.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Deserialize;

use super::{Done, parse};
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.dissolve";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<Done, Refused> {
    let id = parse("groupId", &params.group_id)?;
    dispatcher
        .dissolve_group(&Sender::Device(Arc::clone(device)), &id)
        .await?;
    Ok(Done {})
}
