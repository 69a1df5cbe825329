//! `group.leave`: the caller leaves; an owner gives the group away or dissolves it first.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Deserialize;

use super::{Done, parse};
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.leave";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<Done, Refused> {
    let id = parse("groupId", &params.group_id)?;
    let own = [device.account.user.clone()];
    dispatcher
        .remove_members(&Sender::Device(Arc::clone(device)), &id, &own)
        .await?;
    Ok(Done {})
}
