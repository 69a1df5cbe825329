//! `schedule.cancel`: a message that still waits is never sent.

use std::sync::Arc;

use godwit_model::Refused;
use godwit_registry::{Device, Expected};
use serde::Deserialize;

use super::Done;
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "schedule.cancel";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    schedule_id: String,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<Done, Refused> {
    let sender = Sender::Device(Arc::clone(device));
    dispatcher
        .cancel_schedule(&sender, &params.schedule_id, Expected::Any)
        .await?;
    Ok(Done {})
}
