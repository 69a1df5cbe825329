//! What the archive does for itself in the background: takes marked messages off the disk, and lets old ones go.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use godwit_model::Clock;

use crate::cold::Tier;
use crate::sealed_log::SealedLog;
use crate::settings::Settings;
use crate::writer::Shared;

mod locate;
mod retain;
mod retention;
mod rewrite;
mod trust;

pub use locate::UpkeepError;
pub(crate) use retain::{LastHalt, Retention};
pub use retain::{Retained, RetentionPlan};
pub use retention::RetentionHalt;
pub(crate) use retention::clocks_agree;
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
    pub(crate) tier: Arc<Tier>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rewriting: Rewriting,
    pub(crate) sealed_log: Arc<SealedLog>,
    pub(crate) retention: Retention,
}

/// When what is due next.
struct Plan {
    every: [Duration; 2],
    due: [Instant; 2],
}

impl Plan {
    fn new(every: [Duration; 2]) -> Self {
        let now = Instant::now();
        Self {
            every,
            due: every.map(|delay| now + delay),
        }
    }

    fn next(&self) -> Duration {
        let [one, other] = self.due;
        one.min(other).saturating_duration_since(Instant::now())
    }

    /// Which of them are due now; each is due again a while after.
    fn take(&mut self) -> [bool; 2] {
        let now = Instant::now();
        let taken = self.due.map(|due| due <= now);
        for (at, taken) in taken.iter().enumerate() {
            if *taken {
                self.due[at] = now + self.every[at];
            }
        }
        taken
    }
}

impl Upkeep {
    /// Starts the thread.
    pub(crate) fn start(desk: Desk, settings: &Settings) -> io::Result<Self> {
        let mut plan = Plan::new([settings.rewrite_delay, settings.retention_delay]);
        let desk = Arc::new(Mutex::new(desk));
        let signal = Arc::new(Signal::default());
        let (own_desk, own_signal) = (Arc::clone(&desk), Arc::clone(&signal));
        let thread = std::thread::Builder::new()
            .name("archive-upkeep".into())
            .spawn(move || {
                while own_signal.rest(plan.next()) {
                    let [rewrite, retain] = plan.take();
                    lock(&own_desk).look(rewrite, retain);
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
    fn look(&mut self, rewrite: bool, retain: bool) {
        if rewrite && let Err(error) = self.rewrite_due() {
            tracing::warn!(%error, "messages that were taken back are still on the disk; it is tried again");
        }
        if retain && let Err(error) = self.retain(false) {
            tracing::warn!(%error, "messages that were kept long enough could not be dropped; it is tried again");
        }
    }
}
