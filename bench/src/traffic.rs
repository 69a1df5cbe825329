//! Messages under way: who sends the next one, who has got which, and that each came exactly once and in order.

mod run;
mod sender;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::draft::{self, Tag};
use crate::latency::Latency;
use crate::numbers::nanoseconds;
pub(crate) use run::{Pace, Plan, Room, run};
use sender::Sender;

/// Everything the connections of one run share.
struct Traffic {
    tag: Tag,
    began: Instant,
    senders: Vec<Sender>,
    /// How many rooms they are in, as many in each.
    rooms: usize,
    /// Whether senders learn that their messages were taken.
    acknowledges: bool,
    /// Counts the messages: rooms take turns, and in each its senders.
    turn: AtomicUsize,
    /// Whether a message that has arrived everywhere sets off the next. Never at a fixed rate.
    refill: AtomicBool,
    /// Nothing more sets out.
    stopped: AtomicBool,
    /// Messages due from this moment on are timed, in nanoseconds since `began`.
    timed_from: AtomicU64,
    counts: Counts,
    times: Mutex<Times>,
}

/// What happened so often.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    acknowledged: AtomicU64,
    /// To those they were meant for.
    delivered: AtomicU64,
    /// To the sender itself, where a platform does so.
    own_copies: AtomicU64,
    /// Messages that everybody has.
    complete: AtomicU64,
    /// Payloads that are not of this run.
    strange: AtomicU64,
    repeated: AtomicU64,
    /// Numbers jumped over: lost, or out of order.
    skipped: AtomicU64,
    /// In the wrong conversation.
    misrouted: AtomicU64,
    refused: AtomicU64,
    /// Connections that ended, or that could not be written to.
    ended: AtomicU64,
}

struct Times {
    /// From when a message was due until its last receiver has it.
    delivery: Latency,
    /// From when a message was due until it is acknowledged to its sender.
    acknowledgement: Latency,
}

/// What one connection expects.
struct Listener {
    room: usize,
    /// The next number of each sender of the room.
    expected: Vec<u32>,
    /// This connection's own sender, if it has one.
    sender: Option<usize>,
    /// Whether its own messages count as deliveries.
    hears_itself: bool,
}

fn add(count: &AtomicU64, much: u64) {
    count.fetch_add(much, Ordering::Relaxed);
}

impl Traffic {
    fn now(&self) -> u64 {
        nanoseconds(self.began.elapsed())
    }

    /// The next sender in turn sends; `due` is when it should have.
    fn send_next(&self, due: u64) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_a_room = self.senders.len() / self.rooms;
        let sender = turn % self.rooms * in_a_room + turn / self.rooms % in_a_room;
        add(&self.counts.sent, 1);
        if self.senders[sender].send(due).is_err() {
            add(&self.counts.ended, 1);
        }
    }

    /// A payload came to somebody.
    fn arrived(&self, listener: &mut Listener, payload: &[u8]) {
        let Some((from, number)) = draft::find(self.tag, payload) else {
            return add(&self.counts.strange, 1);
        };
        let own = listener.sender == Some(from);
        if own && draft::is_refusal(payload) {
            return add(&self.counts.refused, 1);
        }
        let sender = self.senders.get(from).filter(|sender| sender.room == listener.room);
        let Some(sender) = sender else {
            return add(&self.counts.misrouted, 1);
        };
        let expected = &mut listener.expected[sender.slot];
        if number < *expected {
            return add(&self.counts.repeated, 1);
        }
        add(&self.counts.skipped, u64::from(number - *expected));
        *expected = number + 1;
        if own && !listener.hears_itself {
            return add(&self.counts.own_copies, 1);
        }
        add(&self.counts.delivered, 1);
        if let Some(due) = sender.delivered(number) {
            self.complete(due);
        }
    }

    /// The last receiver has it.
    fn complete(&self, due: u64) {
        let now = self.now();
        add(&self.counts.complete, 1);
        if due >= self.timed_from.load(Ordering::Relaxed) {
            self.times().delivery.record_ns(now.saturating_sub(due));
        }
        if self.refill.load(Ordering::Relaxed) {
            self.send_next(now);
        }
    }

    /// The server acknowledged the oldest publication of a connection.
    fn acknowledged(&self, sender: Option<usize>) {
        add(&self.counts.acknowledged, 1);
        let Some(due) = sender.and_then(|sender| self.senders[sender].acknowledged()) else {
            return;
        };
        if due >= self.timed_from.load(Ordering::Relaxed) {
            self.times().acknowledgement.record_ns(self.now().saturating_sub(due));
        }
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
