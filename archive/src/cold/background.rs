//! The thread that moves segments into the store: apart from all others, because a store may take its time.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::mover::{Cooled, Mover};
use crate::upkeep::UpkeepError;

/// The thread, and its work for those who do not want to wait for it.
pub(crate) struct Cooling {
    mover: Option<Arc<Mutex<Mover>>>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Bell {
    closing: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread; without a store there is none.
pub(crate) fn start(mover: Option<Mover>) -> io::Result<Cooling> {
    let bell = Arc::new(Bell::default());
    let delay = mover.as_ref().map(|mover| mover.store.settings().check_delay);
    let mover = mover.map(|mover| Arc::new(Mutex::new(mover)));
    let thread = match (mover.clone(), delay) {
        (Some(mover), Some(delay)) => {
            let bell = Arc::clone(&bell);
            let run = move || run(&mover, &bell, delay);
            Some(std::thread::Builder::new().name("archive-cold".into()).spawn(run)?)
        }
        _ => None,
    };
    Ok(Cooling { mover, bell, thread })
}

fn run(mover: &Mutex<Mover>, bell: &Bell, delay: Duration) {
    while bell.rest(delay) {
        match lock(mover).pass() {
            Err(error) if !bell.closing.load(Ordering::Relaxed) => {
                tracing::warn!(%error, "old segments could not all be moved or deleted; it is tried again");
            }
            _ => {}
        }
    }
}

impl Bell {
    /// Waits for the next pass; `false` if there will be none.
    fn rest(&self, delay: Duration) -> bool {
        let open = |(): &mut ()| !self.closing.load(Ordering::Relaxed);
        let waited = self.changed.wait_timeout_while(lock(&self.lock), delay, open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        !self.closing.load(Ordering::Relaxed)
    }
}

impl Cooling {
    /// Who does one pass on its own thread; `None` without a store.
    pub(crate) fn work(&self) -> Option<impl FnOnce() -> Result<Cooled, UpkeepError> + use<>> {
        let mover = self.mover.clone()?;
        Some(move || lock(&mover).pass())
    }

    /// Ends the thread. What it is at is given up, and begun anew by the next start.
    pub(crate) fn close(&mut self) {
        {
            // So that nobody misses it between looking and waiting.
            let _lock = lock(&self.bell.lock);
            self.bell.closing.store(true, Ordering::Relaxed);
        }
        self.bell.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It holds nothing that a panic could leave half done.
            let _ = thread.join();
        }
    }
}
