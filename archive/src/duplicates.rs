//! Whether a draft was stored before.

use std::sync::Arc;
use std::time::Instant;

use godwit_model::limits::DUPLICATE_WINDOW_MS;

use crate::entry::{DuplicateKey, Receipt};
use crate::frame::FrameKind;
use crate::index::Index;
use crate::query::ReadError;
use crate::record::Record;
use crate::record::decode::{self, Stored};
use crate::segment::{Location, Segment};
use crate::view::SharedView;

/// What is known of a duplicate key.
pub(crate) enum Judgement {
    /// Nothing, or nothing within the window.
    New,
    /// It was stored with the same body.
    Same(Receipt),
    /// It was stored with another body.
    Other(Receipt),
}

/// Looks for a durable record with this key that was accepted within the window before `now_ms`.
pub(crate) fn judge(view: &SharedView, key: DuplicateKey, now_ms: u64) -> Result<Judgement, ReadError> {
    let since_ms = now_ms.saturating_sub(DUPLICATE_WINDOW_MS);
    let Some((segment, location)) = find(view, key.key, since_ms)? else {
        return Ok(Judgement::New);
    };
    // The writer asks, and never waits for a store: what comes again is told to come later, if it ever comes to that.
    let no_wait = Some(Instant::now());
    // A record whose bytes are lost cannot answer; the draft that comes again restores it under new numbers.
    let Some((kind, body)) = segment.frame_until(location.offset, no_wait)? else {
        return Ok(Judgement::New);
    };
    let Some(stored) = decode::stored(&body) else {
        return Ok(Judgement::New);
    };
    let Some(original) = stored.key else {
        return Ok(Judgement::New);
    };
    if stored.record.server_time_ms < since_ms || original.key != key.key {
        return Ok(Judgement::New);
    }
    let mut receipt = receipt(stored.opened(view.keys()), kind);
    if let Some(reason) = view.sight(now_ms).gone(&receipt.record) {
        receipt.record = Arc::new(Record::clone(&receipt.record).without_body(reason));
    }
    Ok(if original.body == key.body {
        Judgement::Same(receipt)
    } else {
        Judgement::Other(receipt)
    })
}

/// Whether some index holds this key within the window before `now_ms`.
pub(crate) fn find_within(view: &SharedView, key: u128, now_ms: u64) -> Result<bool, ReadError> {
    let found = find(view, key, now_ms.saturating_sub(DUPLICATE_WINDOW_MS))?;
    Ok(found.is_some())
}

fn find(view: &SharedView, key: u128, since_ms: u64) -> Result<Option<(Segment, Location)>, ReadError> {
    let finished = {
        let view = view.read();
        if let Some(location) = view.active.original(key)? {
            return Ok(Some((view.active.segment().clone(), location)));
        }
        view.finished()
    };
    for index in finished.newest_first().filter(|index| index.last_ms() >= since_ms) {
        if let Some(location) = index.original(key)? {
            // Of a dropped segment nothing is known any more.
            return Ok(finished.segment(location.segment).map(|segment| (segment, location)));
        }
    }
    Ok(None)
}

fn receipt(stored: Stored, kind: FrameKind) -> Receipt {
    let sender = stored.record.sender;
    let numbers = if kind == FrameKind::Message {
        stored.numbers()
    } else {
        None
    };
    let sender_seq = numbers.and_then(|numbers| {
        let at = numbers.binary_search_by_key(&sender, |(account, _)| *account).ok()?;
        Some(numbers[at].1)
    });
    let recipients = u32::try_from(stored.recipients).unwrap_or(u32::MAX);
    let fingerprint = stored.key.map_or(0, |key| key.body);
    Receipt {
        record: Arc::new(stored.record),
        sender_seq,
        recipients,
        duplicate: true,
        fingerprint,
    }
}
