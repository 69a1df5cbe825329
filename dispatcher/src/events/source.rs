//! Pages of events for one tenant: from the log, and from what was noted.
//!
//! The log is everybody's, and its readers are mostly at the same place: what one of them read is kept for the others.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use godwit_archive::Record;
use godwit_model::{Refused, ServerId, TenantNo};

use super::event::{self, Event};
use super::kind::{EventKind, Kinds};
use crate::Dispatcher;
use crate::failure::of_registry;

/// Messages of one stretch of the log.
const STRETCH_RECORDS: usize = 256;
/// Bytes of one stretch.
const STRETCH_BYTES: usize = 512 * 1024;
/// Stretches that are kept for others.
const STRETCHES_MAX: usize = 16;
/// Noted events of one page.
const NOTED_MAX: u64 = 64;

/// Where a reader of events is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Up to this message.
    pub(crate) log: ServerId,
    /// Up to this noted event.
    pub(crate) noted: u64,
}

/// A page of events.
pub(crate) struct Page {
    pub(crate) events: Vec<Event>,
    /// Where the next page begins.
    pub(crate) next: Place,
}

/// A stretch of the log.
struct Stretch {
    after: ServerId,
    last: ServerId,
    messages: Vec<(TenantNo, EventKind, Arc<Record>)>,
    /// Whether it can grow no more.
    is_full: bool,
}

/// Reads events.
#[derive(Default)]
pub(crate) struct Source {
    kept: Mutex<VecDeque<Arc<Stretch>>>,
    newest: AtomicU64,
}

impl Source {
    /// The highest number of a noted event.
    pub(super) fn know_newest(&self, newest: u64) {
        self.newest.fetch_max(newest, Ordering::SeqCst);
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::SeqCst)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Stretch>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, after: ServerId, head: ServerId) -> Option<Arc<Stretch>> {
        let kept = self.kept();
        let found = kept.iter().find(|stretch| stretch.after == after)?;
        (found.is_full || found.last >= head).then(|| Arc::clone(found))
    }

    fn keep(&self, stretch: &Arc<Stretch>) {
        let mut kept = self.kept();
        kept.retain(|other| other.after != stretch.after);
        if kept.len() >= STRETCHES_MAX {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(stretch));
    }
}

impl Dispatcher {
    /// Where events begin that are still to come.
    pub(super) fn place_now(&self, source: &Source) -> Place {
        Place {
            log: self.archive.last_message(),
            noted: source.newest(),
        }
    }

    /// The events of a tenant after a place, as far as one page goes; it may have moved without any.
    pub(super) async fn page_of_events(
        &self,
        source: &Source,
        (tenant, kinds): (TenantNo, Kinds),
        from: Place,
    ) -> Result<Page, Refused> {
        let mut page = Page {
            events: Vec::new(),
            next: from,
        };
        if EventKind::ALL
            .into_iter()
            .any(|kind| kind.is_of_log() && kinds.contains(kind))
        {
            if let Some(stretch) = self.stretch(source, from.log).await? {
                page.next.log = stretch.last;
                let own = stretch
                    .messages
                    .iter()
                    .filter(|(of, kind, _)| *of == tenant && kinds.contains(*kind));
                // It may have been taken back since it was read.
                page.events.extend(own.filter_map(|(_, kind, record)| {
                    let shown = self.archive.show(record);
                    event::classify(&shown).map(|_| event::of_record(&shown, *kind))
                }));
            }
        } else {
            page.next.log = self.archive.last_message();
        }
        let newest = source.newest();
        if from.noted < newest {
            let noted = self.registry.events_after(tenant, from.noted, NOTED_MAX).await;
            let noted = noted.map_err(of_registry)?;
            let last = noted.last().map_or(0, |last| last.no);
            // One task notes all of them in their order, so that up to here there are no others of this tenant.
            page.next.noted = if noted.len() as u64 == NOTED_MAX {
                last
            } else {
                last.max(newest)
            };
            let events = noted.into_iter().filter_map(event::of_stored);
            page.events.extend(events.filter(|event| kinds.contains(event.kind)));
            page.events.sort_by_key(|event| event.at_ms);
        }
        Ok(page)
    }

    /// The stretch of the log after a message; `None` at its end.
    async fn stretch(&self, source: &Source, after: ServerId) -> Result<Option<Arc<Stretch>>, Refused> {
        let head = self.archive.last_message();
        if head <= after {
            return Ok(None);
        }
        if let Some(found) = source.find(after, head) {
            return Ok(Some(found));
        }
        let page = self
            .read(move |archive| archive.log_after(after, STRETCH_RECORDS, STRETCH_BYTES))
            .await?;
        if page.last == after {
            return Ok(None);
        }
        let bytes: usize = page.records.iter().map(|record| record.body.len()).sum();
        let classified = page.records.iter().filter_map(|record| {
            let (tenant, kind) = event::classify(record)?;
            Some((tenant, kind, Arc::clone(record)))
        });
        let stretch = Arc::new(Stretch {
            after,
            last: page.last,
            is_full: page.records.len() >= STRETCH_RECORDS || bytes >= STRETCH_BYTES,
            messages: classified.collect(),
        });
        source.keep(&stretch);
        Ok(Some(stretch))
    }

    /// The event of a message that waits; `None` where it is gone by now.
    pub(super) async fn event_of_message(&self, id: ServerId) -> Result<Option<Event>, Refused> {
        let record = self.read(move |archive| archive.message(id)).await?;
        Ok(record.and_then(|record| {
            let (_, kind) = event::classify(&record)?;
            Some(event::of_record(&record, kind))
        }))
    }
}
