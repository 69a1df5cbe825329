//! When to ask for a page of the inbox: a machine without I/O.
//!
//! Deliveries are the rule. A page is asked for when a connection begins (to learn the head), when an entry came before
//! its turn, and when the head is known to be further and nothing comes.

use std::time::{Duration, Instant};

/// How long deliveries may be silent while something is known to be missing.
const QUIET: Duration = Duration::from_secs(2);
/// How long a page may take before it is asked for again.
const PATIENCE: Duration = Duration::from_secs(20);
/// Entries of a page.
const PAGE: usize = 500;

/// What a connection knows of the inbox.
#[derive(Debug)]
pub(crate) struct CatchUp {
    /// The end of what is in the table without a gap.
    cursor: u64,
    /// The highest number known to exist.
    head: u64,
    /// The highest number that was delivered.
    delivered: u64,
    /// Whether the platform has told the head over this connection.
    probed: bool,
    /// When the page on the way was asked for.
    asked: Option<Instant>,
    /// When something came last.
    moved: Instant,
    told: bool,
}

/// A page to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) after: u64,
    pub(crate) limit: usize,
}

impl CatchUp {
    /// A connection begins.
    pub(crate) fn new(cursor: u64, now: Instant) -> Self {
        Self {
            cursor,
            head: cursor,
            delivered: 0,
            probed: false,
            asked: None,
            moved: now,
            told: false,
        }
    }

    /// Entries up to this number were delivered.
    pub(crate) fn delivered(&mut self, seq: u64, now: Instant) {
        self.delivered = self.delivered.max(seq);
        self.head = self.head.max(seq);
        self.moved = now;
    }

    /// The page came; the inbox ends at `head`.
    pub(crate) fn answered(&mut self, head: u64, now: Instant) {
        self.probed = true;
        self.asked = None;
        self.head = self.head.max(head);
        self.moved = now;
    }

    /// The page was refused, or cannot come any more: it is asked for again after a while.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.asked = None;
        self.moved = now;
    }

    /// What was kept is without a gap up to here.
    pub(crate) fn kept(&mut self, cursor: u64) {
        self.cursor = self.cursor.max(cursor);
    }

    /// The end of what is in the table without a gap.
    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The page to ask for now. It is on the way from here on.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Ask> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.asked = Some(now);
        Some(Ask {
            after: self.cursor,
            limit: if self.probed { PAGE } else { 1 },
        })
    }

    /// When [`CatchUp::next`] has something to ask, if nothing comes before.
    pub(crate) fn due(&self) -> Option<Instant> {
        if let Some(asked) = self.asked {
            return Some(asked + PATIENCE);
        }
        let is_hole = self.delivered > self.cursor;
        if !self.probed || is_hole {
            return Some(self.moved);
        }
        (self.head > self.cursor).then(|| self.moved + QUIET)
    }

    /// Whether everything known to exist is in the table; true once for a connection.
    pub(crate) fn has_caught_up(&mut self) -> bool {
        let now = self.probed && self.cursor >= self.head && !self.told;
        self.told |= now;
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_begins_by_asking_for_the_head() {
        let now = Instant::now();
        let mut machine = CatchUp::new(7, now);
        assert_eq!(machine.next(now), Some(Ask { after: 7, limit: 1 }));
        assert_eq!(machine.next(now), None, "it is on the way");
        machine.answered(7, now);
        assert_eq!(machine.due(), None);
        assert!(machine.has_caught_up());
        assert!(!machine.has_caught_up(), "told once");
    }

    #[test]
    fn deliveries_in_order_need_no_page() {
        let now = Instant::now();
        let mut machine = CatchUp::new(0, now);
        machine.next(now);
        machine.answered(3, now);
        for seq in 1..=3 {
            machine.delivered(seq, now);
            machine.kept(seq);
        }
        assert_eq!(machine.due(), None);
        assert!(machine.has_caught_up());
    }

    #[test]
    fn an_entry_before_its_turn_asks_for_what_is_missing() {
        let now = Instant::now();
        let mut machine = CatchUp::new(4, now);
        machine.next(now);
        machine.answered(4, now);
        machine.delivered(9, now);
        assert_eq!(machine.next(now), Some(Ask { after: 4, limit: 500 }));
        machine.answered(9, now);
        machine.kept(9);
        assert_eq!(machine.next(now + PATIENCE), None);
    }

    #[test]
    fn silence_before_the_head_asks_for_what_is_missing() {
        let now = Instant::now();
        let mut machine = CatchUp::new(0, now);
        machine.next(now);
        machine.answered(2, now);
        assert_eq!(machine.next(now), None, "deliveries may still come");
        assert_eq!(machine.next(now + QUIET), Some(Ask { after: 0, limit: 500 }));
        machine.failed(now + QUIET);
        assert_eq!(machine.next(now + QUIET), None, "not at once");
        assert!(machine.next(now + QUIET + QUIET).is_some());
    }

    #[test]
    fn a_page_that_does_not_come_is_asked_for_again() {
        let now = Instant::now();
        let mut machine = CatchUp::new(0, now);
        assert!(machine.next(now).is_some());
        assert!(machine.next(now + PATIENCE).is_some());
    }
}
