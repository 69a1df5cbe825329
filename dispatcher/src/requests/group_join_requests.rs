//! `group.joinRequests`: who asks to join a group, for its admins and its owner.

use std::sync::Arc;

use godwit_model::limits::{PAGE_ENTRIES_DEFAULT, PAGE_ENTRIES_MAX};
use godwit_model::{Refusal, Refused};
use godwit_registry::Device;
use serde::{Deserialize, Serialize};

use super::parse;
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.joinRequests";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: String,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct Requests {
    items: Vec<RequestView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestView {
    user_id: String,
    asked_at: u64,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Arc<Device>, params: Params) -> Result<Requests, Refused> {
    let id = parse("groupId", &params.group_id)?;
    let limit = params.limit.unwrap_or(PAGE_ENTRIES_DEFAULT).min(PAGE_ENTRIES_MAX);
    if limit == 0 {
        return Err(Refused::new(Refusal::InvalidField, "`limit` is at least 1"));
    }
    let actor = Sender::Device(Arc::clone(device));
    let after = params.after.as_deref().unwrap_or_default();
    let found = dispatcher.join_requests(&actor, &id, after, limit as u64).await?;
    let view = |request: godwit_registry::JoinRequest| RequestView {
        user_id: request.user.to_string(),
        asked_at: request.asked_at_ms,
    };
    Ok(Requests {
        items: found.into_iter().map(view).collect(),
    })
}
