//! Notes what is in no log. One task writes, so that numbers are seen in their order; what it cannot write waits, and
//! callers with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use godwit_registry::StoredEvent;
use tokio::sync::{mpsc, oneshot};

use super::Desk;
use crate::Dispatcher;

/// Events that wait to be written.
const WAITING_MAX: usize = 10_000;
/// Events of one transaction.
const BATCH_MAX: usize = 200;
/// How long more are waited for.
const GATHER: Duration = Duration::from_millis(2);
/// How long to wait for a store that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// An event to be written, and who waits for that.
pub(super) struct Noted {
    event: StoredEvent,
    done: Option<oneshot::Sender<()>>,
}

/// Where events wait to be written.
pub(super) struct Journal {
    sender: mpsc::Sender<Noted>,
    /// Taken by the task that writes.
    receiver: Mutex<Option<mpsc::Receiver<Noted>>>,
}

impl Default for Journal {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl Journal {
    pub(super) fn take(&self) -> Option<mpsc::Receiver<Noted>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns when it is stored.
    pub(super) async fn note(&self, event: StoredEvent) {
        let (done, stored) = oneshot::channel();
        let noted = Noted {
            event,
            done: Some(done),
        };
        if self.sender.send(noted).await.is_ok() {
            // An error is a platform that stops.
            let _ = stored.await;
        }
    }

    /// Returns at once. What finds no room is dropped and counted.
    pub(super) fn leave(&self, event: StoredEvent) {
        let kind = event.kind.clone();
        if self.sender.try_send(Noted { event, done: None }).is_err() {
            metrics::counter!("events_dropped_total", "kind" => kind).increment(1);
        }
    }
}

/// Writes for as long as the platform runs.
pub(super) async fn write(dispatcher: Dispatcher, desk: Arc<Desk>, mut noted: mpsc::Receiver<Noted>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while noted.recv_many(&mut batch, BATCH_MAX).await > 0 {
        if batch.len() < BATCH_MAX {
            tokio::time::sleep(GATHER).await;
            while batch.len() < BATCH_MAX
                && let Ok(another) = noted.try_recv()
            {
                batch.push(another);
            }
        }
        let events: Vec<StoredEvent> = batch.iter().map(|noted| noted.event.clone()).collect();
        let newest = loop {
            match dispatcher.registry.add_events(&events).await {
                Ok(newest) => break newest,
                Err(error) => {
                    tracing::warn!(%error, "events could not be noted; trying again");
                    tokio::time::sleep(PATIENCE).await;
                }
            }
        };
        desk.source.know_newest(newest);
        desk.news.notify_waiters();
        for done in batch.drain(..).filter_map(|noted| noted.done) {
            let _ = done.send(());
        }
    }
}
