//! The outbox on disk: drafts until they stand in the inbox with their numbers, or were refused.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde_json::Value;

use super::{Decision, Store, signed, unsigned};
use crate::content::Content;
use crate::error::Error;
use crate::kind::Kind;
use crate::message::{Outgoing, OutgoingState};

/// Most drafts of an account that are not settled.
const OUTBOX_MAX: i64 = 10_000;
/// Most heads looked at in one go: far more than may be on the way.
const HEADS_MAX: i64 = 256;

/// What stands in column `state`.
const QUEUED: i64 = 0;
const SENT: i64 = 1;
const REFUSED: i64 = 2;

/// Columns of an [`Outgoing`], in order.
const COLUMNS: &str = "id, address, draft, created_ms, state, code, detail";

/// A draft that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) draft: String,
}

/// How a draft fared. Answers what changed: a draft that is settled stays as it is.
pub(super) fn decide(
    transaction: &Transaction<'_>,
    account: i64,
    id: &str,
    decision: &Decision,
) -> Result<Option<Outgoing>, Error> {
    let (state, code, detail) = match decision {
        Decision::Sent => (SENT, None, None),
        Decision::Refused { code, detail } => (REFUSED, Some(code), Some(detail)),
    };
    let sql = format!(
        "UPDATE outbox SET state = ?3, code = ?4, detail = ?5
         WHERE account = ?1 AND id = ?2 AND state < ?3 RETURNING {COLUMNS}"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let changed = statement.query_row(params![account, id, state, code, detail], outgoing_of);
    Ok(changed.optional()?)
}

/// A draft stands in the inbox: the outbox has done its part. Answers it as it was, if it was here.
pub(super) fn accept(transaction: &Transaction<'_>, account: i64, id: &str) -> Result<Option<Outgoing>, Error> {
    let sql = format!("DELETE FROM outbox WHERE account = ?1 AND id = ?2 RETURNING {COLUMNS}");
    let mut statement = transaction.prepare_cached(&sql)?;
    Ok(statement.query_row(params![account, id], outgoing_of).optional()?)
}

fn outgoing_of(row: &Row<'_>) -> rusqlite::Result<Outgoing> {
    let draft: String = row.get(2)?;
    let state = match row.get(4)? {
        QUEUED => OutgoingState::Queued,
        SENT => OutgoingState::Sent,
        _ => OutgoingState::Refused {
            code: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
            detail: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
        },
    };
    Ok(Outgoing {
        id: row.get(0)?,
        address: row.get(1)?,
        content: content_of(&draft),
        created_ms: unsigned(row.get(3)?),
        state,
    })
}

fn content_of(draft: &str) -> Option<Content> {
    let draft: Value = serde_json::from_str(draft).ok()?;
    let kind: Kind = serde_json::from_value(draft.get("type")?.clone()).ok()?;
    Some(Content::read(&kind, draft.get("content")?))
}

impl Store {
    /// Keeps a draft. It is on the disk when this returns.
    pub(crate) fn enqueue(&self, account: i64, waiting: &Waiting, now_ms: u64) -> Result<(), Error> {
        self.write(|transaction| {
            let held: i64 = transaction
                .prepare_cached("SELECT count(*) FROM outbox WHERE account = ?1")?
                .query_row([account], |row| row.get(0))?;
            if held >= OUTBOX_MAX {
                return Err(Error::OutboxFull);
            }
            transaction
                .prepare_cached(
                    "INSERT INTO outbox (account, id, address, draft, created_ms, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    account,
                    waiting.id,
                    waiting.address,
                    waiting.draft,
                    signed(now_ms),
                    QUEUED
                ])?;
            Ok(())
        })
    }

    /// The oldest queued draft of each address, oldest first.
    pub(crate) fn heads(&self, account: i64) -> Result<Vec<Waiting>, Error> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "SELECT id, address, draft FROM outbox WHERE number IN
                 (SELECT min(number) FROM outbox WHERE account = ?1 AND state = 0 GROUP BY address)
                 ORDER BY number LIMIT ?2",
            )?;
            let rows = statement.query_map(params![account, HEADS_MAX], |row| {
                Ok(Waiting {
                    id: row.get(0)?,
                    address: row.get(1)?,
                    draft: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Drafts that are not settled, or were refused, in the order they were handed over; of one address or of all.
    pub(crate) fn unsettled(&self, account: i64, address: Option<&str>) -> Result<Vec<Outgoing>, Error> {
        self.read(|reader| {
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox WHERE account = ?1 AND (?2 IS NULL OR address = ?2) ORDER BY number"
            );
            let mut statement = reader.prepare_cached(&sql)?;
            let rows = statement.query_map(params![account, address], outgoing_of)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The draft with this id, while it is in the outbox.
    pub(crate) fn outgoing(&self, account: i64, id: &str) -> Result<Option<Outgoing>, Error> {
        self.read(|reader| {
            let sql = format!("SELECT {COLUMNS} FROM outbox WHERE account = ?1 AND id = ?2");
            let mut statement = reader.prepare_cached(&sql)?;
            Ok(statement.query_row(params![account, id], outgoing_of).optional()?)
        })
    }

    /// Drops a refused draft. Answers its bytes, if it was refused and is dropped.
    pub(crate) fn discard(&self, account: i64, id: &str) -> Result<Option<String>, Error> {
        self.write(|transaction| {
            let dropped = transaction.query_row(
                "DELETE FROM outbox WHERE account = ?1 AND id = ?2 AND state = ?3 RETURNING draft",
                params![account, id, REFUSED],
                |row| row.get(0),
            );
            Ok(dropped.optional()?)
        })
    }
}
