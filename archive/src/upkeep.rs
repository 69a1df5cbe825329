//! What the archive does for itself in the background: takes marked messages off the disk.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use godwit_model::Clock;

use crate::disk::Disk;
use crate::writer::Shared;

mod locate;
mod rewrite;

pub use locate::UpkeepError;
pub(crate) use rewrite::Rewriting;

/// The thread, and the desk it shares with those who do not want to wait for it.
pub(crate) struct Upkeep {
    desk: Arc<Mutex<Desk>>,
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Signal {
    closing: Mutex<bool>,
    changed: Condvar,
}

/// What upkeep works with.
pub(crate) struct Desk {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rewriting: Rewriting,
}

impl Upkeep {
    /// Starts the thread; it looks every `delay`.
    pub(crate) fn start(desk: Desk, delay: Duration) -> io::Result<Self> {
        let desk = Arc::new(Mutex::new(desk));
        let signal = Arc::new(Signal::default());
        let (own_desk, own_signal) = (Arc::clone(&desk), Arc::clone(&signal));
        let thread = std::thread::Builder::new()
            .name("archive-upkeep".into())
            .spawn(move || {
                while own_signal.rest(delay) {
                    lock(&own_desk).look();
                }
            })?;
        Ok(Self {
            desk,
            signal,
            thread: Some(thread),
        })
    }

    /// The desk; whoever holds it keeps the thread waiting.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.desk)
    }

    /// Ends the thread once it has finished what it is at. The writer must have ended before.
    pub(crate) fn close(&mut self) {
        *lock(&self.signal.closing) = true;
        self.signal.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it did not finish is found again at the next start.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Signal {
    /// Waits for the next look; `false` if there will be none.
    fn rest(&self, delay: Duration) -> bool {
        let open = |closing: &mut bool| !*closing;
        let waited = self.changed.wait_timeout_while(lock(&self.closing), delay, open);
        let (closing, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !*closing
    }
}

impl Desk {
    fn look(&mut self) {
        if let Err(error) = self.rewrite_due() {
            tracing::warn!(%error, "messages that were taken back are still on the disk; it is tried again");
        }
    }
}
