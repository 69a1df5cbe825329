//! Asks the store from threads that may block, with a time limit, on a small runtime of its own.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use object_store::Error;
use tokio::runtime::Runtime;

use super::ColdError;

/// How much later than the time limit an answer is still taken.
const GRACE: Duration = Duration::from_millis(250);
/// How often somebody who waits looks whether everything ends.
const LOOK: Duration = Duration::from_millis(20);
/// Most threads on which a store in a folder waits for its disk.
const BLOCKING_MAX: usize = 16;
/// Most characters of what a store says of its trouble.
const WORDS_MAX: usize = 300;

/// The runtime that speaks with the store.
pub(super) struct Calls {
    /// There until this is dropped.
    runtime: Option<Runtime>,
}

impl Calls {
    pub(super) fn start() -> io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).max_blocking_threads(BLOCKING_MAX);
        let runtime = builder.thread_name("archive-cold-io").enable_all().build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Waits for an answer, at most as long as the limit, and not at all once `stop` says so.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        stop: Option<&AtomicBool>,
        asking: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, ColdError> {
        let runtime = self.runtime.as_ref().expect("it is taken only by the drop");
        let (answer, answered) = sync_channel(1);
        let task = runtime.spawn(async move {
            // Who does not wait any more needs no answer.
            let _ = answer.send(tokio::time::timeout(limit, asking).await);
        });
        let end = Instant::now() + limit + GRACE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let pause = if stop.is_some() { left.min(LOOK) } else { left };
            match answered.recv_timeout(pause) {
                Ok(Ok(result)) => return result.map_err(trouble),
                Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return Err(late()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let stopped = stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
            if stopped || left.is_zero() {
                task.abort();
                return Err(if stopped { ColdError::Stopped } else { late() });
            }
        }
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last handle may go on a worker of another runtime, which must not wait.
            runtime.shutdown_background();
        }
    }
}

fn late() -> ColdError {
    ColdError::Unreachable("no answer in time".into())
}

fn trouble(error: Error) -> ColdError {
    match error {
        Error::NotFound { path, .. } => ColdError::Missing { object: path },
        other => {
            let words = other.to_string();
            ColdError::Unreachable(words.chars().take(WORDS_MAX).collect())
        }
    }
}
