//! Whose phones may have to ring: an account, what its readers wish, and its devices that are behind.

use std::collections::HashMap;

use godwit_model::{ConversationKey, DeviceNo, Mute};
use godwit_registry::{Account, MuteSubject, Muted};

/// What is decided in one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Only calls, which do not wait for the grace.
    CallsOnly,
    /// Everything: the grace is over.
    Last,
}

/// A device that has not acknowledged everything.
pub(super) struct Behind {
    pub(super) device: DeviceNo,
    /// The vendor to try first of those that may still reach it.
    pub(super) vendor: String,
    /// No vendor reaches it any more: it gave no sign of life for too long.
    pub(super) is_idle: bool,
    /// It has acknowledged, or it was decided, up to here.
    pub(super) passed: u64,
    /// Nothing from before this is owed.
    pub(super) since_ms: u64,
}

/// An account and what its readers wish.
pub(super) struct Household {
    pub(super) account: Account,
    pub(super) wishes: godwit_model::PushWishes,
    pub(super) mutes: Vec<Muted>,
    /// How far the desktops that are here have acknowledged.
    pub(super) desktops_up_to: u64,
    /// What is unread of conversations of which something was taken back.
    pub(super) unread: HashMap<ConversationKey, u64>,
}

impl Household {
    pub(super) fn mute(&self, subject: MuteSubject) -> Option<Mute> {
        let found = self.mutes.iter().find(|muted| muted.subject == subject);
        found.map(|muted| muted.mute)
    }
}
