//! `group.refuseJoin`: refuses somebody who asks to join, or takes the caller's own wish back.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Deserialize;

use super::{Done, parse};
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.refuseJoin";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
    user_id: String,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<Done, Refused> {
    let id = parse("groupId", &params.group_id)?;
    let user = parse("userId", &params.user_id)?;
    let actor = Sender::Device(Arc::clone(device));
    dispatcher.refuse_join(&actor, &id, &user).await?;
    Ok(Done {})
}
