//! A call that one device answered or refused ends its ringing on the account's others.

use bytes::Bytes;
use godwit_archive::{AppendError, Archive, DuplicateKey, Entry, Receipt, RecordKind};
use godwit_model::{Address, ConversationKey, Draft, MessageType};
use godwit_protocol::content::CallSignal;
use godwit_protocol::{Body, fingerprint};

use crate::author::Author;

/// The message to the author's own account that tells of what it just said to a caller; `None` where nothing rings.
///
/// It follows the call's own message, under a key made from that message's: sent again, it is the same one.
pub(crate) fn told_elsewhere(
    author: &Author,
    draft: &Draft,
    (call, conversation): (&CallSignal<'_>, ConversationKey),
) -> Option<Entry> {
    let account = author.account.as_ref()?;
    let key = fingerprint::call_key(account.tenant, &author.name, &draft.id);
    let notice = Draft {
        id: format!("{key:032x}"),
        from: None,
        to: Vec::new(),
        target: Vec::new(),
        kind: MessageType::CallElsewhere.into(),
        content: call.elsewhere(author.device_id.as_deref())?,
        timestamp_ms: None,
        is_background: true,
        expires_at_ms: None,
        deliver_after_s: 0,
        ttl_s: None,
        ext: String::new(),
    };
    let callers: Vec<String> = draft.to.iter().map(Address::to_string).collect();
    let callers: Vec<&str> = callers.iter().map(String::as_str).collect();
    let body = Body {
        from: &author.name,
        to: Some(&author.name),
        target: &callers,
        tenant_no: account.tenant.0,
        draft: &notice,
    };
    Some(Entry {
        kind: RecordKind::Message,
        tenant: account.tenant,
        form: 0,
        conversation: Some(conversation),
        sender: author.account_no(),
        duplicate_key: Some(DuplicateKey { key, body: 0 }),
        expires_at_ms: None,
        recipients: vec![account.no],
        body: Bytes::from(body.encode()),
    })
}

/// Stores an entry that must follow one which is stored already: a full queue is waited for.
pub(crate) async fn append_when_room(archive: Archive, entry: Entry) -> Result<Receipt, AppendError> {
    loop {
        match archive.append(entry.clone()) {
            Ok(pending) => return pending.await,
            Err(AppendError::Overloaded) => archive.room().await,
            Err(error) => return Err(error),
        }
    }
}
