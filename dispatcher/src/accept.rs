//! Whether a draft may be sent, and what it becomes. The one place that judges drafts, whatever door they came through.

use std::sync::Arc;

use bytes::Bytes;
use godwit_archive::{DuplicateKey, Entry, RecordKind};
use godwit_model::{Draft, Refusal, Refused, duplicate};
use godwit_protocol::body::{FORM_FROM_APP, FORM_HAS_PROPERTIES, FORM_TO_IS_READER};
use godwit_protocol::{Body, content, fingerprint, properties};
use godwit_registry::NewSchedule;

use crate::author::Author;
use crate::call::told_elsewhere;
use crate::expand::{AcceptedTarget, RefusedTarget, Route};
use crate::hooks::Desk;
use crate::{Dispatcher, Sender};

/// A draft that may be sent: ready for the archive.
#[derive(Debug)]
pub struct Accepted {
    pub(crate) id: String,
    pub(crate) entry: Entry,
    /// What the sender's other devices are told once it is stored.
    pub(crate) told: Option<Entry>,
    /// What is to be kept until its time has come, in the place of the entry being stored now.
    pub(crate) kept_back: Option<Box<NewSchedule>>,
    /// What each address stands for, where there are several or one stands for several.
    pub(crate) reached: Vec<AcceptedTarget>,
    pub(crate) refused: Vec<RefusedTarget>,
}

impl Dispatcher {
    /// Judges a draft and finds its recipients. Resolves at once when the registry has everything cached.
    ///
    /// # Errors
    /// Every reason a draft can be refused for, except those the archive decides (`id_conflict`, room).
    pub async fn accept(&self, sender: &Sender, draft: Draft) -> Result<Accepted, Refused> {
        self.check_id(&draft)?;
        let author = self.author(sender, draft.from.as_ref()).await?;
        if let Some(desk) = self.hooks.in_use() {
            return Box::pin(self.accept_asked(desk, &author, draft)).await;
        }
        self.accept_of(&author, draft).await
    }

    /// The same where somebody may have to be asked. What its sender said tells a repeat, not what became of it.
    async fn accept_asked(&self, desk: &Arc<Desk>, author: &Author, draft: Draft) -> Result<Accepted, Refused> {
        let Some(rewritten) = self.ask_before_send(desk, author, &draft).await? else {
            return self.accept_of(author, draft).await;
        };
        let mut accepted = self.accept_of(author, rewritten).await?;
        let said = fingerprint::draft(&draft);
        if let Some(key) = &mut accepted.entry.duplicate_key {
            key.body = said;
        }
        if let Some(kept_back) = &mut accepted.kept_back {
            kept_back.fingerprint = said;
        }
        Ok(accepted)
    }

    async fn accept_of(&self, author: &Author, mut draft: Draft) -> Result<Accepted, Refused> {
        let delay_ms = u64::from(std::mem::take(&mut draft.deliver_after_s)) * 1_000;
        if delay_ms > 0 || self.is_kept_back(author, &draft.id) {
            return self.keep_back(author, draft, delay_ms).await;
        }
        let lifetime_ms = draft.ttl_s.map(|ttl_s| u64::from(ttl_s) * 1_000);
        let expires_at_ms = lifetime_ms.map(|lifetime_ms| self.clock.now_ms().saturating_add(lifetime_ms));
        draft.expires_at_ms = draft.expires_at_ms.or(expires_at_ms);
        self.judge_draft(author, draft).await
    }

    /// Judges what an author says now.
    pub(crate) async fn judge_draft(&self, author: &Author, draft: Draft) -> Result<Accepted, Refused> {
        let route = self.route(author, &draft).await?;
        let meaning = content::check(&draft.kind, &draft.content)?;
        let told = meaning
            .call
            .and_then(|call| told_elsewhere(author, &draft, (&call, route.conversation)));
        Ok(Accepted {
            told,
            ..build(author, route, draft)
        })
    }

    pub(crate) fn check_id(&self, draft: &Draft) -> Result<(), Refused> {
        if draft.id.is_empty() {
            return Err(Refused::new(
                Refusal::InvalidField,
                "`id` is missing: a random text that is kept when the draft is sent again",
            ));
        }
        if duplicate::is_expired(&draft.id, self.clock.now_ms()) {
            return Err(Refusal::IdExpired.into());
        }
        Ok(())
    }
}

fn build(author: &Author, route: Route, draft: Draft) -> Accepted {
    let target: Vec<&str> = route.target.iter().map(String::as_str).collect();
    let body = Body {
        from: &route.from,
        to: route.to.as_deref(),
        target: &target,
        tenant_no: author.tenant.0,
        draft: &draft,
    };
    let entry = Entry {
        kind: RecordKind::Message,
        tenant: author.tenant,
        form: form(author, &route, &draft),
        conversation: Some(route.conversation),
        sender: author.account_no(),
        duplicate_key: Some(DuplicateKey {
            key: fingerprint::draft_key(author.tenant, &author.name, &draft.id),
            body: fingerprint::draft(&draft),
        }),
        expires_at_ms: draft.expires_at_ms,
        recipients: route.recipients,
        body: Bytes::from(body.encode()),
    };
    Accepted {
        id: draft.id,
        entry,
        told: None,
        kept_back: None,
        reached: route.accepted,
        refused: route.refused,
    }
}

fn form(author: &Author, route: &Route, draft: &Draft) -> u8 {
    let to = if route.to.is_none() { FORM_TO_IS_READER } else { 0 };
    let properties = if properties::are_in(&draft.ext) {
        FORM_HAS_PROPERTIES
    } else {
        0
    };
    let app = if author.app.is_some() { FORM_FROM_APP } else { 0 };
    to | properties | app
}
