//! Pays the jobs of one vendor: takes those that are due, tries them side by side, and keeps what became of them. Each
//! vendor has a drain of its own, so that a slow one holds up nobody else.

use std::sync::Arc;
use std::time::Duration;

use godwit_push::VendorName;
use godwit_registry::Settlement;
use tokio::sync::{Semaphore, mpsc};

use super::Desk;
use crate::Dispatcher;

/// For how long a job is taken: longer than any vendor's timeout, and a lane's turn before it.
const LEASE_MS: u64 = 60_000;
/// Most jobs taken at once.
const CLAIM_MAX: usize = 128;
/// Longest sleep while jobs may become due.
const SLEEP_MAX: Duration = Duration::from_millis(500);
/// How long outcomes are gathered for one transaction.
const GATHER: Duration = Duration::from_millis(5);
/// Outcomes of one transaction.
const SETTLE_MAX: usize = 256;
/// How long to wait for a store that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pays for as long as the platform runs.
pub(super) async fn drain(dispatcher: Dispatcher, desk: Arc<Desk>, vendor: VendorName) {
    let (settle, settlements) = mpsc::channel(SETTLE_MAX);
    let keeper = tokio::spawn(keep(dispatcher.clone(), Arc::clone(&desk), vendor, settlements));
    let _keeper = AbortOnDrop(keeper);
    let room = Arc::new(Semaphore::new(desk.settings.in_flight_max));
    let name = vendor.as_str();
    loop {
        let free = room.available_permits().min(CLAIM_MAX);
        let limit = u64::try_from(free).unwrap_or_default();
        let claimed = match dispatcher.registry.claim_push_jobs(name, LEASE_MS, limit).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, vendor = name, "jobs could not be taken; trying again");
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
        };
        let took = claimed.len();
        for due in claimed {
            let permit = Arc::clone(&room).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            let (dispatcher, desk, settle) = (dispatcher.clone(), Arc::clone(&desk), settle.clone());
            tokio::spawn(async move {
                let settlement = dispatcher.attempt_push(&desk, vendor, due).await;
                // The keeper ends only with the drain, and then nobody needs it: the job is due again.
                let _ = settle.send(settlement).await;
                drop(permit);
            });
        }
        if took < free || free == 0 {
            wait(&dispatcher, &desk, name, free == 0).await;
        }
    }
}

/// Until somebody says that there is something, or the next job is due.
async fn wait(dispatcher: &Dispatcher, desk: &Desk, vendor: &str, is_full: bool) {
    if is_full {
        tokio::time::sleep(GATHER).await;
        return;
    }
    let next = dispatcher.registry.next_push_due(vendor).await.ok().flatten();
    let now_ms = dispatcher.clock.now_ms();
    let sleep = next.map_or(SLEEP_MAX, |at_ms| {
        Duration::from_millis(at_ms.saturating_sub(now_ms)).clamp(GATHER, SLEEP_MAX)
    });
    if let Some(wake) = desk.wakes.get(vendor) {
        let _ = tokio::time::timeout(sleep, wake.notified()).await;
    }
}

/// Keeps outcomes, many in one transaction.
async fn keep(
    dispatcher: Dispatcher,
    desk: Arc<Desk>,
    vendor: VendorName,
    mut settlements: mpsc::Receiver<Settlement>,
) {
    let mut batch = Vec::with_capacity(SETTLE_MAX);
    while settlements.recv_many(&mut batch, SETTLE_MAX).await > 0 {
        if batch.len() < SETTLE_MAX {
            tokio::time::sleep(GATHER).await;
            while batch.len() < SETTLE_MAX
                && let Ok(another) = settlements.try_recv()
            {
                batch.push(another);
            }
        }
        while let Err(error) = dispatcher.registry.settle_push_jobs(&batch).await {
            tracing::warn!(%error, vendor = vendor.as_str(), "what became of pushes could not be kept; trying again");
            tokio::time::sleep(PATIENCE).await;
        }
        batch.clear();
        desk.wake_all();
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
