//! Reading: the local table, and older messages that are not in it.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::Client;
use crate::error::Error;
use crate::message::{Conversation, Message};
use crate::store::Store;
use crate::wire::Entry;

/// Most messages of one page.
const PAGE_MAX: usize = 500;

#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
}

impl Client {
    /// All conversations in the local table, the one with the newest message first.
    pub async fn conversations(&self) -> Result<Vec<Conversation>, Error> {
        let account = self.shared().account()?;
        self.shared()
            .on_store(move |store| {
                let (no, me) = (account.no, &account.profile.user_id);
                let listed = store.conversations(no)?.into_iter().map(|row| {
                    Ok(Conversation {
                        last: message(store, no, me, row.last_seq)?,
                        conv: row.conv,
                        address: row.address,
                        unread: row.unread,
                        read_seq: row.read_seq,
                    })
                });
                listed.collect()
            })
            .await
    }

    /// The newest messages of a conversation in the local table, oldest first: those below the number `before`, or
    /// the very newest; at most `limit`, which is cut to 500. What is for the background is among them.
    pub async fn messages(&self, conv: &str, before: Option<u64>, limit: usize) -> Result<Vec<Message>, Error> {
        let account = self.shared().account()?;
        let (conv, before) = (conv.to_owned(), before.unwrap_or(u64::MAX));
        self.shared()
            .on_store(move |store| {
                let rows = store.messages(account.no, &conv, before, limit.min(PAGE_MAX))?;
                let me = &account.profile.user_id;
                Ok(rows.into_iter().filter_map(|row| Message::of(row, me)).collect())
            })
            .await
    }

    /// The message with this number, if it is in the local table.
    pub async fn message(&self, seq: u64) -> Result<Option<Message>, Error> {
        let account = self.shared().account()?;
        self.shared()
            .on_store(move |store| message(store, account.no, &account.profile.user_id, seq))
            .await
    }

    /// Entries of the local table above a number, ascending, each with its JSON as it came; at most `limit`, which
    /// is cut to 500. Every kind of entry is among them.
    pub async fn entries(&self, after: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        let account = self.shared().account()?;
        self.shared()
            .on_store(move |store| store.bodies(account.no, after, limit.min(PAGE_MAX)))
            .await
    }

    /// The end of what the local table holds without a gap.
    pub async fn cursor(&self) -> Result<u64, Error> {
        let account = self.shared().account()?;
        self.shared().on_store(move |store| store.cursor(account.no)).await
    }

    /// A conversation was read on this device up to this number, included.
    pub async fn mark_read(&self, conv: &str, up_to_seq: u64) -> Result<(), Error> {
        let account = self.shared().account()?;
        let conv = conv.to_owned();
        self.shared()
            .on_store(move |store| store.mark_read(account.no, &conv, up_to_seq))
            .await
    }

    /// Asks the platform for messages of a conversation that are older than those in the local table, and puts them
    /// there. Answers how many came; 0 means that there are none.
    ///
    /// # Errors
    /// [`Error::Disconnected`], [`Error::Timeout`], [`Error::Refused`].
    pub async fn fetch_older(&self, conv: &str, before_seq: u64, limit: usize) -> Result<usize, Error> {
        let params = json!({ "conv": conv, "before": before_seq, "limit": limit.clamp(1, PAGE_MAX) });
        self.fetch(params).await
    }

    /// Asks the platform for messages since a time (in milliseconds since 1970, by the platform's clock), of one
    /// address or of all, and puts them into the local table. Answers the last one's number; `None` if none came.
    /// The next page begins behind it: see `after`.
    ///
    /// # Errors
    /// As [`Client::fetch_older`].
    pub async fn fetch_since(
        &self,
        since_ms: u64,
        address: Option<&str>,
        after: Option<u64>,
    ) -> Result<Option<u64>, Error> {
        let mut params = json!({ "since": since_ms, "limit": PAGE_MAX });
        if let Some(address) = address {
            params["target"] = json!(address);
        }
        if let Some(after) = after {
            params["after"] = json!(after);
        }
        let entries = self.history(params).await?;
        let last = entries.last().map(|entry| entry.seq);
        self.keep(entries).await?;
        Ok(last)
    }

    async fn fetch(&self, params: serde_json::Value) -> Result<usize, Error> {
        let entries = self.history(params).await?;
        let count = entries.len();
        self.keep(entries).await?;
        Ok(count)
    }

    async fn history(&self, params: serde_json::Value) -> Result<Vec<Entry>, Error> {
        let account = self.shared().account()?;
        let page: Page = self.ask("history", params).await?;
        let me = &account.profile.user_id;
        let read = page
            .items
            .iter()
            .filter_map(|item| Entry::read(item.get().as_bytes(), me));
        Ok(read.collect())
    }

    async fn keep(&self, entries: Vec<Entry>) -> Result<(), Error> {
        let account = self.shared().account()?;
        self.shared()
            .on_store(move |store| store.keep_history(account.no, &account.profile.user_id, &entries))
            .await
    }
}

fn message(store: &Store, account: i64, me: &str, seq: u64) -> Result<Option<Message>, Error> {
    Ok(store.entry(account, seq)?.and_then(|row| Message::of(row, me)))
}
