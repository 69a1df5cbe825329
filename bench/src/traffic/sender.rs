//! One who sends: its draft, its numbers, and which of its messages are still on their way.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::connection::Writer;
use crate::draft::Draft;

pub(super) struct Sender {
    pub(super) room: usize,
    /// Its place among the senders of the room.
    pub(super) slot: usize,
    /// How many are to get each message.
    audience: usize,
    writer: Writer,
    state: Mutex<State>,
}

struct State {
    draft: Draft,
    next: u32,
    /// The messages that somebody still lacks, from the oldest on.
    under_way: VecDeque<UnderWay>,
    /// The number of the first of them.
    oldest: u32,
    /// When the publications that are not acknowledged were due.
    unacknowledged: VecDeque<u64>,
}

struct UnderWay {
    due: u64,
    lacking: usize,
}

impl Sender {
    pub(super) fn new(room: usize, slot: usize, audience: usize, connection: (Writer, Draft)) -> Self {
        let (writer, draft) = connection;
        Self {
            room,
            slot,
            audience,
            writer,
            state: Mutex::new(State {
                draft,
                next: 0,
                under_way: VecDeque::new(),
                oldest: 0,
                unacknowledged: VecDeque::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn send(&self, due: u64) -> io::Result<()> {
        let mut state = self.state();
        let state = &mut *state;
        let number = state.next;
        state.next += 1;
        state.under_way.push_back(UnderWay {
            due,
            lacking: self.audience,
        });
        state.unacknowledged.push_back(due);
        // Written under the lock: numbers leave in order.
        self.writer.send(state.draft.numbered(number))
    }

    /// One more has this message. When it was due, if that was the last who lacked it.
    pub(super) fn delivered(&self, number: u32) -> Option<u64> {
        let mut state = self.state();
        let at = usize::try_from(number.checked_sub(state.oldest)?).ok()?;
        let message = state.under_way.get_mut(at)?;
        message.lacking = message.lacking.checked_sub(1)?;
        let complete = (message.lacking == 0).then_some(message.due);
        while state.under_way.front().is_some_and(|message| message.lacking == 0) {
            state.under_way.pop_front();
            state.oldest += 1;
        }
        complete
    }

    /// When the oldest unacknowledged publication was due.
    pub(super) fn acknowledged(&self) -> Option<u64> {
        self.state().unacknowledged.pop_front()
    }

    pub(super) fn goodbye(&self) {
        let _ = self.writer.send(self.writer.language().goodbye());
    }
}
