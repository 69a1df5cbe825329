//! Telling the members of a group what changed: a message of the group, owed from the change's own transaction on.
//!
//! A debt is paid at once, or again later until it is; the message has a key of its own, so that paying twice is paying
//! once. Changes of one group are told in the order they were made.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use godwit_archive::{AppendError, DuplicateKey, Entry, RecordKind};
use godwit_model::{AccountNo, ConversationKey, Draft, GroupNo, MessageType, Role};
use godwit_protocol::body::FORM_TO_IS_READER;
use godwit_protocol::{Body, fingerprint};
use godwit_registry::{Group, UntoldChange};
use serde::Serialize;

use crate::Dispatcher;

/// How long until a debt is tried again; twice as long each time, up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_mins(1));

/// What the members are told: the content of a `groupChange` message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupChange<'a> {
    event: &'a str,
    group_id: &'a str,
    name: &'a str,
    by: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
}

/// Why members could not be told now.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Registry(#[from] godwit_registry::Error),
    #[error(transparent)]
    Archive(#[from] AppendError),
}

impl Dispatcher {
    /// Tells of every change that members of any group were not told of yet. Called once, at the start.
    pub async fn tell_what_is_owed(&self) {
        self.pay(None).await;
    }

    /// Tells the members of a group what they were not told of yet. What cannot be told now is tried again: the change
    /// itself is made, and stays.
    pub(crate) async fn tell_now_or_later(&self, group: GroupNo) {
        self.pay(Some(group)).await;
    }

    async fn pay(&self, group: Option<GroupNo>) {
        if let Err(error) = self.tell(group).await {
            tracing::warn!(%error, "a change of a group is not told yet");
            self.retry_later();
        }
    }

    /// One task at a time tries again, until nothing is owed or nothing can be stored any more.
    fn retry_later(&self) {
        if self.retrying.swap(true, Ordering::SeqCst) {
            return;
        }
        let dispatcher = self.clone();
        tokio::spawn(async move {
            let mut wait = RETRY.0;
            loop {
                tokio::time::sleep(wait).await;
                match dispatcher.tell(None).await {
                    Ok(()) | Err(Untold::Archive(AppendError::Stopped)) => break,
                    Err(error) => tracing::warn!(%error, "a change of a group is still not told"),
                }
                wait = (wait * 2).min(RETRY.1);
            }
            dispatcher.retrying.store(false, Ordering::SeqCst);
        });
    }

    async fn tell(&self, group: Option<GroupNo>) -> Result<(), Untold> {
        for change in self.registry.untold_changes(group).await? {
            let Some(now) = self.group_as_told(&change).await? else {
                continue;
            };
            let receipt = self.archive.append(entry(&now, &change))?.await?;
            self.registry.change_told(change, receipt.record.conv_seq).await?;
        }
        Ok(())
    }

    /// The group as it is now, or was at its end.
    async fn group_as_told(&self, change: &UntoldChange) -> Result<Option<Arc<Group>>, godwit_registry::Error> {
        match self.registry.group_by_no(change.group).await? {
            Some(group) => Ok(Some(group)),
            None => self.registry.group_ever(change.group).await,
        }
    }
}

/// The message: to the members there are now, and to those the change took out.
fn entry(group: &Group, change: &UntoldChange) -> Entry {
    let members = group.members.iter().map(|member| member.account);
    let said = GroupChange {
        event: change.event.as_str(),
        group_id: group.id.as_str(),
        name: &group.name,
        by: &change.by,
        members: change.users.iter().map(godwit_model::UserId::as_str).collect(),
        role: change.role.map(Role::as_str),
    };
    let draft = Draft {
        id: change.message_id.clone(),
        from: None,
        to: Vec::new(),
        target: Vec::new(),
        kind: MessageType::GroupChange.into(),
        content: serde_json::to_string(&said).expect("plain structs of texts are always JSON"),
        timestamp_ms: None,
        is_background: true,
        expires_at_ms: None,
        deliver_after_s: 0,
        ttl_s: None,
        ext: String::new(),
    };
    let from = format!("g:{}", group.id);
    let body = Body {
        from: &from,
        to: None,
        target: &[&change.by],
        tenant_no: group.tenant.0,
        draft: &draft,
    };
    Entry {
        kind: RecordKind::Message,
        tenant: group.tenant,
        form: FORM_TO_IS_READER,
        conversation: Some(ConversationKey::group(group.no)),
        sender: AccountNo(0),
        duplicate_key: Some(DuplicateKey {
            key: fingerprint::group_change_key(group.no, &change.message_id),
            body: 0,
        }),
        expires_at_ms: None,
        recipients: members.chain(change.accounts.iter().copied()).collect(),
        body: Bytes::from(body.encode()),
    }
}
