//! `conversation.read`: the reader has read a conversation up to a number in it; all its devices learn that.

use godwit_model::Refused;
use godwit_registry::Device;
use serde::{Deserialize, Serialize};

use super::parse;
use crate::Dispatcher;

pub(super) const METHOD: &str = "conversation.read";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    conv: String,
    up_to: u64,
}

/// What is left.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    unread: u64,
    total: u64,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device, params: Params) -> Result<Answer, Refused> {
    let conversation = parse("conv", &params.conv)?;
    let read = (conversation, params.up_to);
    let unread = dispatcher.read_up_to(&device.account, Some(device), read).await?;
    let conv = conversation.to_string();
    let state = unread.conversations.iter().find(|state| state.conv == conv);
    Ok(Answer {
        unread: state.map_or(0, |state| state.unread),
        total: unread.total,
    })
}
