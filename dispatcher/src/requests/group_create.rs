//! `group.create`: the caller becomes owner. With a `groupId` of its own a repeat is refused as `already_exists`;
//! without one, the same request under a random id is the same group.

use std::sync::Arc;

use godwit_model::{GroupId, Refusal, Refused};
use godwit_protocol::fingerprint;
use godwit_registry::{Device, NewGroup};
use serde::Deserialize;

use super::group_view::GroupView;
use super::{parse, parse_all};
use crate::{Dispatcher, Sender};

pub(super) const METHOD: &str = "group.create";

/// Bytes of a request id, quotes included, from which on it is taken for a random text and not for a counter.
const RANDOM_ID_BYTES_MIN: usize = 18;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    group_id: Option<String>,
    name: String,
    #[serde(default)]
    members: Vec<String>,
}

/// `request_id` is the request's own id. Where it is a random text it names the group, so that a request sent again
/// after a lost answer finds the group it made.
pub(super) async fn call(
    dispatcher: &Dispatcher,
    device: &Arc<Device>,
    request_id: Option<&str>,
    params: Params,
) -> Result<GroupView, Refused> {
    let actor = Sender::Device(Arc::clone(device));
    let given = params.group_id.map(|id| parse("groupId", &id)).transpose()?;
    let repeatable = request_id.filter(|id| given.is_none() && id.len() >= RANDOM_ID_BYTES_MIN && id.starts_with('"'));
    let derived: Option<GroupId> = match repeatable {
        Some(id) => Some(parse(
            "id",
            &format!("r{:032x}", fingerprint::request_key(device.account.no, id)),
        )?),
        None => None,
    };
    let new = NewGroup {
        id: given.or_else(|| derived.clone()),
        name: params.name.clone(),
        owner: None,
        members: parse_all("members", &params.members)?,
    };
    let group = match (dispatcher.create_group(&actor, new).await, derived) {
        (Err(refused), Some(id)) if refused.refusal == Refusal::AlreadyExists => {
            let group = dispatcher.group(&actor, &id).await?;
            if group.name != params.name {
                return Err(Refusal::IdConflict.into());
            }
            group
        }
        (created, _) => created?,
    };
    Ok(GroupView::from(&*group))
}
