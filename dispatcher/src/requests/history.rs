//! `history`: the account's own messages from a start time or around a number; `target` narrows to one peer or group.

use godwit_model::{Address, Refused};
use godwit_registry::Device;
use serde::Deserialize;

use super::inbox::Answer;
use super::parse;
use crate::Dispatcher;
use crate::history::Window;

pub(super) const METHOD: &str = "history";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    target: Option<String>,
    conv: Option<String>,
    since: Option<u64>,
    after: Option<u64>,
    before: Option<u64>,
    limit: Option<usize>,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device, params: Params) -> Result<Answer, Refused> {
    let target = params.target.filter(|target| !target.is_empty());
    let conversation = match (target, params.conv) {
        (Some(target), _) => {
            let peer: Address = parse("target", &target)?;
            Some(dispatcher.conversation_with(&device.account, &peer).await?)
        }
        (None, Some(conv)) => Some(parse("conv", &conv)?),
        (None, None) => None,
    };
    let window = Window {
        after: params.after,
        before: params.before,
        since_ms: params.since,
        limit: params.limit,
    };
    dispatcher
        .inbox(&device.account, conversation, window)
        .await
        .map(Answer::from)
}
