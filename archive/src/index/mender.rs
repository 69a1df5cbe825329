//! Builds damaged indexes again in the background, so that nobody waits for the next start.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::sealed_log::SealedLog;

/// How long building again rests after it failed, most likely on a full disk.
const RETRY: Duration = Duration::from_secs(10);

/// Damages that were met and are not mended yet.
#[derive(Default)]
pub(crate) struct Damages {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Each by a segment that its index covers.
    waiting: BTreeSet<u64>,
    closing: bool,
}

impl Damages {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An index that covers this segment is damaged. `false` if that is known.
    pub(crate) fn report(&self, segment: u64) -> bool {
        let is_news = self.lock().waiting.insert(segment);
        self.changed.notify_all();
        is_news
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// The next one, which stays among them; `None` once everything ends.
    fn next(&self) -> Option<u64> {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.closing;
        let state = self.changed.wait_while(self.lock(), idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.waiting.first().copied().filter(|_| !state.closing)
    }

    fn mended(&self, segment: u64) {
        self.lock().waiting.remove(&segment);
    }

    fn rest(&self) {
        let open = |state: &mut State| !state.closing;
        let _ = self.changed.wait_timeout_while(self.lock(), RETRY, open);
    }
}

/// The thread that mends.
pub(super) struct Mender {
    sealed_log: Arc<SealedLog>,
    thread: Option<JoinHandle<()>>,
}

impl Mender {
    pub(super) fn start(sealed_log: Arc<SealedLog>) -> io::Result<Self> {
        let own = Arc::clone(&sealed_log);
        let thread = std::thread::Builder::new()
            .name("archive-mend".into())
            .spawn(move || run(&own))?;
        Ok(Self {
            sealed_log,
            thread: Some(thread),
        })
    }
}

impl Drop for Mender {
    fn drop(&mut self) {
        let damages = &self.sealed_log.damages;
        damages.lock().closing = true;
        damages.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What was not mended is built again by the next start.
            let _ = thread.join();
        }
    }
}

fn run(sealed_log: &SealedLog) {
    let damages = &sealed_log.damages;
    while let Some(segment) = damages.next() {
        match sealed_log.mend(segment) {
            Ok(()) => damages.mended(segment),
            Err(error) => {
                tracing::error!(segment, %error, "a damaged index could not be built again; it is tried again");
                damages.rest();
            }
        }
    }
}
