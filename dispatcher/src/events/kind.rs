//! The published kinds of events, and what an app needs to hear of one.

use std::fmt;
use std::str::FromStr;

use godwit_registry::{Scope, Scopes};

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A message was accepted and stored.
    MessageAccepted,
    /// A message was taken back.
    MessageWithdrawn,
    /// A device has acknowledged its inbox up to a number.
    ReceiptDelivered,
    /// An account has read a conversation up to a number.
    ReceiptRead,
    /// A device came or went.
    PresenceChanged,
    /// A group was made, changed or ended.
    GroupChanged,
    /// A device was registered for the first time.
    DeviceRegistered,
    /// A device was retired.
    DeviceRetired,
    /// A vendor took a push.
    PushSent,
    /// A push is not tried any more.
    PushFailed,
    /// A broadcast job began.
    BroadcastStarted,
    /// A broadcast job ended.
    BroadcastFinished,
}

/// The text names no kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a kind of event")]
pub struct UnknownEventKind;

impl EventKind {
    /// All of them, in the order of the published table.
    pub const ALL: [Self; 12] = [
        Self::MessageAccepted,
        Self::MessageWithdrawn,
        Self::ReceiptDelivered,
        Self::ReceiptRead,
        Self::PresenceChanged,
        Self::GroupChanged,
        Self::DeviceRegistered,
        Self::DeviceRetired,
        Self::PushSent,
        Self::PushFailed,
        Self::BroadcastStarted,
        Self::BroadcastFinished,
    ];

    /// As receivers and the store spell it.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// What an app needs to hear of it.
    pub fn scope(self) -> Scope {
        self.row().1
    }

    fn row(self) -> (&'static str, Scope) {
        match self {
            Self::MessageAccepted => ("message.accepted", Scope::MessagesRead),
            Self::MessageWithdrawn => ("message.withdrawn", Scope::MessagesRead),
            Self::ReceiptDelivered => ("receipt.delivered", Scope::MessagesRead),
            Self::ReceiptRead => ("receipt.read", Scope::MessagesRead),
            Self::PresenceChanged => ("presence.changed", Scope::Devices),
            Self::GroupChanged => ("group.changed", Scope::Groups),
            Self::DeviceRegistered => ("device.registered", Scope::Devices),
            Self::DeviceRetired => ("device.retired", Scope::Devices),
            Self::PushSent => ("push.sent", Scope::Devices),
            Self::PushFailed => ("push.failed", Scope::Devices),
            Self::BroadcastStarted => ("broadcast.started", Scope::Broadcast),
            Self::BroadcastFinished => ("broadcast.finished", Scope::Broadcast),
        }
    }

    /// Whether it follows from the log.
    pub(crate) fn is_of_log(self) -> bool {
        matches!(
            self,
            Self::MessageAccepted | Self::MessageWithdrawn | Self::GroupChanged
        )
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(text: &str) -> Result<Self, UnknownEventKind> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or(UnknownEventKind)
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(pub(crate) u32);

impl Kinds {
    pub(crate) fn contains(self, kind: EventKind) -> bool {
        self.0 & Self::of([kind]).0 != 0
    }

    pub(crate) fn of(kinds: impl IntoIterator<Item = EventKind>) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind as u32))
    }

    /// All that an app with these scopes may hear.
    pub(crate) fn heard_with(scopes: Scopes) -> Self {
        Self::of(EventKind::ALL.into_iter().filter(|kind| scopes.contains(kind.scope())))
    }

    /// Those that are written with spaces between; unknown ones are left out.
    pub(crate) fn read(text: &str) -> Self {
        Self::of(text.split_ascii_whitespace().filter_map(|name| name.parse().ok()))
    }

    pub(crate) fn text(self) -> String {
        let named: Vec<&str> = EventKind::ALL
            .into_iter()
            .filter(|kind| self.contains(*kind))
            .map(EventKind::as_str)
            .collect();
        named.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let some = Kinds::of([EventKind::PushSent, EventKind::MessageAccepted]);
        assert_eq!(some.text(), "message.accepted push.sent");
        assert_eq!(Kinds::read("message.accepted nothing push.sent"), some);
        assert!(some.contains(EventKind::PushSent) && !some.contains(EventKind::PushFailed));
    }

    #[test]
    fn nobody_hears_what_its_scopes_do_not_allow() {
        let groups: Scopes = [Scope::Webhooks, Scope::Groups].into_iter().collect();
        assert_eq!(Kinds::heard_with(groups).text(), "group.changed");
    }
}
