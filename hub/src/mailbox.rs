//! Where a session finds what happened since it last looked: hints, events, and whether it must close. Bounded.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use godwit_archive::Record;
use godwit_model::{AccountNo, DeviceNo};

/// Hints kept for a session that is slow to look; beyond, it reads the archive.
const HINTS_MAX: usize = 64;
/// Bytes of hinted messages kept for a session that is slow to look.
const HINT_BYTES_MAX: usize = 64 * 1024;
/// Events kept for a session that is slow to look; beyond, the oldest is dropped and counted.
const EVENTS_MAX: usize = 32;

/// Why the platform ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// A newer session of the same device.
    TakenOver {
        /// Whether the newer one starts clean, which ends what this one left behind.
        clean_start: bool,
    },
    /// The device was retired, or its token revoked.
    Retired,
    /// The platform stops.
    Shutdown,
}

/// What a session takes out of its mailbox at once.
#[derive(Debug, Default)]
pub struct Mail {
    /// The highest number known to be in the inbox; 0 when nothing was said since the last look.
    pub head: u64,
    /// Messages that came, ascending; may lack some below `head`.
    pub hints: VecDeque<(u64, Arc<Record>)>,
    /// How many messages came for which there was no place.
    pub missed: u64,
    /// Events that are not stored, oldest first.
    pub events: VecDeque<Bytes>,
    /// Whether and why the session must close.
    pub close: Option<CloseReason>,
}

#[derive(Default)]
struct Contents {
    mail: Mail,
    hint_bytes: usize,
    has_unread_hints: bool,
    listens: bool,
    waker: Option<Waker>,
    /// Whether the session has left.
    has_left: bool,
    /// The newer session that waits for that.
    successor: Option<Waker>,
}

/// The mailbox of one connected session.
pub struct Mailbox {
    /// Whose inbox.
    pub account: AccountNo,
    /// Which device.
    pub device: DeviceNo,
    /// Whether there is anything to take. Changed under the lock only.
    has_news: AtomicBool,
    contents: Mutex<Contents>,
}

impl Mailbox {
    pub(crate) fn new(account: AccountNo, device: DeviceNo) -> Self {
        Self {
            account,
            device,
            // So that the first look tells whom to wake.
            has_news: AtomicBool::new(true),
            contents: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // Nothing that runs under the lock can leave the contents half changed.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether hints are wanted: from the moment the session subscribes to the inbox.
    pub fn listen(&self, listens: bool) {
        let mut contents = self.lock();
        contents.listens = listens;
        contents.mail.hints.clear();
        contents.mail.missed = 0;
        contents.hint_bytes = 0;
    }

    /// Whether [`Mailbox::take`] would find something, or has yet to be told whom to wake. Costs no lock.
    pub fn has_news(&self) -> bool {
        self.has_news.load(Ordering::SeqCst)
    }

    /// Takes what came; `waker` is woken when there is more.
    pub fn take(&self, waker: &Waker) -> Mail {
        let mut contents = self.lock();
        self.has_news.store(false, Ordering::SeqCst);
        if !contents.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            contents.waker = Some(waker.clone());
        }
        contents.hint_bytes = 0;
        contents.has_unread_hints = false;
        let close = contents.mail.close;
        let mail = std::mem::take(&mut contents.mail);
        contents.mail.close = close;
        mail
    }

    /// Leaves a hint without waking the session. Whether [`Mailbox::wake_if_unread`] must follow.
    pub(crate) fn hint(&self, seq: u64, record: &Arc<Record>) -> bool {
        let mut contents = self.lock();
        if !contents.listens {
            return false;
        }
        contents.mail.head = contents.mail.head.max(seq);
        contents.hint_bytes += record.body.len();
        if contents.mail.hints.len() < HINTS_MAX && contents.hint_bytes <= HINT_BYTES_MAX {
            contents.mail.hints.push_back((seq, Arc::clone(record)));
        } else {
            contents.mail.missed += 1;
        }
        let first = !contents.has_unread_hints;
        contents.has_unread_hints = true;
        self.has_news.store(true, Ordering::SeqCst);
        first
    }

    /// Wakes the session unless it found its hints by itself.
    pub(crate) fn wake_if_unread(&self) {
        let waker = {
            let mut contents = self.lock();
            if !contents.has_unread_hints {
                return;
            }
            contents.waker.take()
        };
        wake(waker);
    }

    /// Leaves an event that is not stored. A session that does not look loses the oldest.
    pub fn event(&self, event: Bytes) {
        let waker = {
            let mut contents = self.lock();
            if contents.mail.events.len() == EVENTS_MAX {
                contents.mail.events.pop_front();
                metrics::counter!("events_dropped_total", "reason" => "slow_session").increment(1);
            }
            contents.mail.events.push_back(event);
            self.has_news.store(true, Ordering::SeqCst);
            contents.waker.take()
        };
        wake(waker);
    }

    /// Why the session must close, if it must.
    pub fn closed(&self) -> Option<CloseReason> {
        self.lock().mail.close
    }

    pub(crate) fn left(&self) {
        let waker = {
            let mut contents = self.lock();
            contents.has_left = true;
            contents.successor.take()
        };
        wake(waker);
    }

    /// Ready once the session has left. Only one other session may wait for that.
    pub(crate) fn poll_left(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut contents = self.lock();
        if contents.has_left {
            return Poll::Ready(());
        }
        contents.successor = Some(context.waker().clone());
        Poll::Pending
    }

    /// Tells the session to close; the first reason stays.
    pub fn close(&self, reason: CloseReason) {
        let waker = {
            let mut contents = self.lock();
            contents.mail.close.get_or_insert(reason);
            self.has_news.store(true, Ordering::SeqCst);
            contents.waker.take()
        };
        wake(waker);
    }
}

// Outside the lock, so that a woken session on another core does not find it taken.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_archive::RecordKind;
    use godwit_model::ServerId;

    fn record(bytes: usize) -> Arc<Record> {
        Arc::new(Record {
            kind: RecordKind::Message,
            form: 0,
            conversation: None,
            conv_seq: 0,
            server_id: ServerId(1),
            server_time_ms: 0,
            expires_at_ms: None,
            sender: AccountNo(0),
            body: vec![0; bytes].into(),
        })
    }

    #[test]
    fn a_session_that_does_not_look_keeps_a_bounded_number_of_hints_and_knows_the_head() {
        let mailbox = Mailbox::new(AccountNo(1), DeviceNo(1));
        mailbox.listen(true);
        for seq in 1..=1000 {
            mailbox.hint(seq, &record(10));
        }
        let mail = mailbox.take(Waker::noop());
        assert_eq!((mail.head, mail.hints.len()), (1000, HINTS_MAX));
        assert_eq!(mail.missed, 1000 - HINTS_MAX as u64, "what had no place is counted");
        for seq in 1001..=1003 {
            mailbox.hint(seq, &record(HINT_BYTES_MAX / 2));
        }
        let mail = mailbox.take(Waker::noop());
        assert_eq!((mail.head, mail.hints.len()), (1003, 2));
    }

    #[test]
    fn there_is_news_until_the_first_look_and_whenever_something_comes() {
        let mailbox = Mailbox::new(AccountNo(1), DeviceNo(1));
        mailbox.listen(true);
        let ways: [fn(&Mailbox); 4] = [
            |_| {},
            |mailbox| assert!(mailbox.hint(1, &record(1))),
            |mailbox| mailbox.event(Bytes::new()),
            |mailbox| mailbox.close(CloseReason::Retired),
        ];
        for way in ways {
            way(&mailbox);
            assert!(mailbox.has_news());
            mailbox.take(Waker::noop());
            assert!(!mailbox.has_news());
        }
    }

    #[test]
    fn only_a_listening_session_gets_hints_and_the_first_reason_to_close_stays() {
        let mailbox = Mailbox::new(AccountNo(1), DeviceNo(1));
        mailbox.hint(1, &record(1));
        assert_eq!(mailbox.take(Waker::noop()).head, 0);
        let taken_over = CloseReason::TakenOver { clean_start: false };
        mailbox.close(taken_over);
        mailbox.close(CloseReason::Shutdown);
        assert_eq!(mailbox.take(Waker::noop()).close, Some(taken_over));
        assert_eq!(mailbox.take(Waker::noop()).close, Some(taken_over));
        assert_eq!(mailbox.closed(), Some(taken_over));
    }
}
