//! The life and end of what is stored: taken back, expired, kept long enough.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use godwit_model::ServerId;
use tokio::sync::oneshot;

use super::Archive;
use crate::cold::{ColdStats, Cooled};
use crate::entry::{AppendError, Entry, Pending, Saved};
use crate::query::ReadError;
use crate::record::{GoneReason, Record};
use crate::segments::{self, SegmentInfo};
use crate::sorted::stream::MergeError;
use crate::upkeep::{Retained, RetentionHalt, RetentionPlan, Upkeep, UpkeepError};
use crate::writer::queue::QueuedMark;

impl Archive {
    /// A record that was read or announced before, as it may be shown now: without its content if it was taken back or
    /// has expired meanwhile. Never waits for the disk.
    pub fn show(&self, record: &Arc<Record>) -> Arc<Record> {
        match self.0.shared.view.sight(self.now_ms()).gone(record) {
            Some(reason) => Arc::new(Record::clone(record).without_body(reason)),
            None => Arc::clone(record),
        }
    }

    /// Takes a message back. Once the answer says so, no reader sees its content any more, whatever happens; the
    /// bytes leave the disk when its segment is rewritten. The first reason stays: a message that is gone already,
    /// or never was, is answered with success.
    ///
    /// # Errors
    /// [`AppendError::Overloaded`] if too much waits. A reason that no mark can state is taken for an erasure.
    pub fn mark(&self, id: ServerId, reason: GoneReason) -> Result<Saved, AppendError> {
        if !self.0.shared.view.marks.has_room(1) {
            return Err(AppendError::Overloaded);
        }
        let reason = if reason.is_mark() { reason } else { GoneReason::Erased };
        let (reply, answer) = oneshot::channel();
        self.0.shared.queue.push_mark(QueuedMark { id, reason, reply })?;
        metrics::counter!("archive_marks_total").increment(1);
        Ok(Saved(answer))
    }

    /// Takes a message back as [`Archive::mark`] does and stores the notice that tells of it, both in one commit: after a
    /// crash there are both of them or neither. The answer is that of the notice, and with one that was stored before
    /// the message is taken back all the same.
    ///
    /// # Errors
    /// As [`Archive::append`] and [`Archive::mark`]; then neither was kept.
    pub fn withdraw(&self, id: ServerId, reason: GoneReason, notice: Entry) -> Result<Pending, AppendError> {
        if !self.0.shared.view.marks.has_room(1) {
            return Err(AppendError::Overloaded);
        }
        let reason = if reason.is_mark() { reason } else { GoneReason::Erased };
        let pending = self.queue(notice, Some((id, reason)))?;
        metrics::counter!("archive_marks_total").increment(1);
        Ok(pending)
    }

    /// Takes every message that was taken back off the disk now, rather than in its time. Says how many segments were
    /// rewritten. Blocks on the disk, and finishes the active segment early if it holds such a message.
    ///
    /// # Errors
    /// What was not done is found and done later.
    pub fn rewrite_now(&self) -> Result<usize, UpkeepError> {
        self.upkeep().desk().rewrite_now()
    }

    /// One pass of retention now, rather than within [`crate::Settings::retention_delay`]. `approved` is an operator's
    /// word that the clock is right and that much may go. Blocks on the disk.
    ///
    /// # Errors
    /// What was not dropped is dropped later.
    pub fn retain_now(&self, approved: bool) -> Result<Retained, UpkeepError> {
        self.upkeep().desk().retain(approved)
    }

    /// One pass of the cold tier now, rather than within [`crate::ColdSettings::check_delay`]: deletes from the store what
    /// is owed, and moves what is old enough. Does nothing without a store. Blocks on the disk and the store.
    ///
    /// # Errors
    /// What was not done is done later.
    pub fn cool_now(&self) -> Result<Cooled, UpkeepError> {
        let work = self.0.cooling.lock().unwrap_or_else(PoisonError::into_inner).work();
        work.map_or(Ok(Cooled::default()), |work| work())
    }

    /// What the store holds. Without settings of a store it is what cannot be read.
    pub fn cold(&self) -> ColdStats {
        self.0.tier.stats()
    }

    /// What [`Archive::retain_now`] would do with an operator's approval, and why it does not without.
    pub fn retention_plan(&self) -> RetentionPlan {
        self.upkeep().desk().plan()
    }

    /// Why the last pass of retention dropped nothing although something should be.
    pub fn retention_halt(&self) -> Option<RetentionHalt> {
        *self.0.retention_halt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether appends are refused because the disk has no room. Looked at again every second, used or not.
    pub fn is_full(&self) -> bool {
        self.0.shared.full.load(Ordering::Relaxed)
    }

    fn upkeep(&self) -> MutexGuard<'_, Upkeep> {
        self.0.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All segments that are kept, oldest first; the last one is being written.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        segments::list(&self.0.shared.view, self.0.settings.segment_bytes)
    }

    /// Drops all segments below `no`, as far as they may go: those that are not sealed yet stay, and from the first one
    /// with a fan-out that is not finished on. What was numbered in them is below the floor from then on, and numbers
    /// go on as before. Answers the lowest segment that is kept. Blocks on the disk.
    pub fn drop_before(&self, no: u64) -> Result<u64, ReadError> {
        // A rewriting under way must not bring a dropped segment back.
        let upkeep = self.upkeep();
        let _desk = upkeep.desk();
        self.0.sealed_log.drop_before(no).map_err(|error| match error {
            MergeError::Disk(error) => ReadError::Disk(error),
            MergeError::Damaged(_) => ReadError::Disk(std::io::Error::other("an index to be dropped is damaged")),
            MergeError::Stopped => ReadError::Disk(std::io::ErrorKind::Interrupted.into()),
        })
    }
}
