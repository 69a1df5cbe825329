//! Walks one device along its inbox: live while everything up to the head is in flight, else behind and reading pages.
//!
//! A state machine without I/O. The cursor is the end of the contiguous prefix the device has acknowledged.
//! Its memory is bounded by the window and one page, whatever the backlog.

use std::collections::VecDeque;
use std::sync::Arc;

use godwit_archive::{Item, Record};
use godwit_model::AccountNo;

use crate::own::Own;
use crate::{PAGE_ENTRIES, Page};

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send this entry; it is in flight from now on.
    Deliver(Item),
    /// Send the entry that says `from..=to` is no longer kept; it is in flight under the number `to`.
    Gap {
        /// First number that is gone.
        from: u64,
        /// Last number that is gone.
        to: u64,
    },
    /// Read up to `limit` entries after this number and give them to [`Follower::page`].
    Read {
        /// Exclusive lower bound.
        after: u64,
        /// Most entries.
        limit: usize,
    },
    /// Nothing until a hint, a page or an acknowledgement comes.
    Wait,
}

/// One device's walk.
#[derive(Debug)]
pub struct Follower {
    cursor: u64,
    sent: u64,
    head: u64,
    window: usize,
    acknowledged: VecDeque<bool>,
    ready: VecDeque<Item>,
    own: Own,
    /// The lowest number that is kept, as far as it was told.
    floor: u64,
    reading: bool,
}

impl Follower {
    /// Starts after `cursor`, with at most `window` entries in flight (at least one).
    pub fn new(cursor: u64, head: u64, window: u16) -> Self {
        Self {
            cursor,
            sent: cursor,
            head,
            window: usize::from(window.max(1)),
            acknowledged: VecDeque::new(),
            ready: VecDeque::new(),
            own: Own::default(),
            floor: 0,
            reading: false,
        }
    }

    /// The end of the contiguous prefix the device has acknowledged.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The highest number in flight or acknowledged.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The inbox reaches at least this far.
    pub fn know_head(&mut self, head: u64) {
        self.head = self.head.max(head);
    }

    /// A message that just came. Kept only if it is the very next one; otherwise the archive will be read.
    pub fn hint(&mut self, seq: u64, record: Arc<Record>) {
        self.know_head(seq);
        if seq == self.next_wanted() && self.ready.len() < PAGE_ENTRIES {
            self.ready.push_back(Item { seq, record });
        }
    }

    /// The device published this entry itself and does not want it back: it counts as acknowledged when its turn comes.
    pub fn sent_by_itself(&mut self, seq: u64) {
        self.own.add(seq);
    }

    fn next_wanted(&self) -> u64 {
        self.ready.back().map_or(self.sent, |item| item.seq) + 1
    }

    /// As [`Follower::step`], while publications of the device are on their way: waits before an entry by `author`, the
    /// device's account, until it is known whose it is.
    pub fn step_unless_own(&mut self, author: AccountNo) -> Step {
        self.step_over_own();
        let next = self.ready.front();
        let may_be_own = next.is_some_and(|item| item.record.sender == author && item.seq > self.own.newest());
        if may_be_own { Step::Wait } else { self.step() }
    }

    fn step_over_own(&mut self) {
        while self.acknowledged.len() < self.window && self.own.takes(self.sent + 1) {
            self.sent += 1;
            self.acknowledged.push_back(true);
            let sent = self.sent;
            self.ready.pop_front_if(|item| item.seq == sent);
        }
        self.settle();
    }

    /// What to do next; call again until it says [`Step::Wait`].
    pub fn step(&mut self) -> Step {
        self.step_over_own();
        let room = self.window.saturating_sub(self.acknowledged.len());
        if room == 0 {
            return Step::Wait;
        }
        let first_kept = self.ready.front().map_or(self.floor, |item| item.seq);
        if first_kept > self.sent + 1 {
            return self.step_over(self.sent + 1, first_kept - 1);
        }
        if let Some(item) = self.ready.front() {
            self.sent = item.seq;
            self.acknowledged.push_back(false);
            return self.ready.pop_front().map_or(Step::Wait, Step::Deliver);
        }
        if self.head > self.sent && !self.reading {
            self.reading = true;
            return Step::Read {
                after: self.sent,
                limit: room.min(PAGE_ENTRIES),
            };
        }
        Step::Wait
    }

    /// Everything below the gap's last number counts as acknowledged: one answer settles the whole gap.
    fn step_over(&mut self, from: u64, to: u64) -> Step {
        // A gap has no bound and the window has one, so what is in flight comes to its end first.
        if !self.acknowledged.is_empty() {
            return Step::Wait;
        }
        self.cursor = to - 1;
        self.acknowledged.push_back(false);
        self.sent = to;
        Step::Gap { from, to }
    }

    /// The page that [`Step::Read`] asked for, ascending.
    pub fn page(&mut self, page: Page) {
        self.reading = false;
        self.floor = self.floor.max(page.floor);
        for item in page.items {
            if self.ready.len() < PAGE_ENTRIES && item.seq >= self.next_wanted() {
                self.know_head(item.seq);
                self.ready.push_back(item);
            }
        }
    }

    /// The page could not be read; the next [`Follower::step`] asks again.
    pub fn page_failed(&mut self) {
        self.reading = false;
    }

    /// The device acknowledged one entry. Returns the new cursor if it moved. Numbers not in flight are ignored.
    pub fn acknowledge(&mut self, seq: u64) -> Option<u64> {
        let at = usize::try_from(seq.checked_sub(self.cursor + 1)?).ok()?;
        *self.acknowledged.get_mut(at)? = true;
        let before = self.cursor;
        self.settle();
        (self.cursor > before).then_some(self.cursor)
    }

    fn settle(&mut self) {
        while self.acknowledged.front() == Some(&true) {
            self.acknowledged.pop_front();
            self.cursor += 1;
        }
    }
}

#[cfg(test)]
mod tests;
