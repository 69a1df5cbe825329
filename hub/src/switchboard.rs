//! Account → connected sessions. The archive tells it of every commit; it leaves hints in mailboxes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use bytes::Bytes;
use foldhash::fast::FixedState;
use godwit_archive::{Delivery, Listener};
use godwit_model::{AccountNo, DeviceNo};

use crate::mailbox::{CloseReason, Mailbox};
use crate::wakes::{Gathered, Wakes};

/// `Default` for arrays ends at 32 elements.
const SHARDS: usize = 32;

type Sessions = HashMap<AccountNo, Vec<Arc<Mailbox>>, FixedState>;

/// Hears who comes and goes. Called by whoever connects and disconnects: it must not wait.
pub trait Presence: Send + Sync + 'static {
    /// A device's first session came, or its last one left. `alone`: no other device of the account is connected.
    fn changed(&self, account: AccountNo, device: DeviceNo, online: bool, alone: bool);
}

/// Hears how far devices have acknowledged. Called by whoever reads their acknowledgements: it must not wait.
pub trait Acknowledgements: Send + Sync + 'static {
    /// A device has acknowledged its inbox up to this number.
    fn acknowledged(&self, account: AccountNo, device: DeviceNo, cursor: u64);
}

/// Who is connected here.
#[derive(Default)]
pub struct Switchboard {
    presences: RwLock<Vec<Box<dyn Presence>>>,
    acknowledgements: OnceLock<Box<dyn Acknowledgements>>,
    shards: [RwLock<Sessions>; SHARDS],
    stopped: AtomicBool,
    /// Sessions that the commit under way left hints for. Only the archive's writer uses it.
    unread: Mutex<Vec<Arc<Mailbox>>>,
    /// Whether a commit is being told of.
    telling: Arc<AtomicBool>,
    threads: Mutex<Vec<Weak<Gathered>>>,
}

impl Switchboard {
    fn shard(&self, account: AccountNo) -> &RwLock<Sessions> {
        let shard = usize::try_from(account.0 % SHARDS as u64).expect("a remainder of 32 fits every word");
        &self.shards[shard]
    }

    fn read(&self, account: AccountNo) -> RwLockReadGuard<'_, Sessions> {
        self.shard(account).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn unread(&self) -> MutexGuard<'_, Vec<Arc<Mailbox>>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<Weak<Gathered>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread whose sessions a commit wakes together.
    pub(crate) fn gather_wakes(&self) -> Wakes {
        let wakes = Wakes::new(Arc::clone(&self.telling));
        self.threads().push(Arc::downgrade(wakes.gathered()));
        wakes
    }

    fn told(&self) {
        self.telling.store(false, Ordering::SeqCst);
        self.threads()
            .retain(|thread| thread.upgrade().inspect(|thread| thread.rouse()).is_some());
    }

    fn write(&self, account: AccountNo) -> RwLockWriteGuard<'_, Sessions> {
        self.shard(account).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says who hears of presence as well from now on.
    pub(crate) fn hear_presence(&self, presence: Box<dyn Presence>) {
        self.presences
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(presence);
    }

    /// Says who hears of acknowledgements from now on; the first one stays.
    pub(crate) fn hear_acknowledgements(&self, acknowledgements: Box<dyn Acknowledgements>) {
        let _ = self.acknowledgements.set(acknowledgements);
    }

    /// A device has acknowledged up to a number.
    pub(crate) fn acknowledged(&self, account: AccountNo, device: DeviceNo, cursor: u64) {
        if let Some(acknowledgements) = self.acknowledgements.get() {
            acknowledgements.acknowledged(account, device, cursor);
        }
    }

    fn presence_changed(&self, account: AccountNo, device: DeviceNo, (online, alone): (bool, bool)) {
        for presence in self.presences.read().unwrap_or_else(PoisonError::into_inner).iter() {
            presence.changed(account, device, online, alone);
        }
    }

    /// `None` when other devices of the account already have `sessions_max` sessions; then nobody is told to close.
    pub(crate) fn attach(
        self: &Arc<Self>,
        account: AccountNo,
        device: DeviceNo,
        clean_start: bool,
        sessions_max: usize,
    ) -> Option<Attachment> {
        let mailbox = Arc::new(Mailbox::new(account, device));
        let mut shard = self.write(account);
        let sessions = shard.entry(account).or_default();
        let others = sessions.iter().filter(|session| session.device != device).count();
        if others >= sessions_max {
            if sessions.is_empty() {
                shard.remove(&account);
            }
            return None;
        }
        let older: Vec<_> = sessions.extract_if(.., |session| session.device == device).collect();
        sessions.push(Arc::clone(&mailbox));
        drop(shard);
        if older.is_empty() {
            self.presence_changed(account, device, (true, others == 0));
        }
        for older in &older {
            older.close(CloseReason::TakenOver { clean_start });
        }
        if self.stopped.load(Ordering::SeqCst) {
            mailbox.close(CloseReason::Shutdown);
        }
        Some(Attachment {
            switchboard: Arc::clone(self),
            mailbox,
            older,
        })
    }

    #[cfg(test)]
    fn sessions(&self, account: AccountNo) -> usize {
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

    pub(crate) fn tell(&self, account: AccountNo, except: Option<DeviceNo>, event: &Bytes) {
        let shard = self.read(account);
        for session in shard.get(&account).into_iter().flatten() {
            if Some(session.device) != except {
                session.event(event.clone());
            }
        }
    }

    pub(crate) fn connected(&self, account: AccountNo) -> Vec<DeviceNo> {
        let shard = self.read(account);
        let sessions = shard.get(&account).into_iter().flatten();
        sessions.map(|session| session.device).collect()
    }

    fn detach(&self, mailbox: &Arc<Mailbox>) {
        let mut shard = self.write(mailbox.account);
        let Some(sessions) = shard.get_mut(&mailbox.account) else {
            return;
        };
        let before = sessions.len();
        sessions.retain(|session| !Arc::ptr_eq(session, mailbox));
        // One whose place was taken left nothing.
        let has_left = sessions.len() < before;
        let alone = sessions.is_empty();
        if alone {
            shard.remove(&mailbox.account);
        }
        drop(shard);
        // Where the platform stops, nobody leaves: they come back to the next start.
        if has_left && !self.stopped.load(Ordering::SeqCst) {
            self.presence_changed(mailbox.account, mailbox.device, (false, alone));
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
        self.telling.store(true, Ordering::SeqCst);
        let mut unread = self.unread();
        for delivery in deliveries {
            let shard = self.read(delivery.account);
            for session in shard.get(&delivery.account).into_iter().flatten() {
                if session.hint(delivery.seq, &delivery.record) {
                    unread.push(Arc::clone(session));
                }
            }
        }
    }

    /// Only now: a sender that its answer woke has read its hints, and wrote both at once.
    fn answered(&self) {
        for session in self.unread().drain(..) {
            session.wake_if_unread();
        }
        self.told();
    }

    fn stopped(&self) {
        self.close_all(CloseReason::Shutdown);
        self.told();
    }
}

/// A connected session; dropping it disconnects.
pub struct Attachment {
    switchboard: Arc<Switchboard>,
    mailbox: Arc<Mailbox>,
    /// The sessions of the device whose place it took and that may not have left yet.
    older: Vec<Arc<Mailbox>>,
}

impl Attachment {
    /// Returns when the sessions whose place this one took have left, and with them stored what they leave behind.
    pub async fn alone(&mut self) {
        for older in std::mem::take(&mut self.older) {
            std::future::poll_fn(|context| older.poll_left(context)).await;
        }
    }

    /// Where this session finds what happened.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.switchboard.detach(&self.mailbox);
        self.mailbox.left();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    const MANY: usize = 100;

    #[test]
    fn a_second_session_of_a_device_takes_over_and_other_devices_stay() {
        let board = Arc::new(Switchboard::default());
        let (account, phone, desktop) = (AccountNo(1), DeviceNo(1), DeviceNo(2));
        let first = board.attach(account, phone, false, MANY).expect("room");
        let other = board.attach(account, desktop, false, MANY).expect("room");
        let second = board.attach(account, phone, true, MANY).expect("room");
        let close = |attachment: &Attachment| attachment.mailbox().take(Waker::noop()).close;
        assert_eq!(close(&first), Some(CloseReason::TakenOver { clean_start: true }));
        assert_eq!((close(&other), close(&second)), (None, None));
        assert_eq!(board.sessions(account), 2);
        // The older session's end must not disconnect the newer one.
        drop(first);
        assert_eq!(board.sessions(account), 2);
        drop((second, other));
        assert_eq!(board.sessions(account), 0);
    }

    #[test]
    fn a_session_for_which_there_is_no_room_closes_nobody() {
        let board = Arc::new(Switchboard::default());
        let account = AccountNo(1);
        let attach = |device, max| board.attach(account, DeviceNo(device), false, max);
        let (first, second) = (attach(1, 2).expect("room"), attach(2, 2).expect("room"));
        assert!(attach(3, 2).is_none());
        assert!(attach(1, 1).is_none(), "the other device alone is too many");
        assert_eq!((first.mailbox().closed(), second.mailbox().closed()), (None, None));
        assert!(attach(1, 2).is_some(), "its own earlier session does not count");
        assert!(board.attach(AccountNo(2), DeviceNo(9), false, 0).is_none());
    }

    #[test]
    fn a_session_is_alone_when_those_it_took_over_have_left() {
        let board = Arc::new(Switchboard::default());
        let attach = || board.attach(AccountNo(1), DeviceNo(1), false, MANY).expect("room");
        let first = attach();
        let mut second = attach();
        let mut context = std::task::Context::from_waker(Waker::noop());
        let mut alone = std::pin::pin!(second.alone());
        assert!(alone.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert!(alone.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn after_the_end_every_session_is_told_to_close() {
        let board = Arc::new(Switchboard::default());
        let before = board.attach(AccountNo(1), DeviceNo(1), false, MANY).expect("room");
        board.stopped();
        let after = board.attach(AccountNo(2), DeviceNo(2), false, MANY).expect("room");
        for attachment in [&before, &after] {
            assert_eq!(
                attachment.mailbox().take(Waker::noop()).close,
                Some(CloseReason::Shutdown)
            );
        }
    }

    #[test]
    fn a_device_comes_with_its_first_session_and_goes_with_its_last() {
        #[derive(Default)]
        struct Log(Arc<Mutex<Vec<(u64, bool, bool)>>>);
        impl Presence for Log {
            fn changed(&self, _: AccountNo, device: DeviceNo, online: bool, alone: bool) {
                self.0.lock().unwrap().push((device.0, online, alone));
            }
        }
        let board = Arc::new(Switchboard::default());
        let log = Log::default();
        let heard = Arc::clone(&log.0);
        board.hear_presence(Box::new(log));
        let account = AccountNo(1);
        let attach = |device| board.attach(account, DeviceNo(device), false, MANY).expect("room");
        let (first, desktop) = (attach(1), attach(2));
        // The phone connects again before it has left.
        let second = attach(1);
        drop(first);
        drop(desktop);
        drop(second);
        let expected = [(1, true, true), (2, true, false), (2, false, false), (1, false, true)];
        assert_eq!(*heard.lock().unwrap(), expected);
    }
}
