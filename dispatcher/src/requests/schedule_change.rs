//! `schedule.change`: when a message that is kept back is sent, or its content; what is left out stays.

use std::sync::Arc;

use godwit_model::{Refusal, Refused};
use godwit_registry::{Device, Expected};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::schedule_list::ScheduleView;
use crate::{Dispatcher, ScheduleWish, Sender};

pub(super) const METHOD: &str = "schedule.change";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    schedule_id: String,
    deliver_after: Option<u64>,
    content: Option<Box<RawValue>>,
}

pub(super) async fn call(
    dispatcher: &Dispatcher,
    device: &Arc<Device>,
    params: Params,
) -> Result<ScheduleView, Refused> {
    let sender = Sender::Device(Arc::clone(device));
    let wish = ScheduleWish {
        deliver_after_s: params.deliver_after,
        content: params.content.map(|content| content.get().to_owned()),
    };
    let changed = dispatcher
        .change_schedule(&sender, &params.schedule_id, wish, Expected::Any)
        .await?;
    // A request says nothing that it expects, so nothing differs.
    changed
        .map(ScheduleView::from)
        .ok_or_else(|| Refusal::Overloaded.into())
}
