//! Writes the indexes of finished segments in the background, and a checkpoint every few of them.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::SegmentIndex;
use super::active::ActiveIndex;
use super::sealed::{Opened, build, name, open};
use crate::checkpoint;
use crate::disk::Disk;
use crate::state::State;
use crate::view::SharedView;

/// Finished segments that may wait in memory; more would be memory without a bound.
const WAITING_MAX: usize = 4;
/// Seals between two checkpoints.
const CHECKPOINT_SEALS: u32 = 4;
/// How long a seal that failed waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The thread that seals.
pub(crate) struct Sealer {
    work: Option<SyncSender<Arc<ActiveIndex>>>,
    backlog: Arc<Backlog>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Backlog {
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
}

impl Backlog {
    fn lock(&self) -> MutexGuard<'_, BacklogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread works with.
pub(crate) struct SealerSetup {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) view: Arc<SharedView>,
    /// The state as of the newest sealed segment; `None` if it is not known, so that no checkpoint is written.
    pub(crate) state: Option<State>,
    /// Finished segments that have no file yet, ascending.
    pub(crate) unsealed: Vec<Arc<ActiveIndex>>,
}

impl Sealer {
    pub(crate) fn start(setup: SealerSetup) -> io::Result<Self> {
        let backlog = Arc::new(Backlog::default());
        let (work, queue) = sync_channel(setup.unsealed.len() + WAITING_MAX);
        backlog.lock().waiting = setup.unsealed.len();
        for index in &setup.unsealed {
            // The channel has room for all of them.
            let _ = work.send(Arc::clone(index));
        }
        let mut desk = Desk {
            disk: setup.disk,
            view: setup.view,
            state: setup.state,
            seals: 0,
            backlog: Arc::clone(&backlog),
        };
        let thread = std::thread::Builder::new()
            .name("archive-seal".into())
            .spawn(move || desk.run(&queue))?;
        Ok(Self {
            work: Some(work),
            backlog,
            thread: Some(thread),
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
    }
}

struct Desk {
    disk: Arc<dyn Disk>,
    view: Arc<SharedView>,
    state: Option<State>,
    seals: u32,
    backlog: Arc<Backlog>,
}

impl Desk {
    fn run(&mut self, queue: &Receiver<Arc<ActiveIndex>>) {
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
            drop(state);
            self.backlog.changed.notify_all();
            self.checkpoint(&index);
        }
    }

    fn seal(&self, index: &ActiveIndex) -> io::Result<()> {
        let sealed = write(&*self.disk, index)?;
        self.view.write().replace_sealing(sealed.index);
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

    fn checkpoint(&mut self, index: &ActiveIndex) {
        let Some(state) = &mut self.state else { return };
        state.merge(index.delta());
        self.seals += 1;
        if !self.seals.is_multiple_of(CHECKPOINT_SEALS) {
            return;
        }
        // Those made since are durable as well; those whose segments were rewritten are done with.
        state.marks = self.view.marks.outstanding();
        if let Err(error) = checkpoint::write(&*self.disk, index.segment().no, state) {
            tracing::warn!(%error, "no checkpoint was written; a start adds up more segments until the next");
        }
    }
}

/// Writes a segment's index and opens it.
pub(crate) fn write(disk: &dyn Disk, index: &ActiveIndex) -> io::Result<Opened> {
    let no = index.segment().no;
    let file = name(no);
    checkpoint::replace(disk, &format!("{file}.tmp"), &file, &build::encode(index))?;
    open(disk, no)?.ok_or_else(|| io::Error::other("the index just written does not read back"))
}
