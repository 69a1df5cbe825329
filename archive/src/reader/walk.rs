//! Follows one line through the segments, and shows the numbers that are missing.

use std::time::Instant;

use super::{read, segment_of};
use crate::conversation_heads;
use crate::floor::{self, Above};
use crate::index::{Index, Line, Posting, Window};
use crate::query::ReadError;
use crate::record::Record;
use crate::seal::KeyRing;
use crate::segment::{Location, Segment};
use crate::view::{Finished, SharedView};

/// The log as of one moment, as far as one page needs it.
pub(super) struct Snapshot {
    head: u64,
    active: Segment,
    /// What the active segment has for the page.
    newest: Vec<Posting>,
    finished: Finished,
    /// What the active segment says about the floor, if anything was dropped.
    above: Option<Above>,
}

impl Snapshot {
    pub(super) fn take(view: &SharedView, line: Line, window: &Window) -> Result<Self, ReadError> {
        let view = view.read();
        let finished = view.finished();
        let mut head = match line {
            Line::Inbox(account) => view.heads.account(account),
            Line::Conversation(conversation) => view.active.head_of(conversation),
        };
        let above = if finished.dropped().lowest > 1 {
            Some(floor::in_active(&view.active, &finished, line, head.saturating_add(1))?)
        } else {
            None
        };
        let active = view.active.segment().clone();
        let newest = view.active.postings(line, window)?;
        drop(view);
        if let Line::Conversation(conversation) = line
            && head == 0
        {
            head = conversation_heads::in_finished(&finished, conversation)?;
        }
        Ok(Self {
            head,
            active,
            newest,
            finished,
            above: above.map(|above| Above {
                next: head.saturating_add(1),
                ..above
            }),
        })
    }

    /// The numbers a window asks for, in its order, missing ones included.
    pub(super) fn postings(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        let mut window = Window {
            high: window.high.min(self.head),
            ..*window
        };
        if window.low > window.high {
            return Ok(Vec::new());
        }
        let mut found = self.found(line, &window)?;
        if let Some(floor) = self.floor_between(line, &window, &found)? {
            window.low = floor;
            if window.low > window.high {
                return Ok(Vec::new());
            }
            found = self.found(line, &window)?;
        }
        // Nobody knows to which conversation a missing number belonged.
        Ok(if window.tag.is_some() {
            found
        } else {
            with_missing(found, &window)
        })
    }

    fn found(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        if window.forward {
            self.forward(line, window)
        } else {
            self.backward(line, window)
        }
    }

    /// The floor, if it lies above the lowest number that is asked for.
    fn floor_between(&self, line: Line, window: &Window, found: &[Posting]) -> Result<Option<u64>, ReadError> {
        let Some(above) = &self.above else { return Ok(None) };
        let end = if window.forward { found.first() } else { found.last() };
        let full = !window.forward && found.len() >= window.limit;
        let certain = end.is_some_and(|end| (full || end.seq == window.low) && !self.is_dropped(end));
        if certain {
            return Ok(None);
        }
        let floor = floor::in_finished(&self.finished, line, above)?;
        Ok(Some(floor).filter(|floor| *floor > window.low))
    }

    /// Whether the record of a posting is not kept any more.
    pub(super) fn is_dropped(&self, posting: &Posting) -> bool {
        self.finished.dropped().is_dropped(posting.location.segment)
    }

    /// The record of a posting; `None` if it is lost.
    pub(super) fn record(
        &self,
        posting: &Posting,
        keys: Option<&KeyRing>,
        until: Option<Instant>,
    ) -> Result<Option<Record>, ReadError> {
        if posting.location == Location::NOWHERE {
            return Ok(None);
        }
        match segment_of(&self.active, &self.finished, posting.location) {
            Some(segment) => read(&segment, posting.location, keys, until),
            None => Ok(None),
        }
    }

    fn backward(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        let mut found = self.newest.clone();
        let indexes = self.finished.oldest_first();
        let above = Window {
            low: window.high.saturating_add(1),
            since_ms: 0,
            ..*window
        };
        // The first one that goes beyond what is asked for may hold some of it as well.
        let end = if window.high < self.head && found.is_empty() {
            (first_reaching(&indexes, line, &above)? + 1).min(indexes.len())
        } else {
            indexes.len()
        };
        for index in indexes[..end].iter().rev() {
            let complete = window.tag.is_none() && found.last().is_some_and(|last| last.seq <= window.low);
            if found.len() >= window.limit || complete || index.last_ms() < window.since_ms {
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

    /// Finds the index that holds the first number, and goes on from there.
    fn forward(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        let indexes = self.finished.oldest_first();
        let in_active = window.tag.is_none() && self.newest.first().is_some_and(|first| first.seq <= window.low);
        let start = if in_active {
            indexes.len()
        } else {
            first_reaching(&indexes, line, window)?
        };
        let mut found = Vec::new();
        for index in &indexes[start..] {
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

/// The first of the indexes, oldest first, that holds a number of the line at or above the window's start; as many as
/// there are if none does. Numbers ascend from index to index, so few of them are looked at: steps that double from the
/// newest on, and then halves.
fn first_reaching(indexes: &[&dyn Index], line: Line, window: &Window) -> Result<usize, ReadError> {
    // Everything from `known` on reaches; nothing below `tried` does.
    let mut known = indexes.len();
    let mut step = 1;
    let mut tried = 0;
    while known > tried {
        let at = known.saturating_sub(step).max(tried);
        let Some(found) = last_at_or_below(&indexes[tried..=at], line, window)? else {
            tried = at + 1;
            break;
        };
        known = tried + found;
        step *= 2;
    }
    while known > tried {
        let middle = tried.midpoint(known - 1);
        match last_at_or_below(&indexes[tried..=middle], line, window)? {
            Some(found) => known = tried + found,
            None => tried = middle + 1,
        }
    }
    Ok(known)
}

/// The newest of the indexes that has any number of the line, if its last one is at or above the window's start.
fn last_at_or_below(indexes: &[&dyn Index], line: Line, window: &Window) -> Result<Option<usize>, ReadError> {
    for (at, index) in indexes.iter().enumerate().rev() {
        if index.last_ms() < window.since_ms {
            return Ok(None);
        }
        if let Some(last) = index.postings(line, &Window::LAST)?.first() {
            return Ok((last.seq >= window.low && last.time_ms >= window.since_ms).then_some(at));
        }
    }
    Ok(None)
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
                location: Location::NOWHERE,
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
