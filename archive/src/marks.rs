//! Which messages were taken back: known from the moment that is durable, on the disk once their segment is rewritten.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use godwit_model::ServerId;

use crate::record::{GoneReason, Record, RecordKind};
use crate::state::Map;

/// Most marks whose messages are still in their segments; about 40 bytes each.
const OUTSTANDING_MAX: usize = 1 << 20;
/// Marks kept in memory after the rewriting, for copies of their messages that wait for a slow device.
const SETTLED_MAX: usize = 1 << 18;

/// Why and when a message was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) reason: GoneReason,
    /// Server time in milliseconds.
    pub(crate) at_ms: u64,
}

/// All marks that readers have to ask.
#[derive(Default)]
pub(crate) struct Marks {
    table: RwLock<Table>,
    /// Whether there is any, so that most readers need no lock.
    any: AtomicBool,
}

#[derive(Default)]
struct Table {
    outstanding: Map<ServerId, Mark>,
    settled: Map<ServerId, GoneReason>,
    /// The settled ones, oldest first.
    order: VecDeque<ServerId>,
}

impl Marks {
    /// The marks a start found.
    pub(crate) fn of(outstanding: Map<ServerId, Mark>) -> Self {
        Self {
            any: AtomicBool::new(!outstanding.is_empty()),
            table: RwLock::new(Table {
                outstanding,
                ..Table::default()
            }),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a message was taken back, if it was.
    pub(crate) fn reason(&self, id: ServerId) -> Option<GoneReason> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let table = self.read();
        let outstanding = table.outstanding.get(&id).map(|mark| mark.reason);
        outstanding.or_else(|| table.settled.get(&id).copied())
    }

    /// Whether so many more may be made.
    pub(crate) fn has_room(&self, count: usize) -> bool {
        self.read().outstanding.len() + count <= OUTSTANDING_MAX
    }

    /// These are durable. The first reason of a message stays.
    pub(crate) fn add(&self, marks: &[(ServerId, Mark)]) {
        if marks.is_empty() {
            return;
        }
        let mut table = self.write();
        for (id, mark) in marks {
            if !table.settled.contains_key(id) {
                table.outstanding.entry(*id).or_insert(*mark);
            }
        }
        self.any.store(true, Ordering::Release);
    }

    /// Those whose messages are still in their segments.
    pub(crate) fn outstanding(&self) -> Map<ServerId, Mark> {
        self.read().outstanding.clone()
    }

    /// The message is not on the disk any more.
    pub(crate) fn settle(&self, id: ServerId) {
        let mut table = self.write();
        let Some(mark) = table.outstanding.remove(&id) else {
            return;
        };
        table.settled.insert(id, mark.reason);
        table.order.push_back(id);
        if table.order.len() > SETTLED_MAX
            && let Some(oldest) = table.order.pop_front()
        {
            table.settled.remove(&oldest);
        }
    }
}

/// How records look at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) marks: &'a Marks,
    pub(crate) now_ms: u64,
}

impl Sight<'_> {
    /// Why a record's content may not be shown, if so.
    pub(crate) fn gone(&self, record: &Record) -> Option<GoneReason> {
        if matches!(record.kind, RecordKind::Gone(_)) {
            return None;
        }
        let expired = record.expires_at_ms.is_some_and(|expires| expires <= self.now_ms);
        let marked = self.marks.reason(record.server_id);
        marked.or(expired.then_some(GoneReason::Expired))
    }

    /// The record as it may be shown.
    pub(crate) fn show(&self, record: Record) -> Record {
        match self.gone(&record) {
            Some(reason) => record.without_body(reason),
            None => record,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_mark_is_still_known_and_the_first_reason_stays() {
        let marks = Marks::default();
        assert_eq!(marks.reason(ServerId(1)), None);
        let mark = |reason| Mark { reason, at_ms: 5 };
        marks.add(&[(ServerId(1), mark(GoneReason::Recalled))]);
        marks.add(&[(ServerId(1), mark(GoneReason::Erased))]);
        assert_eq!(marks.reason(ServerId(1)), Some(GoneReason::Recalled));
        marks.settle(ServerId(1));
        marks.add(&[(ServerId(1), mark(GoneReason::Erased))]);
        assert_eq!(marks.reason(ServerId(1)), Some(GoneReason::Recalled));
        assert!(marks.outstanding().is_empty());
    }

    #[test]
    fn settled_marks_take_bounded_memory() {
        let marks = Marks::default();
        let mark = Mark {
            reason: GoneReason::Erased,
            at_ms: 0,
        };
        for n in 0..=SETTLED_MAX as u128 {
            marks.add(&[(ServerId(n), mark)]);
            marks.settle(ServerId(n));
        }
        assert_eq!(marks.reason(ServerId(0)), None);
        assert_eq!(marks.reason(ServerId(1)), Some(GoneReason::Erased));
        assert_eq!(marks.read().settled.len(), SETTLED_MAX);
    }
}
