//! What is asked of the log, and what it answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use godwit_model::{AccountNo, ConversationKey, TenantNo};
use tokio::sync::oneshot;

use crate::record::{Record, RecordKind};

/// A message to be stored and numbered.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is.
    pub kind: RecordKind,
    /// Whose message it is: with this tenant's key it is encrypted on the disk, if that is switched on.
    pub tenant: TenantNo,
    /// How the body is encoded; a number the archive only keeps.
    pub form: u8,
    /// The conversation to number it in.
    pub conversation: Option<ConversationKey>,
    /// Who sends it; 0 is nobody.
    pub sender: AccountNo,
    /// What removes duplicates; without it every append is a new message.
    pub duplicate_key: Option<DuplicateKey>,
    /// When its content stops to be shown, in milliseconds since 1970; `None` is never.
    pub expires_at_ms: Option<u64>,
    /// Whose inboxes get a number. Repeated accounts count once.
    pub recipients: Vec<AccountNo>,
    /// The content.
    pub body: Bytes,
}

/// Two hashes made by the caller: which draft this is, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// Hash of who names the draft and how (tenant, effective sender, client id).
    pub key: u128,
    /// Hash of everything that must be the same when the draft is sent again.
    pub body: u128,
}

/// The proof that a message is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The message as stored.
    pub record: Arc<Record>,
    /// The sender's own number of it. `None` if the sender is no recipient, and for a message whose
    /// recipients are numbered after its commit (see [`godwit_model::limits::INLINE_RECIPIENTS_MAX`]).
    pub sender_seq: Option<u64>,
    /// How many inboxes it goes to.
    pub recipients: u32,
    /// Whether it was stored by an earlier append with the same key.
    pub duplicate: bool,
    /// The [`DuplicateKey::body`] it was stored with, so that a caller can judge a conflict itself; 0 without a key.
    pub fingerprint: u128,
}

/// Why something was not stored. Nothing of it was kept, except where a variant says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too much waits for the writer; see [`crate::Archive::room`].
    #[error("too much waits to be stored")]
    Overloaded,
    /// The disk is full. Later appends are tried again.
    #[error("the disk is full")]
    StorageFull,
    /// The archive was closed, or a write or sync failed for good: whether this was kept is unknown.
    #[error("the archive has stopped")]
    Stopped,
    /// Larger than half a segment.
    #[error("larger than a segment takes")]
    TooLarge,
    /// It is to be encrypted, and its tenant's new key could not be made durable.
    #[error("the key to encrypt it could not be kept")]
    NoKey,
    /// The key was used within the window with another body; here is what it named.
    #[error("the same key was used with another body")]
    Conflict(Box<Receipt>),
}

/// The answer to an append, once its commit is over.
#[derive(Debug)]
#[must_use = "only the answer says whether the entry was stored"]
pub struct Pending(pub(crate) oneshot::Receiver<Result<Receipt, AppendError>>);

/// The answer to a saved device or a mark, once its commit is over.
#[derive(Debug)]
#[must_use = "only the answer says whether it was stored"]
pub struct Saved(pub(crate) oneshot::Receiver<Result<(), AppendError>>);

fn answer<T>(
    receiver: &mut oneshot::Receiver<Result<T, AppendError>>,
    context: &mut Context<'_>,
) -> Poll<Result<T, AppendError>> {
    Pin::new(receiver)
        .poll(context)
        .map(|got| got.unwrap_or(Err(AppendError::Stopped)))
}

impl Future for Pending {
    type Output = Result<Receipt, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        answer(&mut self.0, context)
    }
}

impl Future for Saved {
    type Output = Result<(), AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        answer(&mut self.0, context)
    }
}
