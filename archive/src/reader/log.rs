//! Reads every message in the order of the log, whoever it is for.

use std::sync::Arc;

use godwit_model::ServerId;

use super::{lost, read, segment_of};
use crate::index::Index;
use crate::query::ReadError;
use crate::record::Record;
use crate::segment::Location;
use crate::view::SharedView;

/// Messages of the log that follow each other.
#[derive(Clone, Debug, Default)]
pub struct LogPage {
    /// In the order of the log. What is not kept any more is left out.
    pub records: Vec<Arc<Record>>,
    /// Up to here the log was looked at; the next page is after it.
    pub last: ServerId,
}

/// The messages after one, or after where it was.
pub(crate) fn after(
    view: &SharedView,
    now_ms: u64,
    after: ServerId,
    (limit, bytes_max): (usize, usize),
) -> Result<LogPage, ReadError> {
    let (newest, active, finished) = {
        let view = view.read();
        let newest = view.active.messages_after(after, limit)?;
        (newest, view.active.segment().clone(), view.finished())
    };
    let mut found: Vec<(ServerId, Location)> = Vec::new();
    for index in finished.oldest_first() {
        if found.len() >= limit {
            break;
        }
        if index.last_id() > after {
            found.extend(index.messages_after(after, limit - found.len())?);
        }
    }
    found.extend(newest.into_iter().take(limit - found.len().min(limit)));
    let mut page = LogPage {
        records: Vec::with_capacity(found.len()),
        last: after,
    };
    let (sight, until) = (view.sight(now_ms), view.until());
    let mut bytes = 0;
    for (id, location) in found {
        if bytes >= bytes_max {
            break;
        }
        page.last = id;
        // The segment may be dropped while its index still covers others.
        let Some(segment) = segment_of(&active, &finished, location) else {
            continue;
        };
        let record = match read(&segment, location, view.keys(), until)? {
            Some(record) => Arc::new(sight.show(record)),
            None => lost(id),
        };
        bytes += record.body.len();
        page.records.push(record);
    }
    Ok(page)
}

/// The newest message; 0 if there never was one.
pub(crate) fn last(view: &SharedView) -> ServerId {
    let view = view.read();
    let finished = view.finished();
    let newest = finished.newest_first().map(Index::last_id).max();
    newest.unwrap_or_default().max(view.active.last_id())
}
