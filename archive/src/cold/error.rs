//! Why bytes in a store could not be had. None of it says that a message is lost: who asks again later may get them.

use std::io;

/// Why a segment in the store could not be read, written or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColdError {
    /// The store did not answer in time, or said that it cannot now.
    #[error("the store of old messages does not answer: {0}")]
    Unreachable(String),
    /// The store answers, and has no such object.
    #[error("the store of old messages has no object {object}")]
    Missing {
        /// Its name in the store.
        object: String,
    },
    /// The store gave bytes that are not what was put into it.
    #[error("the store of old messages gave other bytes than were put into {object}")]
    Damaged {
        /// Its name in the store.
        object: String,
    },
    /// A segment is in a store, and there are no settings of one.
    #[error("segment {segment} is in a store, and no store is configured")]
    NoStore {
        /// Number of the segment.
        segment: u64,
    },
    /// The archive is being closed.
    #[error("the archive is being closed")]
    Stopped,
}

impl From<ColdError> for io::Error {
    fn from(error: ColdError) -> Self {
        Self::other(error)
    }
}

/// Whether an error of the disk is one of the store.
pub(crate) fn of_io(error: &io::Error) -> Option<&ColdError> {
    error.get_ref()?.downcast_ref()
}
