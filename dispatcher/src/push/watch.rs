//! Looks at accounts that moved: at once where nobody of the account is here, after the grace otherwise. After a start,
//! and when more moved than memory holds, the stored numbers of all devices are looked through, a page at a time.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use godwit_model::{AccountNo, DeviceNo};

use super::Desk;
use super::household::Pass;
use crate::Dispatcher;

/// What the platform calls the moment from which it pushes.
pub(super) const PUSHING: &str = "pushing";
/// How long commits are gathered before they are looked at.
const GATHER: Duration = Duration::from_millis(20);
/// How often it is looked whose grace is over.
const TICK: Duration = Duration::from_millis(100);
/// Accounts decided together.
const CHUNK: usize = 128;
/// How long to wait for a store that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often what is over is forgotten.
const TIDY: Duration = Duration::from_mins(1);

/// Accounts whose grace runs, in the order in which it ends.
#[derive(Default)]
struct Waiting {
    /// So many at most, at 8 bytes each. Beyond, stored numbers are looked through when theirs would be over.
    accounts_max: usize,
    groups: VecDeque<(u64, Vec<AccountNo>)>,
    accounts: usize,
    /// When the stored numbers must be looked through, if they must.
    look_up_at_ms: Option<u64>,
}

impl Waiting {
    fn add(&mut self, due_ms: u64, accounts: Vec<AccountNo>) {
        if accounts.is_empty() {
            return;
        }
        if self.accounts + accounts.len() > self.accounts_max {
            self.look_up_at_ms = Some(due_ms);
            return;
        }
        self.accounts += accounts.len();
        self.groups.push_back((due_ms, accounts));
    }

    fn take_due(&mut self, now_ms: u64) -> Vec<AccountNo> {
        let mut due = Vec::new();
        while self.groups.front().is_some_and(|(due_ms, _)| *due_ms <= now_ms) {
            let (_, accounts) = self.groups.pop_front().expect("there is a front");
            self.accounts -= accounts.len();
            due.extend(accounts);
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    fn must_look_up(&mut self, now_ms: u64) -> bool {
        let must = self.look_up_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        if must {
            self.look_up_at_ms = None;
        }
        must
    }
}

/// Finds debts for as long as the platform runs.
pub(super) async fn watch(dispatcher: Dispatcher, desk: Arc<Desk>, began_ms: u64) {
    let watcher = Watcher {
        dispatcher,
        desk,
        began_ms,
    };
    let mut waiting = Waiting {
        accounts_max: watcher.desk.settings.accounts_max,
        // A start finds what was owed when the platform stopped.
        look_up_at_ms: Some(0),
        ..Waiting::default()
    };
    loop {
        let news = tokio::time::timeout(TICK, watcher.desk.due.news()).await;
        if news.is_ok() {
            tokio::time::sleep(GATHER).await;
        }
        // Before the clock is read: the grace of what moves meanwhile must not begin before it.
        let moved = watcher.desk.due.take();
        let steady_ms = watcher.dispatcher.clock.steady_ms();
        let grace_ends_ms = steady_ms.saturating_add(watcher.desk.settings.grace_ms);
        if moved.overflowed {
            waiting.look_up_at_ms = Some(grace_ends_ms);
        }
        let patient = watcher.look_now(moved.accounts).await;
        waiting.add(grace_ends_ms, patient);
        let due = waiting.take_due(steady_ms);
        let mut undecided = watcher.decide(due, Pass::Last).await;
        if waiting.must_look_up(steady_ms) {
            undecided.extend(watcher.look_up().await);
        }
        // In the order in which they end, as all others.
        waiting.add(grace_ends_ms, undecided);
    }
}

/// Forgets what is over, for as long as the platform runs.
pub(super) async fn tidy(dispatcher: Dispatcher, desk: Arc<Desk>) {
    loop {
        tokio::time::sleep(TIDY).await;
        if let Err(error) = dispatcher.registry.trim_push(desk.settings.ledger_ms).await {
            tracing::warn!(%error, "what is over of push could not be forgotten");
        }
        if let Ok(waiting) = dispatcher.registry.push_jobs_waiting().await {
            metrics::gauge!("push_jobs_waiting").set(u32::try_from(waiting).unwrap_or(u32::MAX));
        }
    }
}

struct Watcher {
    dispatcher: Dispatcher,
    desk: Arc<Desk>,
    began_ms: u64,
}

impl Watcher {
    /// Decides at once what need not wait, and says which accounts must be looked at again when their grace is over.
    async fn look_now(&self, accounts: Vec<AccountNo>) -> Vec<AccountNo> {
        let (mut alone, mut company) = (Vec::new(), Vec::new());
        for account in self.behind(accounts).await {
            // Somebody who is here may read it within the grace, and save the others the noise.
            if self.dispatcher.hub.connected(account).is_empty() {
                alone.push(account);
            } else {
                company.push(account);
            }
        }
        company.extend(self.decide(alone, Pass::Last).await);
        // What could not be decided is decided with the rest when the grace is over.
        self.decide(company.clone(), Pass::CallsOnly).await;
        company
    }

    /// Those that have a device that can be pushed to and has not acknowledged everything. Asks the memory, as a rule.
    async fn behind(&self, accounts: Vec<AccountNo>) -> Vec<AccountNo> {
        let mut behind = Vec::new();
        for chunk in accounts.chunks(CHUNK) {
            match self.dispatcher.registry.push_devices_of(chunk).await {
                Ok(devices) => behind.extend(chunk.iter().copied().filter(|account| {
                    let head = self.dispatcher.archive.head(*account);
                    let devices = devices.get(account).into_iter().flat_map(|devices| devices.iter());
                    devices
                        .into_iter()
                        .any(|device| self.dispatcher.cursor(device.no) < head)
                })),
                Err(error) => {
                    tracing::warn!(%error, "the store does not answer; the accounts are looked at again");
                    behind.extend(chunk);
                }
            }
        }
        behind
    }

    /// Decides about these accounts. Answers those about which nothing could be decided: nobody else waits for them.
    async fn decide(&self, accounts: Vec<AccountNo>, pass: Pass) -> Vec<AccountNo> {
        let mut undecided = Vec::new();
        for chunk in accounts.chunks(CHUNK) {
            let terms = (pass, self.began_ms);
            if self.dispatcher.decide_push(&self.desk, chunk, terms).await.is_ok() {
                continue;
            }
            // One of them may be the trouble of all.
            for account in chunk {
                if let Err(refused) = self.dispatcher.decide_push(&self.desk, &[*account], terms).await {
                    tracing::warn!(detail = %refused.detail, "what devices are owed could not be decided; it is tried again");
                    undecided.push(*account);
                }
            }
        }
        undecided
    }

    /// Looks through the stored numbers of every device that can be pushed to.
    async fn look_up(&self) -> Vec<AccountNo> {
        let mut undecided = Vec::new();
        let began_ms = self.dispatcher.clock.steady_ms();
        let (mut after, mut found) = (DeviceNo(0), 0_usize);
        let page_size = u64::try_from(self.desk.settings.page).unwrap_or(u64::MAX);
        loop {
            let page = match self.dispatcher.registry.push_devices_after(after, page_size).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "the devices that can be pushed to could not be read; trying again");
                    tokio::time::sleep(PATIENCE).await;
                    continue;
                }
            };
            let Some(last) = page.last() else { break };
            after = last.device;
            let mut behind = BTreeSet::new();
            for device in page {
                let passed = self.dispatcher.cursor(device.device).max(device.decided_up_to);
                if passed < self.dispatcher.archive.head(device.account) {
                    behind.insert(device.account);
                }
            }
            found += behind.len();
            undecided.extend(self.decide(behind.into_iter().collect(), Pass::Last).await);
        }
        let took_ms = self.dispatcher.clock.steady_ms().saturating_sub(began_ms);
        tracing::info!(
            accounts = found,
            took_ms,
            "the stored numbers were looked through for what devices are owed"
        );
        undecided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_wait_for_their_grace_and_too_many_are_looked_up() {
        let mut waiting = Waiting {
            accounts_max: 3,
            ..Waiting::default()
        };
        waiting.add(10, vec![AccountNo(2), AccountNo(1)]);
        waiting.add(20, vec![AccountNo(1)]);
        assert_eq!(waiting.take_due(9), []);
        assert_eq!(waiting.take_due(10), [AccountNo(1), AccountNo(2)]);
        assert_eq!(waiting.take_due(30), [AccountNo(1)]);
        assert_eq!(waiting.accounts, 0);
        waiting.add(40, vec![AccountNo(1); 4]);
        assert!(!waiting.must_look_up(39) && waiting.must_look_up(40) && !waiting.must_look_up(41));
    }
}
