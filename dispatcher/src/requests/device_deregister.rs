//! `device.deregister`: retires the calling device; the answer is the last thing its session sends.

use godwit_model::Refused;
use godwit_registry::Device;

use super::Done;
use crate::Dispatcher;

pub(super) const METHOD: &str = "device.deregister";

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device) -> Result<Done, Refused> {
    dispatcher.forget_device(device).await?;
    Ok(Done {})
}
