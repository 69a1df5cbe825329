//! Writes the indexes of finished segments in the background, and a checkpoint every few of them.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Index;
use super::active::ActiveIndex;
use super::mender::Mender;
use super::merger::Merger;
use super::sealed::{SealedIndex, build, open};
use crate::disk::Disk;
use crate::query::ReadError;
use crate::sealed_log::SealedLog;
use crate::segment::open_files::OpenFiles;

/// Finished segments that may wait in memory; more would be memory without a bound.
const WAITING_MAX: usize = 4;
/// How long a seal that failed waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The thread that seals.
pub(crate) struct Sealer {
    work: Option<SyncSender<Arc<ActiveIndex>>>,
    backlog: Arc<Backlog>,
    thread: Option<JoinHandle<()>>,
    merger: Option<Merger>,
    mender: Option<Mender>,
    sealed_log: Arc<SealedLog>,
}

/// What waits to be sealed.
#[derive(Default)]
pub(super) struct Backlog {
    state: Mutex<BacklogState>,
    changed: Condvar,
}

#[derive(Default)]
struct BacklogState {
    waiting: usize,
    /// The last try failed.
    stalled: bool,
    /// Somebody wants it tried again now.
    hurry: bool,
    closing: bool,
    /// How many were sealed.
    seals: u64,
}

impl Backlog {
    fn lock(&self) -> MutexGuard<'_, BacklogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while segments wait to be sealed, unless that is held up. `false` once everything ends.
    pub(super) fn give_way(&self) -> bool {
        let busy = |state: &mut BacklogState| state.waiting > 0 && !state.stalled && !state.closing;
        let state = self.changed.wait_while(self.lock(), busy);
        !state.unwrap_or_else(PoisonError::into_inner).closing
    }

    /// Waits until more than `seals` were sealed, and says how many; `None` once everything ends.
    pub(super) fn next_seal(&self, seals: u64) -> Option<u64> {
        let idle = |state: &mut BacklogState| state.seals <= seals && !state.closing;
        let state = self.changed.wait_while(self.lock(), idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        (!state.closing).then_some(state.seals)
    }
}

impl Sealer {
    /// Starts the thread; `unsealed` are finished segments that have no file yet, ascending.
    pub(crate) fn start(sealed_log: Arc<SealedLog>, unsealed: &[Arc<ActiveIndex>]) -> io::Result<Self> {
        let backlog = Arc::new(Backlog::default());
        let (work, queue) = sync_channel(unsealed.len() + WAITING_MAX);
        backlog.lock().waiting = unsealed.len();
        for index in unsealed {
            // The channel has room for all of them.
            let _ = work.send(Arc::clone(index));
        }
        let merger = Merger::start(Arc::clone(&sealed_log), Arc::clone(&backlog))?;
        let mender = Mender::start(Arc::clone(&sealed_log))?;
        let desk = Desk {
            sealed_log: Arc::clone(&sealed_log),
            backlog: Arc::clone(&backlog),
        };
        let thread = std::thread::Builder::new()
            .name("archive-seal".into())
            .spawn(move || desk.run(&queue))?;
        Ok(Self {
            work: Some(work),
            backlog,
            thread: Some(thread),
            merger: Some(merger),
            mender: Some(mender),
            sealed_log,
        })
    }

    /// Waits until one more segment may be handed over. `false` while seals fail, most likely on a full disk.
    pub(crate) fn has_room(&self) -> bool {
        let mut state = self.backlog.lock();
        state.hurry = state.stalled;
        self.backlog.changed.notify_all();
        while state.waiting >= WAITING_MAX {
            // A thread that ended will not make room.
            if state.stalled || self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                return false;
            }
            let waited = self.backlog.changed.wait_timeout(state, RETRY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Has an index built again if that is why something could not be read.
    pub(crate) fn report(&self, error: &ReadError) {
        if let ReadError::IndexDamaged { segment } = error {
            self.sealed_log.damaged(*segment);
        }
    }

    /// Hands over a finished segment.
    pub(crate) fn seal(&self, index: Arc<ActiveIndex>) {
        self.backlog.lock().waiting += 1;
        if let Some(work) = &self.work {
            // The thread ends only after this end of the channel.
            let _ = work.send(index);
        }
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.work = None;
        self.backlog.lock().closing = true;
        self.backlog.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it did not finish is built again at the next start.
            let _ = thread.join();
        }
        self.merger = None;
        self.mender = None;
    }
}

struct Desk {
    sealed_log: Arc<SealedLog>,
    backlog: Arc<Backlog>,
}

impl Desk {
    fn run(&self, queue: &Receiver<Arc<ActiveIndex>>) {
        while let Ok(index) = queue.recv() {
            while let Err(error) = self.seal(&index) {
                tracing::error!(segment = index.segment().no, %error, "a segment's index could not be written");
                if !self.pause() {
                    return;
                }
            }
            let mut state = self.backlog.lock();
            state.waiting -= 1;
            state.stalled = false;
            state.seals += 1;
            drop(state);
            self.backlog.changed.notify_all();
            if self.sealed_log.checkpoint_is_due()
                && let Err(error) = self.sealed_log.checkpoint()
            {
                tracing::warn!(
                    ?error,
                    "no checkpoint was written; a start adds up more segments until the next"
                );
            }
        }
    }

    fn seal(&self, index: &ActiveIndex) -> io::Result<()> {
        let sealed = write(&*self.sealed_log.disk, &self.sealed_log.view.files, index)?;
        self.sealed_log.view.write().replace_sealing(sealed);
        Ok(())
    }

    /// Waits before another try; `false` if there will be none.
    fn pause(&self) -> bool {
        let mut state = self.backlog.lock();
        state.stalled = true;
        state.hurry = false;
        self.backlog.changed.notify_all();
        let idle = |state: &mut BacklogState| !state.closing && !state.hurry;
        let waited = self.backlog.changed.wait_timeout_while(state, RETRY, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.hurry = false;
        !state.closing
    }
}

/// Writes a segment's index and opens it.
pub(crate) fn write(disk: &dyn Disk, files: &Arc<OpenFiles>, index: &ActiveIndex) -> io::Result<SealedIndex> {
    build::write(disk, index)?;
    open(disk, files, index.range())?.ok_or_else(|| io::Error::other("the index just written does not read back"))
}
