//! The lowest kept number of an inbox or a conversation, found in the indexes.

use crate::index::{Index, Line, Posting, Window};
use crate::query::ReadError;
use crate::view::{Finished, SharedView};

/// Postings looked at in one step.
const STEP: usize = 64;

/// What the active segment and the heads say, taken while the view is locked.
pub(crate) struct Above {
    /// The lowest kept number that the active segment gave.
    pub(crate) active: Option<u64>,
    /// The number after the last.
    pub(crate) next: u64,
}

/// The lowest kept number of an inbox; the number after the last if none is kept. May read the disk.
pub(crate) fn of_inbox(view: &SharedView, account: godwit_model::AccountNo) -> Result<u64, ReadError> {
    let line = Line::Inbox(account);
    let (above, finished) = {
        let view = view.read();
        let finished = view.finished();
        if finished.dropped().lowest <= 1 {
            return Ok(1);
        }
        let next = view.heads.account(account).saturating_add(1);
        (in_active(&view.active, &finished, line, next)?, finished)
    };
    in_finished(&finished, line, &above)
}

/// Looks into the active segment.
pub(crate) fn in_active(active: &dyn Index, finished: &Finished, line: Line, next: u64) -> Result<Above, ReadError> {
    let active = lowest_kept(active, finished, line, 0)?;
    Ok(Above { active, next })
}

/// Looks into the finished segments, from the lowest kept one on.
pub(crate) fn in_finished(finished: &Finished, line: Line, above: &Above) -> Result<u64, ReadError> {
    let lowest = finished.dropped().lowest;
    if lowest <= 1 {
        return Ok(1);
    }
    let since_ms = finished.first_ms(lowest);
    for index in finished.oldest_first() {
        if index.range().1 >= lowest
            && let Some(seq) = lowest_kept(index, finished, line, since_ms)?
        {
            return Ok(seq);
        }
    }
    Ok(above.active.unwrap_or(above.next))
}

/// The first number whose record is kept. Numbers of a dropped segment may share a millisecond with the first kept
/// ones, and a fan-out may have given numbers of a message that is dropped: both are passed over.
fn lowest_kept(index: &dyn Index, finished: &Finished, line: Line, since_ms: u64) -> Result<Option<u64>, ReadError> {
    let kept = |posting: &&Posting| !finished.dropped().is_dropped(posting.location.segment);
    let mut window = Window {
        since_ms,
        limit: STEP,
        forward: true,
        ..Window::LAST
    };
    loop {
        let postings = index.postings(line, &window)?;
        if let Some(posting) = postings.iter().find(kept) {
            return Ok(Some(posting.seq));
        }
        let Some(last) = postings.last().filter(|_| postings.len() == STEP) else {
            return Ok(None);
        };
        window.low = last.seq.saturating_add(1);
    }
}
