//! `conversation.mute`: a conversation, or a user, must not disturb; or may again.

use godwit_model::{Mute, Refusal, Refused, UserId};
use godwit_registry::Device;
use serde::Deserialize;

use super::{Done, parse};
use crate::Dispatcher;
use crate::failure::of_registry;

pub(super) const METHOD: &str = "conversation.mute";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    conv: Option<String>,
    user_id: Option<String>,
    muted: bool,
    until: Option<u64>,
    #[serde(default)]
    mentions: bool,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device, params: Params) -> Result<Done, Refused> {
    let mute = params.muted.then_some(Mute {
        until_ms: params.until,
        mentions: params.mentions,
    });
    match (&params.conv, &params.user_id) {
        (Some(conv), None) => {
            let conversation = parse("conv", conv)?;
            dispatcher
                .mute_conversation(&device.account, conversation, mute)
                .await?;
        }
        (None, Some(user)) => {
            let user: UserId = parse("userId", user)?;
            let found = dispatcher.registry.account_of_user(device.account.tenant, &user).await;
            let sender = found.map_err(of_registry)?.ok_or(Refusal::UserNotFound)?;
            dispatcher.mute_sender(&device.account, &sender, mute).await?;
        }
        _ => return Err(Refused::new(Refusal::InvalidField, "either `conv` or `userId`")),
    }
    Ok(Done {})
}
