//! Pays the jobs of one vendor: takes those that are due, tries them side by side, and keeps what became of them. Each
//! vendor has a drain of its own, so that a slow one holds up nobody else. However many are owed, only so many are held.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use godwit_push::VendorName;
use godwit_registry::{DuePush, Settled, Settlement};
use tokio::sync::{Notify, Semaphore, mpsc};

use super::Desk;
use crate::Dispatcher;

/// For how long a job is taken: longer than any vendor's timeout, and a lane's turn before it.
const LEASE_MS: u64 = 60_000;
/// Most jobs taken at once.
const CLAIM_MAX: usize = 128;
/// Most jobs of a vendor that are held, whatever the settings say.
const HELD_MAX: usize = 1_000_000;
/// Longest sleep while jobs may become due.
const SLEEP_MAX: Duration = Duration::from_millis(500);
/// How often room for a whole claim is waited for, [`GATHER`] each time: jobs that are taken one by one cost a
/// transaction each, and those that hang must not keep the others waiting.
const ROOM_WAITS_MAX: u32 = 4;
/// How long outcomes are gathered for one transaction.
const GATHER: Duration = Duration::from_millis(5);
/// Outcomes of one transaction.
const SETTLE_MAX: usize = 256;
/// How long to wait for a store that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gathering goes on for so many times its pause at most, while more comes.
const LINGERS_MAX: u32 = 20;

/// Pays for as long as the platform runs.
pub(super) async fn drain(dispatcher: Dispatcher, desk: Arc<Desk>, vendor: VendorName) {
    let (settle, settlements) = mpsc::channel(SETTLE_MAX);
    let keeper = tokio::spawn(keep(dispatcher.clone(), Arc::clone(&desk), vendor, settlements));
    let _keeper = AbortOnDrop(keeper);
    let plan = Plan::of(&desk, vendor);
    let room = Arc::new(Semaphore::new(plan.held_max));
    let name = vendor.as_str();
    let mut waits = 0;
    loop {
        let free = room.available_permits();
        metrics::gauge!("push_jobs_held", "vendor" => name)
            .set(u32::try_from(plan.held_max - free).unwrap_or(u32::MAX));
        if free < plan.claim_least || (free < plan.claim_wanted && waits < ROOM_WAITS_MAX) {
            waits += 1;
            tokio::time::sleep(GATHER).await;
            continue;
        }
        waits = 0;
        let closed_ms = desk.channels.closed_ms(vendor);
        if closed_ms > 0 {
            // What is owed waits where it is: taking it and putting it back would help nobody.
            tokio::time::sleep(Duration::from_millis(closed_ms).min(SLEEP_MAX)).await;
            continue;
        }
        let limit = free.min(plan.claim_max);
        let asked = u64::try_from(limit).unwrap_or(u64::MAX);
        let claimed = match dispatcher.registry.claim_push_jobs(name, LEASE_MS, asked).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, vendor = name, "jobs could not be taken; trying again");
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
        };
        let took = claimed.len();
        for jobs in plan.shares(claimed) {
            let permits = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
            let permit = Arc::clone(&room).acquire_many_owned(permits).await;
            let permit = permit.expect("the semaphore is never closed");
            let pay = dispatcher
                .clone()
                .pay_pushes(Arc::clone(&desk), vendor, jobs, settle.clone());
            tokio::spawn(async move {
                pay.await;
                drop(permit);
            });
        }
        if took < limit {
            wait(&dispatcher, &desk, (name, &plan)).await;
        }
    }
}

/// How many jobs of a vendor are held, and taken at once.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    held_max: usize,
    claim_least: usize,
    /// Places worth waiting for a moment.
    claim_wanted: usize,
    claim_max: usize,
    /// Whether equal ones go in one request.
    batches: bool,
    linger: Duration,
}

impl Plan {
    fn of(desk: &Desk, vendor: VendorName) -> Self {
        let settings = &desk.settings;
        let batch = desk.channels.batch(vendor);
        let batches = batch > 1;
        let held_max = if batches {
            settings.batched_max
        } else {
            settings.in_flight_max
        };
        let held_max = held_max.clamp(1, HELD_MAX);
        Self {
            held_max,
            // A request that is not full is a waste, as long as others are on their way.
            claim_least: if batches { batch.min(held_max) } else { 1 },
            claim_wanted: held_max.div_ceil(4).min(CLAIM_MAX),
            claim_max: if batches { batch.max(CLAIM_MAX) } else { CLAIM_MAX },
            batches,
            linger: Duration::from_millis(if batches { settings.linger_ms } else { 0 }),
        }
    }

    /// Jobs that are paid together: all, or each by itself.
    fn shares(&self, jobs: Vec<DuePush>) -> Vec<Vec<DuePush>> {
        match (self.batches, jobs.is_empty()) {
            (_, true) => Vec::new(),
            (true, false) => vec![jobs],
            (false, false) => jobs.into_iter().map(|job| vec![job]).collect(),
        }
    }
}

/// Until somebody says that there is something, or the next job is due.
async fn wait(dispatcher: &Dispatcher, desk: &Desk, (vendor, plan): (&str, &Plan)) {
    let Some(wake) = desk.wakes.get(vendor) else {
        return;
    };
    loop {
        let next = dispatcher.registry.next_push_due(vendor).await.ok().flatten();
        let left_ms = next.map(|at_ms| at_ms.saturating_sub(dispatcher.clock.now_ms()));
        let left = left_ms.map_or(SLEEP_MAX, Duration::from_millis);
        if left.is_zero() {
            // It came just now, or somebody else is at it.
            tokio::time::sleep(GATHER).await;
            return gather(wake, plan).await;
        }
        if tokio::time::timeout(left.min(SLEEP_MAX), wake.notified()).await.is_ok() {
            return gather(wake, plan).await;
        }
        // What waits for its time, such as a repeat, waits for nobody else. The clock may have jumped.
        if next.is_some_and(|at_ms| at_ms <= dispatcher.clock.now_ms()) {
            return;
        }
    }
}

/// Waits as long as more comes, so that equal pushes are together.
async fn gather(wake: &Notify, plan: &Plan) {
    if plan.linger.is_zero() {
        return;
    }
    let more = async { while tokio::time::timeout(plan.linger, wake.notified()).await.is_ok() {} };
    // Enough is enough.
    let _ = tokio::time::timeout(plan.linger * LINGERS_MAX, more).await;
}

/// The vendors who get jobs by these settlements: they are told.
fn heirs<'a>(settlements: &'a [Settlement], own: &'a str) -> HashSet<&'a str> {
    let next = settlements.iter().filter_map(|settlement| match &settlement.what {
        Settled::Later {
            vendor: Some((_, vendor)),
            ..
        } => Some(vendor.as_str()),
        // Something of this very vendor may be due at once.
        Settled::Later { .. } | Settled::Dropped | Settled::Withdrawn => Some(own),
        Settled::Sent { .. } => None,
    });
    next.collect()
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
        if let Some(events) = dispatcher.events.desk() {
            events.settled_pushes(&batch);
        }
        for heir in heirs(&batch, vendor.as_str()) {
            desk.wake(heir);
        }
        batch.clear();
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
