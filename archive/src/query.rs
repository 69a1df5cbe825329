//! Which part of an inbox or a conversation is asked for.

use godwit_model::ConversationKey;

use crate::cold::{self, ColdError};

/// A page of an inbox. Bounds are exclusive. With `after` or `since_ms` it is the oldest `limit` entries above,
/// otherwise the newest `limit` below `before`, or below nothing. Always answered in ascending order.
#[derive(Clone, Copy, Debug, Default)]
pub struct InboxQuery {
    /// Only entries with a higher `seq`.
    pub after: Option<u64>,
    /// Only entries with a lower `seq`.
    pub before: Option<u64>,
    /// Only entries accepted at this server time or later, in milliseconds.
    pub since_ms: Option<u64>,
    /// Only entries of this conversation. Numbers whose record is lost show here only if their conversation is known.
    pub conversation: Option<ConversationKey>,
    /// Most entries.
    pub limit: usize,
    /// Most bytes of bodies; the first entry is given whatever its size.
    pub bytes_max: usize,
}

/// A page of a conversation; bounds are `conv_seq` and work as in [`InboxQuery`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ConversationQuery {
    /// Only messages with a higher `conv_seq`.
    pub after: Option<u64>,
    /// Only messages with a lower `conv_seq`.
    pub before: Option<u64>,
    /// Only messages accepted at this server time or later, in milliseconds.
    pub since_ms: Option<u64>,
    /// Most messages.
    pub limit: usize,
}

/// Why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk did not give the bytes.
    #[error("the disk did not give the bytes")]
    Disk(#[source] std::io::Error),
    /// The messages are in a store, and it did not give them. Nothing is known to be lost: ask again later.
    #[error(transparent)]
    Cold(ColdError),
    /// A sorted index does not match its checksum; it is built again at the next start.
    #[error("the index of segment {segment} is damaged")]
    IndexDamaged {
        /// Number of the segment.
        segment: u64,
    },
}

impl From<std::io::Error> for ReadError {
    fn from(error: std::io::Error) -> Self {
        match cold::of_io(&error) {
            Some(cold) => Self::Cold(cold.clone()),
            None => Self::Disk(error),
        }
    }
}
