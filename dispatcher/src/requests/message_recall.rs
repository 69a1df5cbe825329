//! `message.recall`: the sender takes a message back, within a time.

use godwit_model::{Refused, ServerId};
use godwit_registry::Device;
use serde::{Deserialize, Serialize};

use super::parse;
use crate::{Dispatcher, render};

pub(super) const METHOD: &str = "message.recall";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    server_id: String,
}

/// What was taken back.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    server_id: String,
    conv: Option<String>,
    conv_seq: u64,
    reason: &'static str,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device, params: Params) -> Result<Answer, Refused> {
    let id: ServerId = parse("serverId", &params.server_id)?;
    let withdrawn = dispatcher.recall(device, id).await?;
    Ok(Answer {
        server_id: withdrawn.server_id.to_string(),
        conv: withdrawn.conversation.map(|conversation| conversation.to_string()),
        conv_seq: withdrawn.conv_seq,
        reason: render::gone_word(withdrawn.reason),
    })
}
