//! The handle everybody holds.

use std::sync::Arc;

use godwit_model::{AccountNo, Clock, ConversationKey, DeviceNo, ServerId};

use crate::device::DeviceState;
use crate::disk::Disk;
use crate::entry::{AppendError, Entry, Pending, Saved};
use crate::listener::Listener;
use crate::query::{ConversationQuery, InboxQuery, ReadError};
use crate::record::{Item, Record};
use crate::recovery::{OpenError, Recovery};
use crate::settings::Settings;

/// A cheap handle on the log.
#[derive(Clone)]
pub struct Archive;

impl Archive {
    /// Opens the log of a folder and starts its writer.
    pub fn open(
        _disk: Arc<dyn Disk>,
        _clock: Arc<dyn Clock>,
        _settings: Settings,
        _listener: Arc<dyn Listener>,
    ) -> Result<(Self, Recovery), OpenError> {
        Ok((Self, Recovery::default()))
    }
    /// Queues an entry.
    pub fn append(&self, _entry: Entry) -> Result<Pending, AppendError> {
        Err(AppendError::Stopped)
    }
    /// Returns when an append would not be `Overloaded`.
    pub async fn room(&self) {}
    /// Highest number of an inbox; 0 if empty.
    pub fn head(&self, _account: AccountNo) -> u64 {
        0
    }
    /// Lowest kept number of an inbox; head + 1 if none is kept.
    pub fn floor(&self, _account: AccountNo) -> u64 {
        1
    }
    /// Highest number of a conversation; 0 if empty.
    pub fn conversation_head(&self, _conversation: ConversationKey) -> u64 {
        0
    }
    /// A page of an inbox. Blocks on the disk.
    pub fn inbox(&self, _account: AccountNo, _query: &InboxQuery) -> Result<Vec<Item>, ReadError> {
        Ok(Vec::new())
    }
    /// A page of a conversation. Blocks on the disk.
    pub fn conversation(&self, _c: ConversationKey, _query: &ConversationQuery) -> Result<Vec<Arc<Record>>, ReadError> {
        Ok(Vec::new())
    }
    /// One message. Blocks on the disk.
    pub fn message(&self, _id: ServerId) -> Result<Option<Arc<Record>>, ReadError> {
        Ok(None)
    }
    /// What is known of a device.
    pub fn device(&self, _device: DeviceNo) -> Option<DeviceState> {
        None
    }
    /// Moves a cursor forward.
    pub fn move_cursor(&self, _device: DeviceNo, _account: AccountNo, _cursor: u64) {}
    /// Stores a device's state.
    pub fn save_device(&self, _device: DeviceNo, _state: DeviceState) -> Result<Saved, AppendError> {
        Err(AppendError::Stopped)
    }
    /// Forgets a retired device.
    pub fn forget_device(&self, _device: DeviceNo) {}
    /// Makes everything durable and ends the writer.
    pub fn close(&self) {}
}
