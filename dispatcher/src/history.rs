//! Reading: an account reads what is in its inbox; apps with the scope read whole conversations.

use std::sync::Arc;

use godwit_archive::{Archive, ConversationQuery, InboxQuery, Item, ReadError, Record};
use godwit_model::limits::{PAGE_ENTRIES_DEFAULT, PAGE_ENTRIES_MAX};
use godwit_model::{Address, ConversationKey, Refusal, Refused, ServerId, TenantNo};
use godwit_registry::Account;
use serde_json::value::RawValue;

use crate::failure::{of_read, of_registry};
use crate::withdraw::stated_tenant;
use crate::{Dispatcher, render};

/// Bytes of stored messages after which a page ends early; one entry always fits.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Which part of a list of numbered entries. Bounds are exclusive. Without any the newest are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Entries above this number, oldest first.
    pub after: Option<u64>,
    /// Entries below this number, the newest of them.
    pub before: Option<u64>,
    /// Entries stored at or after this server time in milliseconds.
    pub since_ms: Option<u64>,
    /// Most entries; [`PAGE_ENTRIES_DEFAULT`] when missing, cut to [`PAGE_ENTRIES_MAX`].
    pub limit: Option<usize>,
}

impl Window {
    fn limit(&self) -> Result<usize, Refused> {
        match self.limit {
            None => Ok(PAGE_ENTRIES_DEFAULT),
            Some(0) => Err(Refused::new(Refusal::InvalidField, "`limit` must be at least 1")),
            Some(limit) => Ok(limit.min(PAGE_ENTRIES_MAX)),
        }
    }
}

/// A page of an account's inbox, ascending.
#[derive(Debug)]
pub struct Page {
    /// Number and rendered entry.
    pub items: Vec<(u64, Box<RawValue>)>,
    /// The highest number in the inbox.
    pub head: u64,
    /// The lowest number still kept.
    pub floor: u64,
}

impl Dispatcher {
    /// Reads an account's inbox, whole or filtered to one conversation.
    pub async fn inbox(
        &self,
        account: &Account,
        conversation: Option<ConversationKey>,
        window: Window,
    ) -> Result<Page, Refused> {
        let query = InboxQuery {
            after: window.after,
            before: window.before,
            since_ms: window.since_ms,
            conversation,
            limit: window.limit()?,
            bytes_max: PAGE_BYTES,
        };
        let no = account.no;
        let items = self.read(move |archive| archive.inbox(no, &query)).await?;
        let render = |item: Item| {
            Some((
                item.seq,
                RawValue::from_string(render::item(&item, &account.user)).ok()?,
            ))
        };
        Ok(Page {
            items: items.into_iter().filter_map(render).collect(),
            head: self.archive.head(no),
            floor: self.archive.floor(no),
        })
    }

    /// The conversation that an account has with whom `peer` names, for filtering its inbox.
    pub async fn conversation_with(&self, account: &Account, peer: &Address) -> Result<ConversationKey, Refused> {
        match peer {
            Address::User(user) => {
                let peer = self
                    .registry
                    .account_of_user(account.tenant, user)
                    .await
                    .map_err(of_registry)?;
                let peer = peer.ok_or_else(|| Refused::new(Refusal::UserNotFound, format!("no user {user}")))?;
                Ok(ConversationKey::single(account.no, peer.no))
            }
            Address::Group(id) => {
                let group = self.registry.group(account.tenant, id).await.map_err(of_registry)?;
                let group = group.ok_or_else(|| Refused::new(Refusal::GroupNotFound, format!("no group {id}")))?;
                Ok(ConversationKey::group(group.no))
            }
            other => Err(Refused::new(
                Refusal::Unsupported,
                format!("{other} has no conversation to read"),
            )),
        }
    }

    /// Reads a whole conversation, ascending by `conv_seq`; one of another tenant looks like one that does not exist.
    /// The caller has checked that an app may.
    pub async fn conversation(
        &self,
        tenant: TenantNo,
        conversation: ConversationKey,
        window: Window,
    ) -> Result<Vec<(u64, Box<RawValue>)>, Refused> {
        let query = ConversationQuery {
            after: window.after,
            before: window.before,
            since_ms: window.since_ms,
            limit: window.limit()?,
        };
        let records = self
            .read(move |archive| archive.conversation(conversation, &query))
            .await?;
        if !self.is_of_tenant(&records, tenant).await? {
            return Ok(Vec::new());
        }
        let render = |record: &Record| Some((record.conv_seq, raw(record)?));
        Ok(records.iter().filter_map(|record| render(record)).collect())
    }

    /// A conversation belongs to one tenant. What lost its content may not say whose it was, so the others are asked.
    async fn is_of_tenant(&self, records: &[Arc<Record>], tenant: TenantNo) -> Result<bool, Refused> {
        let stated: Vec<_> = records.iter().filter_map(|record| stated_tenant(record)).collect();
        if !stated.is_empty() {
            return Ok(stated.iter().all(|of| *of == tenant));
        }
        for record in records {
            if let Some(of) = self.tenant_of_message(record).await? {
                return Ok(of == tenant);
            }
        }
        Ok(false)
    }

    /// One message of a tenant by the server's id. The caller has checked that an app may.
    pub async fn message(&self, tenant: TenantNo, id: ServerId) -> Result<Box<RawValue>, Refused> {
        let none = || Refused::new(Refusal::NotFound, format!("no message {id}"));
        let record = self.read(move |archive| archive.message(id)).await?.ok_or_else(none)?;
        if self.tenant_of_message(&record).await? != Some(tenant) {
            return Err(none());
        }
        raw(&record).ok_or_else(none)
    }

    /// Reads off the runtime's workers: a cold page waits for the disk.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Archive) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Refused> {
        let archive = self.archive.clone();
        let result = tokio::task::spawn_blocking(move || read(&archive)).await;
        let result = result.map_err(|_| Refused::new(Refusal::Overloaded, "the platform is stopping"))?;
        result.map_err(|e| of_read(&e))
    }
}

fn raw(record: &Record) -> Option<Box<RawValue>> {
    RawValue::from_string(render::in_conversation(record)).ok()
}
