//! What keeps a start short, the indexes few, and the folder bounded: checkpoints, merged indexes, dropped segments.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::checkpoint::{self, Checkpoint};
use crate::conversation_heads::dropped;
use crate::disk::Disk;
use crate::index::Index;
use crate::index::mender::Damages;
use crate::index::sealed::{self, SealedIndex};
use crate::segment;
use crate::settings::Settings;
use crate::sorted::stream::MergeError;
use crate::view::SharedView;

mod mend;

/// Levels above that of a single segment: with a fan-in of 8 they cover 8, 64 and 512 segments.
const LEVELS: u8 = 3;

/// Segments sealed between two checkpoints.
const CHECKPOINT_SEGMENTS: u64 = 8;

/// The sealed part of the log.
pub(crate) struct SealedLog {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) view: Arc<SharedView>,
    /// How many indexes become one; fewer than two is never.
    fan_in: usize,
    /// The last checkpoint. Locked while the next one is written.
    checkpoint: Mutex<Option<Checkpoint>>,
    /// Held while files of indexes are swapped or dropped, so that one is not in the way of the other.
    changing: Mutex<()>,
    /// Indexes to be built again.
    pub(crate) damages: Damages,
    /// Most bytes of the filters of duplicate keys.
    filter_bytes_max: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SealedLog {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        view: Arc<SharedView>,
        settings: &Settings,
        checkpoint: Option<Checkpoint>,
    ) -> Self {
        Self {
            disk,
            view,
            fan_in: settings.index_fan_in,
            checkpoint: Mutex::new(checkpoint),
            changing: Mutex::default(),
            damages: Damages::default(),
            filter_bytes_max: settings.duplicate_filter_bytes_max,
        }
    }

    /// Writes a checkpoint that covers every segment up to the first one without a file.
    pub(crate) fn checkpoint(&self) -> Result<(), MergeError> {
        let mut last = lock(&self.checkpoint);
        let finished = self.view.read().finished();
        let end = finished.sealing().first().map_or(u64::MAX, |index| index.range().0);
        let covered = last.as_ref().map_or(0, |checkpoint| checkpoint.covers);
        // A range that the last checkpoint covers in part may be added again: all it says is as of its end.
        let since = finished.sealed().iter();
        let since: Vec<_> = since
            .filter(|index| index.range().1 > covered && index.range().1 < end)
            .cloned()
            .collect();
        let written = checkpoint::write(&*self.disk, last.as_ref(), &since, &self.view.marks)?;
        if written.is_some() {
            *last = written;
        }
        Ok(())
    }

    /// Whether enough was sealed since the last checkpoint.
    pub(crate) fn checkpoint_is_due(&self) -> bool {
        let covered = lock(&self.checkpoint)
            .as_ref()
            .map_or(0, |checkpoint| checkpoint.covers);
        let finished = self.view.read().finished();
        let newest = finished.sealed().last().map_or(0, |index| index.range().1);
        newest >= covered + CHECKPOINT_SEGMENTS
    }

    /// The indexes that are to become one next.
    pub(crate) fn due(&self) -> Option<Vec<Arc<SealedIndex>>> {
        if self.fan_in < 2 {
            return None;
        }
        let finished = self.view.read().finished();
        let mut run: Vec<Arc<SealedIndex>> = Vec::new();
        for index in finished.sealed() {
            if run.first().is_some_and(|first| first.level() != index.level()) {
                run.clear();
            }
            if index.level() < LEVELS {
                run.push(Arc::clone(index));
            }
            if run.len() == self.fan_in {
                return Some(run);
            }
        }
        None
    }

    /// Makes one index of several. The new file is durable before the old ones go.
    pub(crate) fn merge(&self, inputs: &[Arc<SealedIndex>], go_on: &dyn Fn() -> bool) -> Result<(), MergeError> {
        let newest = self.view.read().finished();
        let now_ms = newest.sealed().last().map_or(0, |index| index.last_ms());
        let range = sealed::merge::write(&*self.disk, inputs, (now_ms, &self.view.marks), go_on)?;
        let merged = sealed::open(&*self.disk, &self.view.files, range)?;
        let merged = merged.ok_or_else(|| io::Error::other("the index just written does not read back"))?;
        let _changing = lock(&self.changing);
        if !self.view.write().replace_sealed(inputs, vec![Arc::new(merged)]) {
            // Some of it was dropped meanwhile.
            self.disk.remove(&sealed::name(range))?;
            return Ok(());
        }
        metrics::counter!("archive_index_merges_total").increment(1);
        for index in inputs {
            self.disk.remove(&index.name())?;
        }
        Ok(())
    }

    /// Gives back the memory of filters whose keys are too old to be asked for, and of the oldest ones beyond the bound.
    pub(crate) fn bound_filters(&self) {
        sealed::bound_filters(self.view.read().finished().sealed(), self.filter_bytes_max);
    }

    /// Has a damaged index built again in the background. Its file goes at once, so that the next start builds it
    /// where there is none before.
    pub(crate) fn damaged(&self, segment: u64) {
        if !self.damages.report(segment) {
            return;
        }
        tracing::error!(segment, "an index is damaged and is built again");
        let finished = self.view.read().finished();
        let holds = |index: &&Arc<SealedIndex>| (index.range().0..=index.range().1).contains(&segment);
        if let Some(index) = finished.sealed().iter().find(holds) {
            // If it cannot be removed, the next reader tries again.
            let _ = self.disk.remove(&index.name());
        }
    }

    /// Drops all segments below `no`, as far as they may go: a segment that is not sealed stays, and so does one with
    /// a fan-out that is not finished. Answers the lowest segment that is kept.
    pub(crate) fn drop_before(&self, no: u64) -> Result<u64, MergeError> {
        let end = self.droppable_end().min(no);
        if end <= self.view.read().dropped.lowest {
            return Ok(self.view.read().dropped.lowest);
        }
        // Heads of accounts are in checkpoints alone from now on, so there must be two of them.
        for _ in 0..2 {
            if checkpoint::twice_covered(&*self.disk)? < end - 1 {
                self.checkpoint()?;
            }
        }
        let covered = checkpoint::twice_covered(&*self.disk)?;
        let _changing = lock(&self.changing);
        let finished = self.view.read().finished();
        let end = end.min(covered + 1);
        if end <= finished.dropped().lowest {
            return Ok(finished.dropped().lowest);
        }
        let whole: Vec<_> = finished
            .sealed()
            .iter()
            .filter(|index| index.range().1 < end)
            .cloned()
            .collect();
        let dropped = dropped::write(&*self.disk, finished.dropped(), &whole, end)?;
        {
            let mut view = self.view.write();
            view.dropped = Arc::new(dropped);
            Arc::make_mut(&mut view.sealed).retain(|index| index.range().1 >= end);
        }
        self.remove_below(end, &whole, finished.sealed())?;
        Ok(end)
    }

    /// The first segment that must stay.
    pub(crate) fn droppable_end(&self) -> u64 {
        let finished = self.view.read().finished();
        let waiting = finished.sealing().first().map_or(u64::MAX, |index| index.range().0);
        let sealed = finished.sealed().iter().rev().find(|index| index.range().1 < waiting);
        let Some(sealed) = sealed else { return 0 };
        let intents = sealed.standing().fanouts.iter();
        let intents = intents.map(|mark| mark.intent.segment).min().unwrap_or(u64::MAX);
        intents.min(sealed.range().1 + 1)
    }

    fn remove_below(&self, end: u64, whole: &[Arc<SealedIndex>], all: &[Arc<SealedIndex>]) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        let segments = all.iter().flat_map(|index| index.segments());
        for segment in segments.filter(|segment| segment.no < end) {
            gone(self.disk.remove(&segment::name(segment.no)))?;
            self.view.files.swapped(segment.no);
        }
        for index in whole {
            gone(self.disk.remove(&index.name()))?;
        }
        self.disk.sync_directory()
    }
}
