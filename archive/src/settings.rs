//! What an operator may choose about the archive.

use std::time::Duration;

/// Sizes and delays of the log. The defaults suit a phone-sized community and a large one alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Size of one segment file in bytes; brought into 64 KiB to 1 GiB.
    pub segment_bytes: u64,
    /// Least time between the starts of two commits while work keeps coming.
    pub commit_pace: Duration,
    /// Longest time a moved cursor stays in memory only.
    pub cursor_delay: Duration,
    /// How often messages that were taken back are looked for, to take them off the disk.
    pub rewrite_delay: Duration,
    /// Messages older than this may go, a whole segment at a time; `None` keeps them for ever.
    pub retention_age: Option<Duration>,
    /// The oldest messages may go while all files take more bytes than this; `None` keeps them for ever.
    pub retention_bytes: Option<u64>,
    /// How often it is looked which messages may go.
    pub retention_delay: Duration,
    /// Most entries that wait for the writer.
    pub queue_entries_max: usize,
    /// Most bytes that wait for the writer.
    pub queue_bytes_max: usize,
    /// Most files of finished segments that stay open.
    pub open_files_max: usize,
    /// Conversations whose last number the writer remembers, at 24 bytes each; it looks the others up.
    pub conversations_remembered: usize,
    /// Most bytes of the filters that spare new drafts a look at the disk, 2 a draft of the last 72 hours; with less room
    /// the older ones are looked up.
    pub duplicate_filter_bytes_max: usize,
    /// How many neighbouring indexes of one size are merged into one; fewer than two is never.
    pub index_fan_in: usize,
    /// Whether a start goes on where damage may make it give numbers again; see [`crate::OpenError::NumbersLost`].
    pub accept_lost_numbers: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            commit_pace: Duration::from_micros(500),
            cursor_delay: Duration::from_millis(50),
            rewrite_delay: Duration::from_secs(10),
            retention_age: None,
            retention_bytes: None,
            retention_delay: Duration::from_mins(1),
            queue_entries_max: 8_192,
            queue_bytes_max: 64 << 20,
            open_files_max: 128,
            conversations_remembered: 1 << 20,
            duplicate_filter_bytes_max: 256 << 20,
            index_fan_in: 8,
            accept_lost_numbers: false,
        }
    }
}

/// Smallest segment: room for a step of a fan-out and a little more.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// Largest segment: offsets are 32 bits, and one segment is read into memory by a recovery.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

impl Settings {
    pub(crate) fn bounded(mut self) -> Self {
        self.segment_bytes = self.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        self.queue_entries_max = self.queue_entries_max.max(1);
        self.queue_bytes_max = self.queue_bytes_max.max(1);
        self.open_files_max = self.open_files_max.max(1);
        self
    }
}
