//! What waits for the writer: bounded, and never blocking for those who bring it.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use godwit_model::ServerId;
use tokio::sync::{Notify, oneshot};

use crate::entry::{AppendError, Entry, Receipt};
use crate::record::GoneReason;

/// Where the answer to an append goes.
pub(crate) type Reply = oneshot::Sender<Result<Receipt, AppendError>>;

/// An entry that waits.
pub(crate) struct Queued {
    pub(crate) entry: Entry,
    /// The body as it goes to the disk, if it is encrypted there.
    pub(crate) sealed: Option<Bytes>,
    /// The message that it takes back, in the same commit.
    pub(crate) withdraws: Option<(ServerId, GoneReason)>,
    pub(crate) reply: Reply,
    /// Most bytes it takes in a segment.
    pub(crate) cost: usize,
}

/// A mark that waits.
pub(crate) struct QueuedMark {
    pub(crate) id: ServerId,
    pub(crate) reason: GoneReason,
    pub(crate) reply: oneshot::Sender<Result<(), AppendError>>,
}

/// The queue of the one writer.
pub(crate) struct Queue {
    state: Mutex<QueueState>,
    work: Condvar,
    room: Notify,
    entries_max: usize,
    bytes_max: usize,
}

#[derive(Default)]
struct QueueState {
    entries: VecDeque<Queued>,
    bytes: usize,
    marks: VecDeque<QueuedMark>,
    /// Who waits for the active segment to be finished.
    rolls: Vec<SyncSender<()>>,
    /// When changed devices must be written.
    devices_due: Option<Instant>,
    closing: bool,
    stopped: bool,
}

impl QueueState {
    fn ended(&self) -> bool {
        self.closing || self.stopped
    }
}

impl Queue {
    pub(crate) fn new(entries_max: usize, bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            work: Condvar::new(),
            room: Notify::new(),
            entries_max,
            bytes_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self, state: &QueueState) -> bool {
        // The entry that passes the limit of bytes is still taken, so that none is too large for an empty queue.
        state.entries.len() >= self.entries_max || state.bytes >= self.bytes_max
    }

    pub(crate) fn push(&self, queued: Queued) -> Result<(), AppendError> {
        let mut state = self.lock();
        if state.ended() {
            return Err(AppendError::Stopped);
        }
        if self.is_full(&state) {
            return Err(AppendError::Overloaded);
        }
        state.bytes += queued.cost;
        state.entries.push_back(queued);
        let first = state.entries.len() == 1;
        drop(state);
        if first {
            self.work.notify_one();
        }
        Ok(())
    }

    pub(crate) fn push_mark(&self, mark: QueuedMark) -> Result<(), AppendError> {
        let mut state = self.lock();
        if state.ended() {
            return Err(AppendError::Stopped);
        }
        if state.marks.len() >= self.entries_max {
            return Err(AppendError::Overloaded);
        }
        state.marks.push_back(mark);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Asks for the active segment to be finished; the answer comes once it is, or its sender is dropped.
    pub(crate) fn roll(&self) -> Receiver<()> {
        let (reply, answer) = sync_channel(1);
        let mut state = self.lock();
        if !state.ended() {
            state.rolls.push(reply);
            drop(state);
            self.work.notify_one();
        }
        answer
    }

    /// Who waits for the active segment to be finished.
    pub(crate) fn take_rolls(&self) -> Vec<SyncSender<()>> {
        std::mem::take(&mut self.lock().rolls)
    }

    /// Moves up to `count` marks out. Says whether some are left.
    pub(crate) fn take_marks(&self, count: usize, into: &mut Vec<QueuedMark>) -> bool {
        let mut state = self.lock();
        let count = count.min(state.marks.len());
        into.extend(state.marks.drain(..count));
        !state.marks.is_empty()
    }

    /// Returns when a push would not be `Overloaded`.
    pub(crate) async fn room(&self) {
        loop {
            let mut notified = pin!(self.room.notified());
            notified.as_mut().enable();
            if self.has_room() {
                return;
            }
            notified.await;
        }
    }

    fn has_room(&self) -> bool {
        let state = self.lock();
        state.ended() || !self.is_full(&state)
    }

    /// Changed devices wait since now and must be written by then.
    pub(crate) fn devices_due(&self, at: Instant) {
        let mut state = self.lock();
        if state.devices_due.is_none_or(|due| due > at) {
            state.devices_due = Some(at);
            drop(state);
            self.work.notify_one();
        }
    }

    /// Waits for work. `background` is when the writer's own work is due. `false` once the queue is closing.
    pub(crate) fn wait(&self, background: Option<Instant>) -> bool {
        let mut state = self.lock();
        loop {
            if state.ended() {
                return false;
            }
            if !state.entries.is_empty() || !state.marks.is_empty() || !state.rolls.is_empty() {
                return true;
            }
            let due = [state.devices_due, background].into_iter().flatten().min();
            let Some(due) = due else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            state = self
                .work
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Moves entries out, up to `count` and `bytes`, and always at least one. Clears the due time of devices.
    /// Returns how many are left.
    pub(crate) fn take(&self, count: usize, bytes: usize, into: &mut Vec<Queued>) -> usize {
        let mut state = self.lock();
        state.devices_due = None;
        let mut left = bytes;
        while into.len() < count
            && let Some(front) = state.entries.front()
            && (front.cost <= left || into.is_empty())
        {
            left = left.saturating_sub(front.cost);
            state.bytes -= front.cost;
            into.extend(state.entries.pop_front());
        }
        let waiting = state.entries.len();
        drop(state);
        self.room.notify_waiters();
        waiting
    }

    /// Takes nothing any more; what waits is still written.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
        self.room.notify_waiters();
    }

    pub(crate) fn has_entries(&self) -> bool {
        let state = self.lock();
        !state.entries.is_empty() || !state.marks.is_empty()
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.lock().ended()
    }

    /// Takes nothing any more, and answers what waits.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.bytes = 0;
        let waiting = std::mem::take(&mut state.entries);
        let marks = std::mem::take(&mut state.marks);
        state.rolls.clear();
        drop(state);
        for queued in marks {
            let _ = queued.reply.send(Err(AppendError::Stopped));
        }
        for queued in waiting {
            // Who does not wait any more needs no answer.
            let _ = queued.reply.send(Err(AppendError::Stopped));
        }
        self.room.notify_waiters();
    }
}
