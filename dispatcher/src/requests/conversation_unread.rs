//! `conversation.unread`: what the reader has not read, of each conversation and in all.

use godwit_model::Refused;
use godwit_registry::Device;

use crate::Dispatcher;
use crate::reading::Unread;

pub(super) const METHOD: &str = "conversation.unread";

pub(super) async fn call(dispatcher: &Dispatcher, device: &Device) -> Result<Unread, Refused> {
    dispatcher.unread(&device.account).await
}
