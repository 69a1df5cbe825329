//! What became of one message: from its acceptance to each reader, device and push.

use std::sync::Arc;

use godwit_model::{AccountNo, Refusal, Refused, ServerId, TenantNo};
use serde::Serialize;

use super::Line;
use crate::Dispatcher;
use crate::failure::of_registry;

/// Readers that are told; of a message to many, the first.
const READERS_MAX: usize = 100;
/// Lines about one message and reader.
const LINES_MAX: u64 = 200;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The message.
    pub server_id: String,
    /// When it was accepted, in milliseconds since 1970: it is on disk since then.
    pub accepted_at: u64,
    /// Its conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conv: Option<String>,
    /// Its number there.
    pub conv_seq: u64,
    /// In how many inboxes it is.
    pub recipients: usize,
    /// The first hundred of their owners.
    pub readers: Vec<ReaderTimeline>,
}

/// What became of a message at one reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReaderTimeline {
    /// Who.
    pub user_id: String,
    /// Its number in the inbox; 0 while it is not numbered yet.
    pub seq: u64,
    /// Whether the reader said that it was read.
    pub read: bool,
    /// The reader's devices.
    pub devices: Vec<DeviceTimeline>,
}

/// What became of a message at one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceTimeline {
    /// Which.
    pub device_id: String,
    /// Whether it has acknowledged it.
    pub received: bool,
    /// What the ledger says about it, oldest first.
    pub pushes: Vec<Line>,
}

impl Dispatcher {
    /// Tells what became of a message of a tenant.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for what is no message of the tenant.
    pub async fn timeline(&self, tenant: TenantNo, id: ServerId) -> Result<Timeline, Refused> {
        let none = || Refused::new(Refusal::NotFound, format!("no message {id}"));
        let record = self.read(move |archive| archive.message(id)).await?.ok_or_else(none)?;
        if self.tenant_of_message(&record).await? != Some(tenant) {
            return Err(none());
        }
        let recipients = self.read(move |archive| archive.recipients(id)).await?;
        let mut readers = Vec::new();
        for account in recipients.iter().take(READERS_MAX) {
            readers.extend(self.reader_timeline(tenant, *account, &record).await?);
        }
        Ok(Timeline {
            server_id: id.to_string(),
            accepted_at: record.server_time_ms,
            conv: record.conversation.map(|conversation| conversation.to_string()),
            conv_seq: record.conv_seq,
            recipients: recipients.len(),
            readers,
        })
    }

    async fn reader_timeline(
        &self,
        tenant: TenantNo,
        no: AccountNo,
        record: &Arc<godwit_archive::Record>,
    ) -> Result<Option<ReaderTimeline>, Refused> {
        let Some(account) = self.registry.account_by_no(no).await.map_err(of_registry)? else {
            return Ok(None);
        };
        let seq = match self.seq_of(no, record.server_id).await {
            Ok(seq) => seq,
            Err(refused) if refused.refusal == Refusal::NotFound => 0,
            Err(failed) => return Err(failed),
        };
        let about = (Some(no), Some(record.server_id.to_string()), None, LINES_MAX);
        let mut lines = self.push_log(tenant, about).await?;
        lines.reverse();
        let read = match record.conversation {
            Some(conversation) => {
                let state = self
                    .registry
                    .conversation_state(no, conversation)
                    .await
                    .map_err(of_registry)?;
                state.is_some_and(|state| state.read_up_to >= record.conv_seq)
            }
            None => false,
        };
        let devices = self.registry.devices_of(no).await.map_err(of_registry)?;
        let devices = devices.iter().map(|device| DeviceTimeline {
            device_id: device.device_id.to_string(),
            received: seq > 0 && self.cursor(device.no) >= seq,
            pushes: lines
                .iter()
                .filter(|line| *line.device_id == *device.device_id)
                .cloned()
                .collect(),
        });
        Ok(Some(ReaderTimeline {
            user_id: account.user.to_string(),
            seq,
            read,
            devices: devices.collect(),
        }))
    }
}
