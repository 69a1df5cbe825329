//! Who is connected here, and how far along its inbox each device has come.
//!
//! Doors hold a [`Hub`]: they attach a session, feed its [`Follower`] with hints from the [`Mailbox`] and with
//! pages from the archive, and move the device's cursor. Nothing here knows sockets, packets or JSON.
//! A hint may be lost at any time; the follower then reads the archive.
#![deny(missing_docs)]

mod follower;
mod live_view;
mod mailbox;
mod own;
mod switchboard;
mod wakes;

use std::sync::Arc;

pub use follower::{Follower, Step};
pub use godwit_archive::{
    AppendError, Archive, DeviceState, GoneReason, InboxQuery, Item, ReadError, Record, RecordKind, Saved, SessionState,
};
use godwit_model::{AccountNo, DeviceNo};
pub use live_view::LiveView;
pub use mailbox::{CloseReason, Mail, Mailbox};
pub use switchboard::{Acknowledgements, Attachment, Presence, Switchboard};
pub use wakes::Wakes;

/// Entries one page of a follower holds.
pub const PAGE_ENTRIES: usize = 64;
/// Bytes after which a follower's page ends early; one entry always fits.
pub const PAGE_BYTES: usize = 256 * 1024;

/// Part of an inbox.
#[derive(Debug)]
pub struct Page {
    /// Ascending entries.
    pub items: Vec<Item>,
    /// The lowest number that is kept.
    pub floor: u64,
}

/// The meeting point of sessions and the archive.
#[derive(Clone)]
pub struct Hub {
    switchboard: Arc<Switchboard>,
    archive: Archive,
}

impl Hub {
    /// Joins the switchboard, which the archive already tells of every commit, with that archive.
    pub fn new(switchboard: Arc<Switchboard>, archive: Archive) -> Self {
        Self { switchboard, archive }
    }

    /// Connects a session of a device. An earlier session of the same device is told to close, and whether the new one
    /// starts clean. `None` when the account's other devices already have `sessions_max` sessions.
    pub fn attach(
        &self,
        account: AccountNo,
        device: DeviceNo,
        clean_start: bool,
        sessions_max: usize,
    ) -> Option<Attachment> {
        self.switchboard.attach(account, device, clean_start, sessions_max)
    }

    /// For a thread that runs sessions: gathers what wakes them, so that a commit rouses the thread once.
    #[must_use]
    pub fn gather_wakes(&self) -> Wakes {
        self.switchboard.gather_wakes()
    }

    /// Says who hears how far devices have acknowledged from now on; the first one stays.
    pub fn hear_acknowledgements(&self, acknowledgements: impl Acknowledgements) {
        self.switchboard.hear_acknowledgements(Box::new(acknowledgements));
    }

    /// Says who hears of devices that come and go as well from now on.
    pub fn hear_presence(&self, presence: impl Presence) {
        self.switchboard.hear_presence(Box::new(presence));
    }

    /// Tells a device's session, if one is connected, to close.
    pub fn close_device(&self, account: AccountNo, device: DeviceNo, reason: CloseReason) {
        self.switchboard.close_device(account, device, reason);
    }

    /// Leaves an event, which is not stored, for every session of an account but that of the device `except`.
    pub fn tell(&self, account: AccountNo, except: Option<DeviceNo>, event: &bytes::Bytes) {
        self.switchboard.tell(account, except, event);
    }

    /// The devices of an account that have a session here.
    pub fn connected(&self, account: AccountNo) -> Vec<DeviceNo> {
        self.switchboard.connected(account)
    }

    /// The highest number in an account's inbox; 0 when it is empty.
    pub fn head(&self, account: AccountNo) -> u64 {
        self.archive.head(account)
    }

    /// The lowest number still kept in an account's inbox.
    pub fn floor(&self, account: AccountNo) -> u64 {
        self.archive.floor(account)
    }

    /// Reads the page a follower asked for. Blocks on the disk: call it off the runtime's workers.
    pub fn page(&self, account: AccountNo, after: u64, limit: usize) -> Result<Page, ReadError> {
        // Before the entries: the floor only rises, so that they never begin below it.
        let floor = self.archive.floor(account);
        let query = InboxQuery {
            after: Some(after),
            before: None,
            since_ms: None,
            conversation: None,
            limit: limit.min(PAGE_ENTRIES),
            bytes_max: PAGE_BYTES,
        };
        let items = self.archive.inbox(account, &query)?;
        Ok(Page { items, floor })
    }

    /// An entry as it may be shown now: a message that was taken back or has expired since it was announced or read
    /// loses its content. Every door asks this last, right before it renders.
    #[must_use]
    pub fn show(&self, item: &Item) -> Item {
        Item {
            seq: item.seq,
            record: self.archive.show(&item.record),
        }
    }

    /// What is stored of a device: its cursor and its session's subscriptions.
    pub fn device(&self, device: DeviceNo) -> Option<DeviceState> {
        self.archive.device(device)
    }

    /// Where a device that was never seen starts: at the floor if it is its account's first, else at the head.
    pub fn first_cursor(&self, account: AccountNo, first_of_account: bool) -> u64 {
        if first_of_account {
            self.floor(account).saturating_sub(1)
        } else {
            self.head(account)
        }
    }

    /// Notes how far a device has acknowledged. Durable with the next commit.
    pub fn move_cursor(&self, device: DeviceNo, account: AccountNo, cursor: u64) {
        self.archive.move_cursor(device, account, cursor);
        self.switchboard.acknowledged(account, device, cursor);
    }

    /// Stores a device's session; its cursor does not go back. The answer resolves once both are durable; the second
    /// value is what the device was before, for [`Hub::take_back`].
    pub fn save_session(
        &self,
        device: DeviceNo,
        state: DeviceState,
    ) -> Result<(Saved, Option<DeviceState>), AppendError> {
        self.archive.save_session(device, state)
    }

    /// Takes back a session that could not be stored, as far as nobody changed it since.
    pub fn take_back(&self, device: DeviceNo, failed: DeviceState, before: Option<DeviceState>) {
        self.archive.take_back(device, failed, before);
    }
}
