//! `inbox`: a page of the account's inbox, in the order of `seq`.

use godwit_model::Refused;
use godwit_registry::Device;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Dispatcher;
use crate::history::{Page, Window};

pub(super) const METHOD: &str = "inbox";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    after: Option<u64>,
    before: Option<u64>,
    limit: Option<usize>,
}

/// Entries with the bounds of the inbox.
#[derive(Serialize)]
pub(super) struct Answer {
    items: Vec<Box<RawValue>>,
    head: u64,
    floor: u64,
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        let items = page.items.into_iter().map(|(_, json)| json).collect();
        Self {
            items,
            head: page.head,
            floor: page.floor,
        }
    }
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device, params: Params) -> Result<Answer, Refused> {
    let window = Window {
        after: params.after,
        before: params.before,
        since_ms: None,
        limit: params.limit,
    };
    dispatcher.inbox(&device.account, None, window).await.map(Answer::from)
}
