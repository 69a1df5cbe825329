//! What came from the platform goes into the table in one commit: entries, the cursor, and how drafts fared.

use rusqlite::{Transaction, params};

use super::entries::{self, Put};
use super::{Store, account, outbox, signed, unsigned};
use crate::error::Error;
use crate::message::{Message, Outgoing};
use crate::wire::{Entry, What};

/// What came from the platform.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// Entries that were delivered, in order of arrival.
    pub(crate) delivered: Vec<Entry>,
    /// A page of the inbox that was asked for.
    pub(crate) page: Option<Page>,
    /// How drafts fared, by id.
    pub(crate) decided: Vec<(String, Decision)>,
}

impl Batch {
    /// Whether there is nothing to keep.
    pub(crate) fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.page.is_none() && self.decided.is_empty()
    }
}

/// A page of the inbox: everything that is kept behind `after`, up to its last entry.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) after: u64,
    pub(crate) items: Vec<Entry>,
    pub(crate) head: u64,
    pub(crate) floor: u64,
}

/// How a draft fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The platform has stored it, or its refusal.
    Sent,
    Refused {
        code: String,
        detail: String,
    },
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied {
    pub(crate) cursor: u64,
    /// What the app should hear, in order.
    pub(crate) stored: Vec<Stored>,
}

/// Something new in the table.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Message(Box<Message>),
    Outgoing(Box<Outgoing>),
    Gone {
        seq: u64,
        conv: Option<String>,
        reason: String,
    },
    Gap {
        from: u64,
        to: u64,
    },
}

impl Store {
    /// Keeps a batch for an account of the user `me`. When it returns, what was delivered may be acknowledged.
    pub(crate) fn apply(&self, account: i64, me: &str, batch: &Batch) -> Result<Applied, Error> {
        self.write(|transaction| {
            let mut work = Work::begin(transaction, account, me)?;
            for (id, decision) in &batch.decided {
                let changed = outbox::decide(transaction, account, id, decision)?;
                work.stored
                    .extend(changed.map(|outgoing| Stored::Outgoing(Box::new(outgoing))));
            }
            for entry in &batch.delivered {
                work.entry(entry, Put::Inbox)?;
            }
            if let Some(page) = &batch.page {
                work.page(page)?;
            }
            work.finish()
        })
    }

    /// Keeps entries that lie before the cursor: read for the app, never counted as unread. What lies behind it comes
    /// by the inbox.
    pub(crate) fn keep_history(&self, account: i64, me: &str, items: &[Entry]) -> Result<(), Error> {
        self.write(|transaction| {
            let mut work = Work::begin(transaction, account, me)?;
            let cursor = work.cursor;
            for entry in items.iter().filter(|entry| entry.seq <= cursor) {
                work.entry(entry, Put::History)?;
            }
            work.finish().map(drop)
        })
    }
}

struct Work<'t> {
    transaction: &'t Transaction<'t>,
    account: i64,
    me: &'t str,
    cursor: u64,
    stored: Vec<Stored>,
}

impl<'t> Work<'t> {
    fn begin(transaction: &'t Transaction<'t>, account: i64, me: &'t str) -> Result<Self, Error> {
        Ok(Self {
            transaction,
            account,
            me,
            cursor: account::cursor(transaction, account)?,
            stored: Vec::new(),
        })
    }

    fn entry(&mut self, entry: &Entry, put: Put) -> Result<(), Error> {
        if let What::Gap { from, to } = entry.what {
            // A gap beyond a gap waits for the page that tells what is kept before it.
            if from <= self.cursor.saturating_add(1) {
                self.pass_over(to);
            }
            return Ok(());
        }
        if entry.what == What::TooLarge {
            // Its number stays missing until a page brings the entry.
            return Ok(());
        }
        entries::put(self.transaction, (self.account, self.me), entry, put, &mut self.stored)?;
        if put == Put::Inbox && entry.seq == self.cursor + 1 {
            self.cursor = entry.seq;
        }
        Ok(())
    }

    fn page(&mut self, page: &Page) -> Result<(), Error> {
        let joins = page.after <= self.cursor;
        if joins {
            self.pass_over(page.floor.saturating_sub(1).min(page.head));
        }
        for entry in &page.items {
            self.entry(entry, Put::Inbox)?;
        }
        if let (true, Some(last)) = (joins, page.items.last()) {
            // What a page leaves out between its ends is not kept.
            self.pass_over(last.seq);
        }
        Ok(())
    }

    /// Goes on behind `to`; numbers before it that are not in the table are no longer kept by the platform.
    fn pass_over(&mut self, to: u64) {
        if to > self.cursor {
            let from = self.cursor + 1;
            self.stored.push(Stored::Gap { from, to });
            self.cursor = to;
        }
    }

    /// Moves the cursor over entries that arrived before their turn, and writes it.
    fn finish(mut self) -> Result<Applied, Error> {
        let mut ahead = self
            .transaction
            .prepare_cached("SELECT seq FROM entries WHERE account = ?1 AND seq > ?2 ORDER BY seq")?;
        let mut rows = ahead.query(params![self.account, signed(self.cursor)])?;
        while let Some(row) = rows.next()? {
            let seq = unsigned(row.get(0)?);
            if seq != self.cursor + 1 {
                break;
            }
            self.cursor = seq;
        }
        self.transaction.execute(
            "UPDATE accounts SET cursor = ?2 WHERE account = ?1",
            params![self.account, signed(self.cursor)],
        )?;
        Ok(Applied {
            cursor: self.cursor,
            stored: self.stored,
        })
    }
}
