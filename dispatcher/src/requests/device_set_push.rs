//! `device.setPush`: switches vendor push of the calling device off or on; its token stays.

use godwit_model::Refused;
use godwit_registry::Device;
use serde::Deserialize;

use super::Done;
use crate::Dispatcher;

pub(super) const METHOD: &str = "device.setPush";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Params {
    enabled: bool,
}

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device, params: Params) -> Result<Done, Refused> {
    dispatcher.set_push_enabled(device, params.enabled).await?;
    Ok(Done {})
}
