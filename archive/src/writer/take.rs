//! What one commit takes out of everything that waits, so that it fits into a segment.

use std::time::Instant;

use godwit_model::limits::FANOUT_CHUNK_RECIPIENTS;

use super::batch::OPENING_BYTES;
use super::{Writer, capacity};
use crate::device::table::Dirty;
use crate::frame::FRAME_BYTES;
use crate::record::encode::{DEVICE_BYTES_MAX, MARK_BYTES_MAX};
use crate::varint::VARINT_BYTES_MAX;

/// Most entries of one commit.
const BATCH_ENTRIES_MAX: usize = 1_024;
/// Most bytes of one commit, unless a single entry is larger.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Most devices of one commit.
const BATCH_DEVICES_MAX: usize = 4_096;
/// Most marks of one commit.
const BATCH_MARKS_MAX: usize = 4_096;
/// Most bytes of one step of a fan-out.
const CHUNK_BYTES_MAX: usize = FANOUT_CHUNK_RECIPIENTS * 2 * VARINT_BYTES_MAX + 64;

/// Bytes of a commit's own frames: its opening, and around devices, marks and the numbers once more with two counts.
const FRAMES_BYTES: usize = OPENING_BYTES + 3 * FRAME_BYTES + 2 * VARINT_BYTES_MAX;

/// What was taken for one commit, besides what the writer keeps itself.
pub(super) struct Taken {
    pub(super) devices: Vec<Dirty>,
    /// Most bytes the commit takes.
    pub(super) bytes: usize,
    /// How many entries still wait.
    pub(super) waiting: usize,
    /// Whether anything still waits.
    pub(super) left: bool,
}

impl Writer {
    /// Takes what fits into one commit; entries and marks into the writer's own lists.
    pub(super) fn take(&mut self, now: Instant) -> Taken {
        let chunk_bytes = if self.fanouts.is_empty() { 0 } else { CHUNK_BYTES_MAX };
        let capacity = capacity(&self.settings);
        let devices_max = BATCH_DEVICES_MAX.min(capacity / 8 / DEVICE_BYTES_MAX);
        let marks_max = BATCH_MARKS_MAX.min(capacity / 32 / MARK_BYTES_MAX);
        let fixed = FRAMES_BYTES + chunk_bytes + devices_max * DEVICE_BYTES_MAX + marks_max * MARK_BYTES_MAX;
        let bytes = BATCH_BYTES_MAX.min(capacity - fixed);
        let waiting = self.shared.queue.take(BATCH_ENTRIES_MAX, bytes, &mut self.taken);
        let marks_left = self.shared.queue.take_marks(marks_max, &mut self.marks);
        let (devices, devices_left) = self.shared.devices.take(devices_max);
        if devices_left {
            self.shared.queue.devices_due(now);
        }
        let bytes = self.taken.iter().map(|queued| queued.cost).sum::<usize>()
            + FRAMES_BYTES
            + chunk_bytes
            + devices.len() * DEVICE_BYTES_MAX
            + self.marks.len() * MARK_BYTES_MAX;
        Taken {
            devices,
            bytes,
            waiting,
            left: waiting > 0 || devices_left || marks_left,
        }
    }
}
