//! Into the archive: from a judged draft to a stored, numbered message.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use godwit_archive::{AppendError, DuplicateKey, Entry, Pending, Receipt, Record, RecordKind};
use godwit_model::Refused;
use godwit_protocol::{body, fingerprint};
use godwit_registry::{Account, Device};

use crate::Dispatcher;
use crate::accept::Accepted;
use crate::call::append_when_room;
use crate::expand::{AcceptedTarget, RefusedTarget};
use crate::failure::of_append;
use crate::schedule::KeptBack;

/// A message that is durable.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The sender's id of it.
    pub id: String,
    /// As it is stored; `None` while it is kept back.
    pub record: Option<Arc<Record>>,
    /// Where it waits, if it is kept back.
    pub kept_back: Option<KeptBack>,
    /// Its number in the sender's own inbox, if the sender has one.
    pub sender_seq: Option<u64>,
    /// How many accounts it is for.
    pub recipients: u32,
    /// Whether it had been submitted before; then nothing new was stored.
    pub duplicate: bool,
    /// What each address stands for, where an app names several or one that stands for several.
    pub accepted: Vec<AcceptedTarget>,
    /// Receivers of a list that were left out.
    pub refused: Vec<RefusedTarget>,
}

/// A message on its way to the disk. Resolves once it is durable, or refused by the archive.
pub struct Appending {
    work: Work,
    stored: Option<Receipt>,
    /// What must be stored after it, before it is acknowledged.
    told: Option<Told>,
    id: String,
    fingerprint: u128,
    body: Bytes,
    targets: (Vec<AcceptedTarget>, Vec<RefusedTarget>),
    accepted: metrics::Counter,
}

/// What is waited for.
enum Work {
    /// The disk.
    Archive(Pending),
    /// The store, which keeps it until its time has come.
    Store(Keeping),
}

/// Resolves to where a message waits, and whether it is new.
type Keeping = Pin<Box<dyn Future<Output = Result<(KeptBack, bool), Refused>> + Send>>;

type Told = Pin<Box<dyn Future<Output = Result<Receipt, AppendError>> + Send>>;

impl Dispatcher {
    /// Queues a judged draft for the next commit. Order of calls is order in every inbox.
    ///
    /// # Errors
    /// [`godwit_model::Refusal::Overloaded`] when the queue is full: [`Dispatcher::room`] tells when to try again.
    pub fn append(&self, accepted: Accepted) -> Result<Appending, Refused> {
        let Accepted {
            id,
            entry,
            told,
            kept_back,
            reached,
            refused,
        } = accepted;
        let body = entry.body.clone();
        let fingerprint = entry.duplicate_key.as_ref().map_or(0, |key| key.body);
        let (work, told) = match kept_back {
            Some(new) => (Work::Store(Box::pin(self.clone().store_schedule(new))), None),
            None => (
                Work::Archive(self.archive.append(entry).map_err(|e| of_append(&e))?),
                told,
            ),
        };
        Ok(Appending {
            work,
            stored: None,
            told: told.map(|entry| -> Told { Box::pin(append_when_room(self.archive.clone(), entry)) }),
            id,
            fingerprint,
            body,
            targets: (reached, refused),
            accepted: self.accepted.clone(),
        })
    }

    /// Queues the numbered entry that tells a device of a draft refused for good, where its door has no way to say no.
    /// The same refusal of the same draft is stored once.
    ///
    /// # Errors
    /// As [`Dispatcher::append`].
    pub fn append_refusal(&self, device: &Device, draft_id: &str, refused: &Refused) -> Result<Appending, Refused> {
        self.append_refusal_of(&device.account, draft_id, refused)
    }

    /// The same, to an account whose device is not there any more.
    pub(crate) fn append_refusal_of(
        &self,
        account: &Account,
        draft_id: &str,
        refused: &Refused,
    ) -> Result<Appending, Refused> {
        let text = Bytes::from(body::refused(draft_id, refused));
        let code = refused.refusal.code();
        let duplicate_key = (!draft_id.is_empty()).then(|| DuplicateKey {
            key: fingerprint::refusal_key(account.tenant, account.user.as_str(), draft_id, code),
            body: 0,
        });
        let entry = Entry {
            kind: RecordKind::Refused,
            tenant: account.tenant,
            form: 0,
            conversation: None,
            sender: account.no,
            duplicate_key,
            expires_at_ms: None,
            recipients: vec![account.no],
            body: text,
        };
        self.append(Accepted {
            id: draft_id.to_owned(),
            entry,
            told: None,
            kept_back: None,
            reached: Vec::new(),
            refused: Vec::new(),
        })
    }
}

impl fmt::Debug for Appending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appending")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Future for Appending {
    type Output = Result<Submitted, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Work::Store(keeping) = &mut this.work {
            let (kept_back, is_new) = ready!(keeping.as_mut().poll(context))?;
            return Poll::Ready(Ok(this.kept_back(kept_back, is_new)));
        }
        let receipt = match this.stored.take() {
            Some(receipt) => receipt,
            None => ready!(this.poll_stored(context))?,
        };
        if let Some(told) = &mut this.told {
            match told.as_mut().poll(context) {
                Poll::Ready(Ok(_)) => this.told = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(of_append(&error))),
                Poll::Pending => {
                    this.stored = Some(receipt);
                    return Poll::Pending;
                }
            }
        }
        if receipt.duplicate {
            crate::accepted("yes").increment(1);
        } else {
            this.accepted.increment(1);
        }
        Poll::Ready(Ok(Submitted {
            id: std::mem::take(&mut this.id),
            record: Some(receipt.record),
            kept_back: None,
            sender_seq: receipt.sender_seq,
            recipients: receipt.recipients,
            duplicate: receipt.duplicate,
            accepted: std::mem::take(&mut this.targets.0),
            refused: std::mem::take(&mut this.targets.1),
        }))
    }
}

impl Appending {
    /// The sender's id of the draft.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn kept_back(&mut self, kept_back: KeptBack, is_new: bool) -> Submitted {
        Submitted {
            id: std::mem::take(&mut self.id),
            record: None,
            kept_back: Some(kept_back),
            sender_seq: None,
            recipients: 0,
            duplicate: !is_new,
            accepted: std::mem::take(&mut self.targets.0),
            refused: std::mem::take(&mut self.targets.1),
        }
    }

    fn poll_stored(&mut self, context: &mut Context<'_>) -> Poll<Result<Receipt, Refused>> {
        let Work::Archive(pending) = &mut self.work else {
            return Poll::Pending;
        };
        Poll::Ready(match ready!(Pin::new(pending).poll(context)) {
            Ok(receipt) => Ok(receipt),
            Err(AppendError::Conflict(existing)) if self.is_repeat_of(&existing) => Ok(Receipt {
                duplicate: true,
                ..*existing
            }),
            Err(error) => Err(of_append(&error)),
        })
    }

    /// The fingerprints differ, but the same message may have been written differently: other order of members, other escapes.
    fn is_repeat_of(&self, existing: &Receipt) -> bool {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap_or_default();
        fingerprint::same_route(self.fingerprint, existing.fingerprint)
            && body::same_meaning(&text(&self.body), &text(&existing.record.body))
    }
}
