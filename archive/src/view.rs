//! What readers see: everything durable, published as one after each commit.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::conversation_heads::dropped::Dropped;
use crate::index::Index;
use crate::index::active::ActiveIndex;
use crate::index::sealed::SealedIndex;
use crate::marks::{Marks, Sight};
use crate::seal::KeyRing;
use crate::segment::Segment;
use crate::segment::open_files::OpenFiles;
use crate::state::Heads;

/// The durable log in memory.
pub(crate) struct View {
    pub(crate) heads: Heads,
    /// The segment being written.
    pub(crate) active: ActiveIndex,
    /// Finished segments that have no file yet, ascending.
    pub(crate) sealing: Vec<Arc<ActiveIndex>>,
    /// Indexes of finished segments, ascending and apart from each other.
    pub(crate) sealed: Arc<Vec<Arc<SealedIndex>>>,
    /// What is not kept any more.
    pub(crate) dropped: Arc<Dropped>,
}

/// The finished segments as of one moment; needs no lock.
#[derive(Clone)]
pub(crate) struct Finished {
    sealing: Vec<Arc<ActiveIndex>>,
    sealed: Arc<Vec<Arc<SealedIndex>>>,
    dropped: Arc<Dropped>,
}

impl View {
    pub(crate) fn finished(&self) -> Finished {
        Finished {
            sealing: self.sealing.clone(),
            sealed: Arc::clone(&self.sealed),
            dropped: Arc::clone(&self.dropped),
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
        let no = index.range().0;
        self.sealing.retain(|waiting| waiting.segment().no != no);
        let sealed = Arc::make_mut(&mut self.sealed);
        let at = sealed.partition_point(|other| other.range().0 < no);
        sealed.insert(at, Arc::new(index));
    }

    /// Puts some indexes in the place of others that cover the same segments. `false` if those are not all there any
    /// more.
    pub(crate) fn replace_sealed(&mut self, old: &[Arc<SealedIndex>], new: Vec<Arc<SealedIndex>>) -> bool {
        let Some(first) = old.first() else { return false };
        let Some(at) = self.sealed.iter().position(|index| Arc::ptr_eq(index, first)) else {
            return false;
        };
        let there = self.sealed.get(at..at + old.len()).unwrap_or_default();
        if there.len() != old.len() || !there.iter().zip(old).all(|(one, other)| Arc::ptr_eq(one, other)) {
            return false;
        }
        Arc::make_mut(&mut self.sealed).splice(at..at + old.len(), new);
        true
    }
}

impl Finished {
    /// All of them, newest first. A segment whose index could not be written at the start may wait while later ones
    /// have theirs.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &dyn Index> {
        let (mut sealing, mut sealed) = (&self.sealing[..], &self.sealed[..]);
        std::iter::from_fn(move || match (sealing.split_last(), sealed.split_last()) {
            (Some((index, rest)), newest) if newest.is_none_or(|(other, _)| other.range() < index.range()) => {
                sealing = rest;
                Some(&**index as &dyn Index)
            }
            (_, Some((index, rest))) => {
                sealed = rest;
                Some(&**index as &dyn Index)
            }
            (_, None) => None,
        })
    }

    /// All of them, oldest first.
    pub(crate) fn oldest_first(&self) -> Vec<&dyn Index> {
        let mut all: Vec<&dyn Index> = Vec::with_capacity(self.sealed.len() + self.sealing.len());
        all.extend(self.newest_first());
        all.reverse();
        all
    }

    /// Those in memory, oldest first.
    pub(crate) fn sealing(&self) -> &[Arc<ActiveIndex>] {
        &self.sealing
    }

    /// Those in files, oldest first.
    pub(crate) fn sealed(&self) -> &[Arc<SealedIndex>] {
        &self.sealed
    }

    /// What is not kept any more.
    pub(crate) fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// When a segment gave its first number; 0 if that is not known.
    pub(crate) fn first_ms(&self, no: u64) -> u64 {
        let at = self.sealed.partition_point(|index| index.range().1 < no);
        let segments = self.sealed.get(at).map_or(&[][..], |index| index.segments());
        let found = segments.iter().find(|segment| segment.no >= no);
        found.map_or(0, |segment| {
            if segment.first_ms <= segment.last_ms {
                segment.first_ms
            } else {
                0
            }
        })
    }

    /// The finished segment with this number; `None` if there is none, or it was dropped.
    pub(crate) fn segment(&self, no: u64) -> Option<Segment> {
        if self.dropped.is_dropped(no) {
            return None;
        }
        if let Some(index) = self.sealing.iter().find(|index| index.segment().no == no) {
            return Some(index.segment().clone());
        }
        let at = self.sealed.partition_point(|index| index.range().1 < no);
        self.sealed.get(at)?.segment(no)
    }
}

/// The view behind its lock. It is never changed while the disk is waited for.
pub(crate) struct SharedView {
    view: RwLock<View>,
    /// Asked after a record was read, so that a mark made meanwhile counts.
    pub(crate) marks: Marks,
    /// Files of finished segments.
    pub(crate) files: Arc<OpenFiles>,
    /// Opens encrypted bodies.
    keys: Option<Arc<KeyRing>>,
    /// How long a page waits for a store.
    patience: Option<Duration>,
}

impl SharedView {
    pub(crate) fn new(view: View, marks: Marks, files: Arc<OpenFiles>) -> Self {
        Self {
            view: RwLock::new(view),
            marks,
            files,
            keys: None,
            patience: None,
        }
    }

    /// With keys that open encrypted bodies.
    pub(crate) fn with_keys(mut self, keys: Option<Arc<KeyRing>>) -> Self {
        self.keys = keys;
        self
    }

    /// With a bound on the time that a page waits for a store.
    pub(crate) fn with_patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// Until when a page that is begun now may wait for a store.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.patience.map(|patience| Instant::now() + patience)
    }

    pub(crate) fn keys(&self) -> Option<&KeyRing> {
        self.keys.as_deref()
    }

    /// Another file has a sealed segment's name now: readers open it anew.
    pub(crate) fn swapped(&self, no: u64) {
        self.files.swapped(no);
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
