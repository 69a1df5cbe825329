//! Account → connected sessions. The archive tells it of every commit; it leaves hints in mailboxes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::FixedState;
use godwit_archive::{Delivery, Listener};
use godwit_model::{AccountNo, DeviceNo};

use crate::mailbox::{CloseReason, Mailbox};

/// `Default` for arrays ends at 32 elements.
const SHARDS: usize = 32;

type Sessions = HashMap<AccountNo, Vec<Arc<Mailbox>>, FixedState>;

/// Who is connected here.
#[derive(Default)]
pub struct Switchboard {
    shards: [RwLock<Sessions>; SHARDS],
    stopped: AtomicBool,
}

impl Switchboard {
    fn shard(&self, account: AccountNo) -> &RwLock<Sessions> {
        let shard = usize::try_from(account.0 % SHARDS as u64).expect("a remainder of 32 fits every word");
        &self.shards[shard]
    }

    fn read(&self, account: AccountNo) -> RwLockReadGuard<'_, Sessions> {
        self.shard(account).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, account: AccountNo) -> RwLockWriteGuard<'_, Sessions> {
        self.shard(account).write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn attach(self: &Arc<Self>, account: AccountNo, device: DeviceNo) -> Attachment {
        let mailbox = Arc::new(Mailbox::new(account, device));
        let mut shard = self.write(account);
        let sessions = shard.entry(account).or_default();
        for older in sessions.extract_if(.., |session| session.device == device) {
            older.close(CloseReason::TakenOver);
        }
        sessions.push(Arc::clone(&mailbox));
        drop(shard);
        if self.stopped.load(Ordering::SeqCst) {
            mailbox.close(CloseReason::Shutdown);
        }
        Attachment {
            switchboard: Arc::clone(self),
            mailbox,
        }
    }

    pub(crate) fn sessions(&self, account: AccountNo) -> usize {
        self.read(account).get(&account).map_or(0, Vec::len)
    }

    pub(crate) fn close_device(&self, account: AccountNo, device: DeviceNo, reason: CloseReason) {
        let shard = self.read(account);
        for session in shard
            .get(&account)
            .into_iter()
            .flatten()
            .filter(|session| session.device == device)
        {
            session.close(reason);
        }
    }

    fn detach(&self, mailbox: &Arc<Mailbox>) {
        let mut shard = self.write(mailbox.account);
        if let Some(sessions) = shard.get_mut(&mailbox.account) {
            sessions.retain(|session| !Arc::ptr_eq(session, mailbox));
            if sessions.is_empty() {
                shard.remove(&mailbox.account);
            }
        }
    }

    /// Tells every session to close, and those that come later.
    pub fn close_all(&self, reason: CloseReason) {
        self.stopped.store(true, Ordering::SeqCst);
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard.values().flatten().for_each(|session| session.close(reason));
        }
    }
}

impl Listener for Switchboard {
    fn committed(&self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            let shard = self.read(delivery.account);
            for session in shard.get(&delivery.account).into_iter().flatten() {
                session.hint(delivery.seq, &delivery.record);
            }
        }
    }

    fn stopped(&self) {
        self.close_all(CloseReason::Shutdown);
    }
}

/// A connected session; dropping it disconnects.
pub struct Attachment {
    switchboard: Arc<Switchboard>,
    mailbox: Arc<Mailbox>,
}

impl Attachment {
    /// Where this session finds what happened.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.switchboard.detach(&self.mailbox);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn a_second_session_of_a_device_takes_over_and_other_devices_stay() {
        let board = Arc::new(Switchboard::default());
        let (account, phone, desktop) = (AccountNo(1), DeviceNo(1), DeviceNo(2));
        let first = board.attach(account, phone);
        let other = board.attach(account, desktop);
        let second = board.attach(account, phone);
        let close = |attachment: &Attachment| attachment.mailbox().take(Waker::noop()).close;
        assert_eq!(close(&first), Some(CloseReason::TakenOver));
        assert_eq!((close(&other), close(&second)), (None, None));
        assert_eq!(board.sessions(account), 2);
        // The older session's end must not disconnect the newer one.
        drop(first);
        assert_eq!(board.sessions(account), 2);
        drop((second, other));
        assert_eq!(board.sessions(account), 0);
    }

    #[test]
    fn after_the_end_every_session_is_told_to_close() {
        let board = Arc::new(Switchboard::default());
        let before = board.attach(AccountNo(1), DeviceNo(1));
        board.stopped();
        let after = board.attach(AccountNo(2), DeviceNo(2));
        for attachment in [&before, &after] {
            assert_eq!(
                attachment.mailbox().take(Waker::noop()).close,
                Some(CloseReason::Shutdown)
            );
        }
    }
}
