//! `group.muteMembers`: those named may not write until a time, or may again.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Deserialize;

use super::{Done, parse, parse_all};
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.muteMembers";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
    members: Vec<String>,
    until: Option<u64>,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<Done, Refused> {
    let id = parse("groupId", &params.group_id)?;
    let users = parse_all("members", &params.members)?;
    let actor = Sender::Device(Arc::clone(device));
    dispatcher.mute_members(&actor, &id, &users, params.until).await?;
    Ok(Done {})
}
