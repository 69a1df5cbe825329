//! Messages that are kept back: stored durably, and sent once their time has come, whatever stops in between.
//!
//! A draft is judged when it is asked and again when it is sent: by then a user may be gone, or blocked. It is sent under
//! its own id, so that the archive knows it when a crash makes it come twice.

mod run;
mod unsent;
mod wish;

pub(crate) use unsent::Unsent;

pub use wish::ScheduleWish;

use std::sync::atomic::Ordering;

use godwit_model::{Draft, Refusal, Refused};
use godwit_protocol::{fingerprint, stored_draft};
use godwit_registry::NewSchedule;

use crate::accept::Accepted;
use crate::author::Author;
use crate::failure::of_registry;
use crate::{Dispatcher, new_message_id};

/// Where a message waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBack {
    /// The id of the schedule.
    pub schedule_id: String,
    /// When it is sent, in milliseconds since 1970.
    pub deliver_at_ms: u64,
}

impl Dispatcher {
    /// Judges a draft that is to be sent later.
    pub(crate) async fn keep_back(&self, author: &Author, draft: Draft, delay_ms: u64) -> Result<Accepted, Refused> {
        let now_ms = self.clock.now_ms();
        let left_ms = draft
            .expires_at_ms
            .map(|expires_at_ms| expires_at_ms.saturating_sub(now_ms));
        let lifetime_ms = left_ms.or_else(|| draft.ttl_s.map(|ttl_s| u64::from(ttl_s) * 1_000));
        let new = NewSchedule {
            id: new_message_id(now_ms)?,
            tenant: author.tenant,
            author: author.name.clone(),
            app: author.app.as_ref().map(|app| app.no),
            account: author.account.as_ref().map(|account| account.no),
            device_id: author.device_id.as_ref().map(ToString::to_string),
            draft_id: draft.id.clone(),
            fingerprint: fingerprint::draft(&draft),
            draft: stored_draft::encode(&draft),
            lifetime_ms,
            created_at_ms: now_ms,
            due_at_ms: now_ms.saturating_add(delay_ms),
        };
        if self.was_sent(author, &draft.id).await? {
            // The log knows it: it is that message, or another meaning.
            return self.judge_draft(author, draft).await;
        }
        let accepted = self.judge_draft(author, draft).await?;
        Ok(Accepted {
            kept_back: Some(Box::new(new)),
            ..accepted
        })
    }

    /// Whether a draft under this id was sent without ever being kept back.
    async fn was_sent(&self, author: &Author, id: &str) -> Result<bool, Refused> {
        let has_schedule = self
            .registry
            .has_schedule_of_draft(author.tenant, &author.name, id)
            .await;
        if has_schedule.map_err(of_registry)? {
            return Ok(false);
        }
        let key = fingerprint::draft_key(author.tenant, &author.name, id);
        self.read(move |archive| archive.knows_draft(key)).await
    }

    /// Keeps what was judged; says where it waits, and whether it is new.
    pub(crate) async fn store_schedule(self, new: Box<NewSchedule>) -> Result<(KeptBack, bool), Refused> {
        let (kept, is_new) = self.registry.keep_schedule(&new).await.map_err(of_registry)?;
        if kept.asked.fingerprint != new.fingerprint {
            return Err(Refusal::IdConflict.into());
        }
        if is_new {
            self.unsent
                .add(fingerprint::draft_key(new.tenant, &new.author, &new.draft_id));
        }
        self.know_due(kept.asked.due_at_ms);
        Ok((
            KeptBack {
                schedule_id: kept.asked.id,
                deliver_at_ms: kept.asked.due_at_ms,
            },
            is_new,
        ))
    }

    /// Something is due at this time.
    pub(crate) fn know_due(&self, due_at_ms: u64) {
        self.next_due_ms.fetch_min(due_at_ms, Ordering::SeqCst);
    }
}
