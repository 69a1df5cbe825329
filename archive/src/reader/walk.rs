//! Follows one line through the segments, and shows the numbers that are missing.

use super::{read, segment_of};
use crate::index::{Line, Posting, SegmentIndex, Window};
use crate::query::ReadError;
use crate::record::Record;
use crate::segment::{Location, Segment};
use crate::view::{Finished, SharedView};

/// Stands for a record that no index knows.
const NOWHERE: Location = Location { segment: 0, offset: 0 };

/// The log as of one moment, as far as one page needs it.
pub(super) struct Snapshot {
    head: u64,
    active: Segment,
    /// What the active segment has for the page.
    newest: Vec<Posting>,
    finished: Finished,
}

impl Snapshot {
    pub(super) fn take(view: &SharedView, line: Line, window: &Window) -> Result<Self, ReadError> {
        let view = view.read();
        let head = match line {
            Line::Inbox(account) => view.heads.account(account),
            Line::Conversation(conversation) => view.heads.conversation(conversation),
        };
        Ok(Self {
            head,
            active: view.active.segment().clone(),
            newest: view.active.postings(line, window)?,
            finished: view.finished(),
        })
    }

    /// The numbers a window asks for, in its order, missing ones included.
    pub(super) fn postings(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        let window = Window {
            high: window.high.min(self.head),
            ..*window
        };
        if window.low > window.high {
            return Ok(Vec::new());
        }
        let found = if window.forward {
            self.forward(line, &window)?
        } else {
            self.backward(line, &window)?
        };
        // Nobody knows to which conversation a missing number belonged.
        Ok(if window.tag.is_some() {
            found
        } else {
            with_missing(found, &window)
        })
    }

    /// The record of a posting; `None` if it is lost.
    pub(super) fn record(&self, posting: &Posting) -> Result<Option<Record>, ReadError> {
        if posting.location == NOWHERE {
            return Ok(None);
        }
        match segment_of(&self.active, &self.finished, posting.location) {
            Some(segment) => read(&segment, posting.location),
            None => Ok(None),
        }
    }

    fn backward(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        let mut found = self.newest.clone();
        for index in self.finished.newest_first() {
            let complete = window.tag.is_none() && found.last().is_some_and(|last| last.seq <= window.low);
            if found.len() >= window.limit || complete {
                break;
            }
            let rest = Window {
                limit: window.limit - found.len(),
                ..*window
            };
            found.extend(index.postings(line, &rest)?);
        }
        found.truncate(window.limit);
        Ok(found)
    }

    /// Goes back until the first number is found, then forward from there.
    fn forward(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        let first = |posting: Option<&Posting>| posting.is_some_and(|posting| posting.seq <= window.low);
        let mut relevant = Vec::new();
        if !first(self.newest.first()) || window.tag.is_some() {
            let probe = Window {
                limit: 1,
                tag: None,
                ..*window
            };
            for index in self
                .finished
                .newest_first()
                .filter(|index| index.last_ms() >= window.since_ms)
            {
                let lowest = index.postings(line, &probe)?;
                if !lowest.is_empty() {
                    relevant.push(index);
                }
                if first(lowest.first()) {
                    break;
                }
            }
        }
        let mut found = Vec::new();
        for index in relevant.into_iter().rev() {
            if found.len() >= window.limit {
                break;
            }
            let rest = Window {
                limit: window.limit - found.len(),
                ..*window
            };
            found.extend(index.postings(line, &rest)?);
        }
        found.extend(self.newest.iter().take(window.limit - found.len()));
        Ok(found)
    }
}

/// Puts a posting that leads nowhere in the place of each number that is missing.
fn with_missing(found: Vec<Posting>, window: &Window) -> Vec<Posting> {
    // Before the first number since a time there is no telling which ones are missing.
    let start = if window.forward { window.low } else { window.high };
    let edge = if window.since_ms > 0 {
        found.first().map(|first| first.seq)
    } else {
        Some(start)
    };
    let Some(mut expected) = edge else { return found };
    let last = if window.forward { window.high } else { window.low };
    let span = expected.abs_diff(last).saturating_add(1);
    let wanted = usize::try_from(span).unwrap_or(usize::MAX).min(window.limit);
    let unbroken = found
        .last()
        .is_some_and(|last| last.seq.abs_diff(expected) + 1 == found.len() as u64);
    if unbroken && found.len() >= wanted {
        return found;
    }
    let backward_since = !window.forward && window.since_ms > 0;
    let mut whole = Vec::with_capacity(wanted);
    let mut known = found.into_iter().peekable();
    let mut time_ms = window.since_ms;
    while whole.len() < wanted {
        if let Some(posting) = known.next_if(|posting| posting.seq == expected) {
            time_ms = posting.time_ms;
            whole.push(posting);
        } else if backward_since && known.peek().is_none() {
            break;
        } else {
            whole.push(Posting {
                seq: expected,
                time_ms,
                tag: 0,
                location: NOWHERE,
            });
        }
        expected = if window.forward {
            expected + 1
        } else {
            expected.saturating_sub(1)
        };
    }
    whole
}
