//! `schedule.list`: the caller's messages that are or were kept back.

use std::sync::Arc;

use godwit_model::limits::{PAGE_ENTRIES_DEFAULT, PAGE_ENTRIES_MAX};
use godwit_model::{Refusal, Refused};
use godwit_registry::{Device, ScheduleRecord};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::parse;
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "schedule.list";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    state: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// A page of schedules.
#[derive(Serialize)]
pub(super) struct Schedules {
    items: Vec<ScheduleView>,
}

/// How a schedule looks to its sender.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleView {
    schedule_id: String,
    state: &'static str,
    deliver_at: u64,
    created_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    message: Box<RawValue>,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<Schedules, Refused> {
    let state = params.state.map(|state| parse("state", &state)).transpose()?;
    let limit = params.limit.unwrap_or(PAGE_ENTRIES_DEFAULT).min(PAGE_ENTRIES_MAX);
    if limit == 0 {
        return Err(Refused::new(Refusal::InvalidField, "`limit` must be at least 1"));
    }
    let sender = Sender::Device(Arc::clone(device));
    let after = params.after.unwrap_or_default();
    let found = dispatcher.schedules(&sender, state, &after, limit as u64).await?;
    Ok(Schedules {
        items: found.into_iter().map(ScheduleView::from).collect(),
    })
}

impl From<ScheduleRecord> for ScheduleView {
    fn from(schedule: ScheduleRecord) -> Self {
        Self {
            schedule_id: schedule.asked.id,
            state: schedule.state.as_str(),
            deliver_at: schedule.asked.due_at_ms,
            created_at: schedule.asked.created_at_ms,
            done_at: schedule.done_at_ms,
            server_id: schedule.server_id,
            code: schedule.code,
            message: RawValue::from_string(schedule.asked.draft).unwrap_or_default(),
        }
    }
}
