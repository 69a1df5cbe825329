//! Fills a commit: the step of a fan-out, the entries, the devices.

use bytes::Bytes;
use godwit_model::ConversationKey;
use godwit_model::limits::INLINE_RECIPIENTS_MAX;

use super::Writer;
use super::batch::Admitted;
use super::queue::{Queued, Reply};
use crate::conversation_heads;
use crate::device::table::Dirty;
use crate::duplicates::{Judgement, judge};
use crate::entry::{AppendError, DuplicateKey, Entry, Receipt};
use crate::marks::Mark;

/// An answer that has to wait for the sync.
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) result: Result<Receipt, AppendError>,
}

/// What to do with an entry.
enum Verdict {
    Store,
    /// The answer rests on what is durable.
    Now(Result<Receipt, AppendError>),
    /// The answer rests on this commit.
    AfterSync(Result<Receipt, AppendError>),
}

impl Writer {
    /// Fills the commit with what was taken. Without room only duplicates are answered.
    pub(super) fn build(&mut self, room: bool, devices: &[Dirty]) {
        self.last_ms = self.last_ms.max(self.clock.now_ms());
        self.batch.begin(self.place());
        if room && let Some(fanout) = self.fanouts.current() {
            self.batch
                .add_chunk(fanout, self.last_ms, &self.shared.view.read().heads);
        }
        self.withdrawn.clear();
        let mut taken = std::mem::take(&mut self.taken);
        for queued in taken.drain(..) {
            self.take_entry(queued, room);
        }
        self.taken = taken;
        if room {
            self.add_marks();
        }
        if room && !devices.is_empty() {
            self.batch
                .add_devices(devices.iter().map(|dirty| (dirty.device, dirty.state.as_ref())));
        }
    }

    /// Adds the marks that are new. The answers of all of them wait for the sync.
    fn add_marks(&mut self) {
        let known = &self.shared.view.marks;
        let at_ms = self.last_ms;
        let alone = self.marks.iter().map(|queued| (queued.id, queued.reason));
        let wanted = self.withdrawn.iter().copied().chain(alone);
        let fresh = wanted.filter(|(id, _)| known.reason(*id).is_none());
        self.batch
            .add_marks(fresh.map(|(id, reason)| (id, Mark { reason, at_ms })));
    }

    fn take_entry(&mut self, queued: Queued, room: bool) {
        let Queued {
            entry,
            sealed,
            withdraws,
            reply,
            ..
        } = queued;
        let verdict = entry.duplicate_key.map_or(Verdict::Store, |key| self.judge(key));
        let result = match verdict {
            // That a notice is stored says nothing of its mark, which may be needed once more.
            Verdict::Now(result) if withdraws.is_none() => {
                count(&result);
                // Who does not wait any more needs no answer.
                let _ = reply.send(result);
                return;
            }
            Verdict::Now(result) | Verdict::AfterSync(result) => result,
            Verdict::Store if room => self.store(entry, sealed),
            Verdict::Store => Err(AppendError::StorageFull),
        };
        if matches!(result, Ok(_) | Err(AppendError::Conflict(_))) {
            self.withdrawn.extend(withdraws);
        }
        self.answers.push(Answer { reply, result });
    }

    fn judge(&self, key: DuplicateKey) -> Verdict {
        if let Some(original) = self.batch.original(key.key) {
            let receipt = Receipt {
                duplicate: true,
                ..original.receipt.clone()
            };
            let same = original.key.is_some_and(|original| original.body == key.body);
            return Verdict::AfterSync(if same {
                Ok(receipt)
            } else {
                Err(AppendError::Conflict(Box::new(receipt)))
            });
        }
        match judge(&self.shared.view, key, self.last_ms) {
            Ok(Judgement::New) => Verdict::Store,
            Ok(Judgement::Same(receipt)) => Verdict::Now(Ok(receipt)),
            Ok(Judgement::Other(receipt)) => Verdict::Now(Err(AppendError::Conflict(Box::new(receipt)))),
            Err(error) => {
                // Storing it might store it twice, so it is not taken now.
                self.sealer.report(&error);
                tracing::error!(%error, "a duplicate key could not be looked up");
                Verdict::Now(Err(AppendError::Overloaded))
            }
        }
    }

    fn store(&mut self, entry: Entry, sealed: Option<Bytes>) -> Result<Receipt, AppendError> {
        let later = self.is_later(&entry);
        if later && !self.fanouts.has_room(entry.recipients.len()) {
            return Err(AppendError::Overloaded);
        }
        if let Some(conversation) = entry.conversation {
            self.know_conversation(conversation)?;
        }
        let id = self.ids.next(self.last_ms);
        self.last_ms = self.last_ms.max(crate::record::decode::time_of(id));
        let entry = Admitted { entry, sealed, later };
        Ok(self.batch.add(entry, id, &self.shared.view.read().heads))
    }

    /// Finds out the last number of a conversation before the commit numbers on from it.
    fn know_conversation(&mut self, conversation: ConversationKey) -> Result<(), AppendError> {
        if self.batch.knows(conversation) {
            return Ok(());
        }
        let head = match self.remembered.get(conversation) {
            Some(head) => head,
            None => conversation_heads::look_up(&self.shared.view, conversation).map_err(|error| {
                // A wrong number cannot be taken back, so the entry is not taken now.
                self.sealer.report(&error);
                tracing::error!(%error, "the last number of a conversation could not be looked up");
                AppendError::Overloaded
            })?,
        };
        self.batch.know(conversation, head);
        Ok(())
    }

    /// Whether the recipients are numbered by a fan-out: there are many, or an earlier message of the conversation
    /// is still under way to them.
    fn is_later(&self, entry: &Entry) -> bool {
        if entry.recipients.len() > INLINE_RECIPIENTS_MAX {
            return true;
        }
        let behind = |conversation| self.fanouts.is_busy(conversation) || self.batch.starts_fanout(conversation);
        !entry.recipients.is_empty() && entry.conversation.is_some_and(behind)
    }
}

/// Counts an append by how it ended.
pub(crate) fn count(result: &Result<Receipt, AppendError>) {
    let outcome = match result {
        Ok(receipt) if receipt.duplicate => "duplicate",
        Ok(_) => "stored",
        Err(AppendError::Overloaded) => "overloaded",
        Err(AppendError::StorageFull) => "storage_full",
        Err(AppendError::Stopped) => "stopped",
        Err(AppendError::TooLarge) => "too_large",
        Err(AppendError::NoKey) => "no_key",
        Err(AppendError::Conflict(_)) => "conflict",
    };
    metrics::counter!("archive_appends_total", "outcome" => outcome).increment(1);
}
