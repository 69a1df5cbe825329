//! What a start found in the folder, and how the state is made of it.

/// What a start found; everything but `segments` and `records` is zero after a clean stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments that hold records.
    pub segments: u64,
    /// Frames read again because no sorted index covered them.
    pub frames_replayed: u64,
    /// Bytes of an unfinished commit at the end of the log that were cut; none of them was acknowledged.
    pub torn_bytes: u64,
    /// Acknowledged frames (or unreadable stretches) whose checksum is wrong; readers see them as gone.
    pub quarantined: u64,
    /// Sorted indexes built again because they were missing or damaged.
    pub indexes_rebuilt: u64,
    /// Fan-outs that go on where they were interrupted.
    pub fanouts_resumed: u64,
}

/// Why the archive cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk refused.
    #[error("the archive's folder could not be read or written")]
    Disk(#[from] std::io::Error),
    /// A file is of a format this program does not know.
    #[error("{file} has a format this program does not know (version {version})")]
    Version {
        /// Which file.
        file: String,
        /// The version it states.
        version: u32,
    },
    /// A part of a segment is damaged, and so is what repeats the numbers given in it: going on could give numbers
    /// again that devices have seen. Restore the file from a backup, or accept that by the setting
    /// [`crate::Settings::accept_lost_numbers`].
    #[error(
        "{file} is damaged at byte {offset} in a way that loses numbers; restore it from a backup, or accept the loss \
         with accept_lost_numbers"
    )]
    NumbersLost {
        /// Which file.
        file: String,
        /// Where the damaged commit starts, in bytes.
        offset: u64,
    },
    /// A file is damaged without which numbers that were given could be given again. It is not repaired silently:
    /// put back a copy of the file from a backup.
    #[error("{file} is damaged, and without it numbers could be given twice; restore it from a backup")]
    Irreplaceable {
        /// Which file.
        file: &'static str,
    },
}

mod begin;
mod folder;
mod replay;
pub(crate) mod walk;

pub(crate) use begin::begin;
pub(crate) use replay::replay_finished;
pub(crate) use walk::commit_bytes;
