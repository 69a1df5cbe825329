//! `push.wishes`: what the reader wishes of its vendors' pushes: quiet hours, and how much they tell. Without `params`
//! nothing is changed.

use godwit_model::Refused;
use godwit_registry::Device;
use serde::{Deserialize, Serialize};

use crate::Dispatcher;
use crate::wishes::Wishes;

pub(super) const METHOD: &str = "push.wishes";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    set: Option<Wishes>,
}

/// What holds now.
#[derive(Serialize)]
pub(super) struct Answer(Wishes);

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device, params: Params) -> Result<Answer, Refused> {
    if let Some(wishes) = params.set {
        let wishes = wishes.understand()?;
        dispatcher.set_push_wishes(&device.account, &wishes).await?;
    }
    let wishes = dispatcher.push_wishes(&device.account).await?;
    Ok(Answer(wishes.into()))
}
