//! The accounts whose inboxes moved: all that the hot path leaves for push. Bounded; what does not fit is found again
//! in the stored numbers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use godwit_archive::Delivery;
use godwit_model::AccountNo;
use tokio::sync::Notify;

/// Accounts whose inboxes moved since somebody last looked.
#[derive(Debug)]
pub struct Due {
    /// Accounts that may wait; 8 bytes each. Beyond, the stored numbers of all devices are looked through.
    accounts_max: usize,
    moved: Mutex<Moved>,
    wake: Notify,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) accounts: Vec<AccountNo>,
    /// There were more.
    pub(crate) overflowed: bool,
}

impl Due {
    /// Remembers `accounts_max` at most.
    pub fn new(accounts_max: usize) -> Self {
        Self {
            accounts_max,
            moved: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Notes a commit. On the writer's thread: one lock, a number for each delivery.
    pub fn moved(&self, deliveries: &[Delivery]) {
        let was_empty = {
            let mut moved = self.lock();
            let was_empty = moved.accounts.is_empty();
            let room = self.accounts_max.saturating_sub(moved.accounts.len());
            let accounts = deliveries.iter().map(|delivery| delivery.account);
            moved.accounts.extend(accounts.take(room));
            moved.overflowed |= deliveries.len() > room;
            was_empty
        };
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// Notes that an account is to be looked at although nothing was committed.
    pub(crate) fn look_at(&self, account: AccountNo) {
        {
            let mut moved = self.lock();
            if moved.accounts.len() < self.accounts_max {
                moved.accounts.push(account);
            } else {
                moved.overflowed = true;
            }
        }
        self.wake.notify_one();
    }

    /// Waits for something to look at.
    pub(crate) async fn news(&self) {
        self.wake.notified().await;
    }

    /// Takes what moved, each account once.
    pub(crate) fn take(&self) -> Moved {
        let mut moved = std::mem::take(&mut *self.lock());
        moved.accounts.sort_unstable();
        moved.accounts.dedup();
        moved
    }

    fn lock(&self) -> MutexGuard<'_, Moved> {
        // Nothing that runs under the lock can leave it half changed.
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_facts::tests::record;
    use std::sync::Arc;

    #[test]
    fn an_account_that_moves_often_waits_once_and_too_many_are_looked_up() {
        let due = Due::new(10);
        let record = Arc::new(record(""));
        let delivery = |account| Delivery {
            account: AccountNo(account),
            seq: 1,
            record: Arc::clone(&record),
        };
        due.moved(&[delivery(2), delivery(1), delivery(2)]);
        let moved = due.take();
        assert_eq!(
            (moved.accounts, moved.overflowed),
            (vec![AccountNo(1), AccountNo(2)], false)
        );
        let many: Vec<_> = (0..11).map(delivery).collect();
        due.moved(&many);
        let moved = due.take();
        assert_eq!((moved.accounts.len(), moved.overflowed), (10, true));
        assert!(due.take().accounts.is_empty());
    }
}
