//! Reads pages of inboxes and conversations, and single messages. No lock is held while the disk is read.

use std::sync::Arc;
use std::time::Instant;

use godwit_model::{AccountNo, ConversationKey, ServerId};

use crate::frame::FrameKind;
use crate::index::{Index, Line, Posting, Window};
use crate::query::{ConversationQuery, InboxQuery, ReadError};
use crate::record::{GoneReason, Item, Record, RecordKind, conversation_tag, decode};
use crate::seal::KeyRing;
use crate::segment::{Location, Segment};
use crate::view::{Finished, SharedView};

pub(crate) mod log;
mod walk;

use walk::Snapshot;

/// A page of an inbox.
pub(crate) fn inbox(
    view: &SharedView,
    now_ms: u64,
    account: AccountNo,
    query: &InboxQuery,
) -> Result<Vec<Item>, ReadError> {
    let page = Page {
        line: Line::Inbox(account),
        conversation: query.conversation,
        after: query.after,
        before: query.before,
        since_ms: query.since_ms,
        limit: query.limit,
        bytes_max: query.bytes_max,
    };
    page.read(view, now_ms)
}

/// A page of a conversation.
pub(crate) fn conversation(
    view: &SharedView,
    now_ms: u64,
    conversation: ConversationKey,
    query: &ConversationQuery,
) -> Result<Vec<Arc<Record>>, ReadError> {
    let page = Page {
        line: Line::Conversation(conversation),
        conversation: None,
        after: query.after,
        before: query.before,
        since_ms: query.since_ms,
        limit: query.limit,
        bytes_max: usize::MAX,
    };
    Ok(page.read(view, now_ms)?.into_iter().map(|item| item.record).collect())
}

/// One message.
pub(crate) fn message(view: &SharedView, now_ms: u64, id: ServerId) -> Result<Option<Arc<Record>>, ReadError> {
    let Some((segment, location)) = find(view, id)? else {
        return Ok(None);
    };
    let found =
        read(&segment, location, view.keys(), view.until())?.map(|record| Arc::new(view.sight(now_ms).show(record)));
    Ok(found.or_else(|| Some(lost(id))))
}

/// Whom a message is for.
pub(crate) fn recipients(view: &SharedView, id: ServerId) -> Result<Vec<AccountNo>, ReadError> {
    let Some((segment, location)) = find(view, id)? else {
        return Ok(Vec::new());
    };
    let Some((kind, body)) = segment.frame_until(location.offset, view.until())? else {
        return Ok(Vec::new());
    };
    let accounts = decode::stored(&body).and_then(|stored| match kind {
        FrameKind::Message => Some(stored.numbers()?.into_iter().map(|(account, _)| account).collect()),
        FrameKind::Intent => stored.accounts(),
        _ => None,
    });
    Ok(accounts.unwrap_or_default())
}

/// Whose inboxes a message is in, and under which number each, ascending by account. `None` where there is no such message,
/// or its recipients were numbered after its commit.
pub(crate) fn numbers(view: &SharedView, id: ServerId) -> Result<Option<Vec<(AccountNo, u64)>>, ReadError> {
    let Some((segment, location)) = find(view, id)? else {
        return Ok(None);
    };
    let frame = segment.frame_until(location.offset, view.until())?;
    Ok(frame
        .filter(|(kind, _)| *kind == FrameKind::Message)
        .and_then(|(_, body)| decode::stored(&body)?.numbers()))
}

/// Where a message is.
pub(crate) fn find(view: &SharedView, id: ServerId) -> Result<Option<(Segment, Location)>, ReadError> {
    let finished = {
        let view = view.read();
        if let Some(location) = view.active.message(id)? {
            return Ok(Some((view.active.segment().clone(), location)));
        }
        view.finished()
    };
    for index in finished.newest_first() {
        if let Some(location) = index.message(id)? {
            // The segment may be dropped while its index still covers others.
            return Ok(finished.segment(location.segment).map(|segment| (segment, location)));
        }
    }
    Ok(None)
}

/// What is left of a message whose bytes are lost: its id and the time in it.
fn lost(id: ServerId) -> Arc<Record> {
    let record = Record::quarantined(None, 0, decode::time_of(id));
    Arc::new(Record {
        server_id: id,
        ..record
    })
}

/// Reads the record at a location; `None` if its bytes are not what was written.
fn read(
    segment: &Segment,
    location: Location,
    keys: Option<&KeyRing>,
    until: Option<Instant>,
) -> Result<Option<Record>, ReadError> {
    let Some((kind, body)) = segment.frame_until(location.offset, until)? else {
        return Ok(None);
    };
    let message = matches!(kind, FrameKind::Message | FrameKind::Intent);
    let stored = decode::stored(&body).filter(|_| message);
    Ok(stored.map(|stored| stored.opened(keys).record))
}

/// What is asked of a line.
struct Page {
    line: Line,
    conversation: Option<ConversationKey>,
    after: Option<u64>,
    before: Option<u64>,
    since_ms: Option<u64>,
    limit: usize,
    bytes_max: usize,
}

/// A page being filled.
struct Filled {
    items: Vec<Item>,
    bytes: usize,
    full: bool,
}

impl Page {
    fn read(&self, view: &SharedView, now_ms: u64) -> Result<Vec<Item>, ReadError> {
        let mut window = self.window();
        let mut page = Filled {
            items: Vec::with_capacity(self.limit.min(64)),
            bytes: 0,
            full: self.limit == 0,
        };
        let sight = view.sight(now_ms);
        let until = view.until();
        while !page.full && window.low <= window.high {
            let snapshot = Snapshot::take(view, self.line, &window)?;
            let postings = snapshot.postings(self.line, &window)?;
            for posting in &postings {
                let record = match snapshot.record(posting, view.keys(), until)? {
                    Some(record) => record,
                    None => self.lost(&snapshot, posting),
                };
                self.add(sight.show(record), posting.seq, &mut page);
                if page.full {
                    break;
                }
            }
            // Fewer than asked for is all there is. Otherwise some were passed over, and the page goes on behind them.
            let Some(last) = postings.last().filter(|_| postings.len() == window.limit) else {
                break;
            };
            if window.forward {
                window.low = last.seq.saturating_add(1);
            } else {
                window.high = last.seq.saturating_sub(1);
            }
        }
        if !window.forward {
            page.items.reverse();
        }
        Ok(page.items)
    }

    fn window(&self) -> Window {
        Window {
            low: self.after.map_or(1, |after| after.saturating_add(1)),
            high: self.before.map_or(u64::MAX, |before| before.saturating_sub(1)),
            since_ms: self.since_ms.unwrap_or(0),
            tag: self
                .conversation
                .map(|conversation| conversation_tag(Some(conversation))),
            limit: self.limit,
            forward: self.after.is_some() || self.since_ms.is_some(),
        }
    }

    fn add(&self, record: Record, seq: u64, page: &mut Filled) {
        let other = self.conversation.is_some() && record.conversation != self.conversation;
        // The number may have been given later than the message was accepted.
        if other || self.since_ms.is_some_and(|since| record.server_time_ms < since) {
            return;
        }
        page.bytes = page.bytes.saturating_add(record.body.len());
        if page.bytes > self.bytes_max && !page.items.is_empty() {
            page.full = true;
            return;
        }
        page.items.push(Item {
            seq,
            record: Arc::new(record),
        });
        page.full = page.items.len() >= self.limit;
    }

    /// What is shown for a number whose record is dropped or lost.
    fn lost(&self, snapshot: &Snapshot, posting: &Posting) -> Record {
        let quarantined = self.quarantined(posting);
        if !snapshot.is_dropped(posting) {
            return quarantined;
        }
        Record {
            kind: RecordKind::Gone(GoneReason::Expired),
            ..quarantined
        }
    }

    fn quarantined(&self, posting: &Posting) -> Record {
        match self.line {
            Line::Inbox(_) => Record::quarantined(self.conversation, 0, posting.time_ms),
            Line::Conversation(key) => Record::quarantined(Some(key), posting.seq, posting.time_ms),
        }
    }
}

/// The segment a location names.
fn segment_of(active: &Segment, finished: &Finished, location: Location) -> Option<Segment> {
    if active.no == location.segment {
        return Some(active.clone());
    }
    finished.segment(location.segment)
}
