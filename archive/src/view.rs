//! What readers see: everything durable, published as one after each commit.

use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::disk::Disk;
use crate::index::SegmentIndex;
use crate::index::active::ActiveIndex;
use crate::index::sealed::{self, SealedIndex};
use crate::marks::{Marks, Sight};
use crate::segment::Segment;
use crate::state::Heads;

/// The durable log in memory.
pub(crate) struct View {
    pub(crate) heads: Heads,
    /// The segment being written.
    pub(crate) active: ActiveIndex,
    /// Finished segments that have no file yet, ascending.
    pub(crate) sealing: Vec<Arc<ActiveIndex>>,
    /// Finished segments, ascending.
    pub(crate) sealed: Arc<Vec<Arc<SealedIndex>>>,
}

/// The finished segments as of one moment; needs no lock.
#[derive(Clone)]
pub(crate) struct Finished {
    sealing: Vec<Arc<ActiveIndex>>,
    sealed: Arc<Vec<Arc<SealedIndex>>>,
}

impl View {
    pub(crate) fn finished(&self) -> Finished {
        Finished {
            sealing: self.sealing.clone(),
            sealed: Arc::clone(&self.sealed),
        }
    }

    /// Makes the active segment a finished one.
    pub(crate) fn roll(&mut self, next: ActiveIndex) -> Arc<ActiveIndex> {
        let finished = Arc::new(std::mem::replace(&mut self.active, next));
        self.sealing.push(Arc::clone(&finished));
        finished
    }

    /// The segment that is being written.
    pub(crate) fn active_no(&self) -> u64 {
        self.active.segment().no
    }

    /// Whether a segment is finished and has no file for its index yet.
    pub(crate) fn is_sealing(&self, no: u64) -> bool {
        self.sealing.iter().any(|index| index.segment().no == no)
    }

    /// Puts a file's index in the place of the one in memory.
    pub(crate) fn replace_sealing(&mut self, index: SealedIndex) {
        let no = index.segment().no;
        self.sealing.retain(|waiting| waiting.segment().no != no);
        let sealed = Arc::make_mut(&mut self.sealed);
        let at = sealed.partition_point(|other| other.segment().no < no);
        sealed.insert(at, Arc::new(index));
    }
}

impl Finished {
    /// All of them, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &dyn SegmentIndex> {
        let sealing = self.sealing.iter().rev().map(|index| &**index as &dyn SegmentIndex);
        sealing.chain(self.sealed.iter().rev().map(|index| &**index as &dyn SegmentIndex))
    }

    /// The finished segment with this number.
    pub(crate) fn segment(&self, no: u64) -> Option<&Segment> {
        if let Some(index) = self.sealing.iter().find(|index| index.segment().no == no) {
            return Some(index.segment());
        }
        let at = self.sealed.binary_search_by_key(&no, |index| index.segment().no).ok()?;
        Some(self.sealed[at].segment())
    }
}

/// The view behind its lock. The writer alone changes it, and never while it waits for the disk.
pub(crate) struct SharedView {
    view: RwLock<View>,
    /// Asked after a record was read, so that a mark made meanwhile counts.
    pub(crate) marks: Marks,
}

impl SharedView {
    pub(crate) fn new(view: View, marks: Marks) -> Self {
        Self {
            view: RwLock::new(view),
            marks,
        }
    }

    /// Another file has a sealed segment's name now: readers open it anew.
    pub(crate) fn swapped(&self, disk: &dyn Disk, no: u64) -> io::Result<()> {
        let opened = sealed::open(disk, no)?.ok_or_else(|| io::Error::other("a sealed index does not read back"))?;
        let mut view = self.write();
        let list = Arc::make_mut(&mut view.sealed);
        if let Ok(at) = list.binary_search_by_key(&no, |index| index.segment().no) {
            list[at] = Arc::new(opened.index);
        }
        Ok(())
    }

    /// How records look now.
    pub(crate) fn sight(&self, now_ms: u64) -> Sight<'_> {
        Sight {
            marks: &self.marks,
            now_ms,
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}
