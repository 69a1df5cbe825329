//! Entries of the inbox: each once by its number, each message once by its ids.

use rusqlite::{OptionalExtension as _, Row as SqlRow, Transaction, params};

use super::{Store, Stored, conversations, outbox, signed, unsigned};
use crate::error::Error;
use crate::message::{Message, Outgoing, OutgoingState, Row};
use crate::wire::{Entry, Head, What};

/// What stands in column `kind`.
const MESSAGE: i64 = 0;
const REFUSED: i64 = 1;
const GONE: i64 = 2;

/// Columns of a [`Row`], in order.
const COLUMNS: &str = "seq, kind, id, server_id, conv, conv_seq, sender, body";

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// The inbox as it grows.
    Inbox,
    /// What lies before.
    History,
}

/// Keeps an entry of an account of a user, and tells what is new by it.
pub(super) fn put(
    transaction: &Transaction<'_>,
    owner: (i64, &str),
    entry: &Entry,
    put: Put,
    stored: &mut Vec<Stored>,
) -> Result<(), Error> {
    let (account, _) = owner;
    let known = transaction
        .prepare_cached("SELECT kind FROM entries WHERE account = ?1 AND seq = ?2")?
        .query_row(params![account, signed(entry.seq)], |row| row.get::<_, i64>(0))
        .optional()?;
    match (known, &entry.what) {
        (Some(MESSAGE), What::Gone { reason }) => bury(transaction, account, entry.seq, reason, stored),
        (Some(_), _) | (None, What::Gap { .. } | What::TooLarge) => Ok(()),
        (None, What::Message(head)) => message(transaction, owner, entry, (&**head, put), stored),
        (None, What::Refused { id, code, detail }) => {
            insert(transaction, account, entry, &Columns::plain(REFUSED))?;
            let decision = super::Decision::Refused {
                code: code.clone(),
                detail: detail.clone(),
            };
            let changed = outbox::decide(transaction, account, id, &decision)?;
            stored.extend(changed.map(|outgoing| Stored::Outgoing(Box::new(outgoing))));
            Ok(())
        }
        (None, What::Gone { reason }) => {
            insert(transaction, account, entry, &Columns::plain(GONE))?;
            stored.push(Stored::Gone {
                seq: entry.seq,
                conv: None,
                reason: reason.clone(),
            });
            Ok(())
        }
    }
}

/// What is written beside number and body.
struct Columns<'a> {
    kind: i64,
    head: Option<&'a Head>,
    repeat_of: Option<i64>,
    unread: bool,
}

impl Columns<'_> {
    fn plain(kind: i64) -> Self {
        Self {
            kind,
            head: None,
            repeat_of: None,
            unread: false,
        }
    }
}

fn insert(transaction: &Transaction<'_>, account: i64, entry: &Entry, columns: &Columns<'_>) -> Result<(), Error> {
    let head = columns.head;
    transaction
        .prepare_cached(
            "INSERT INTO entries
             (account, seq, kind, id, server_id, conv, conv_seq, sender, repeat_of, background, unread, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            account,
            signed(entry.seq),
            columns.kind,
            head.map(|head| &head.id),
            head.map(|head| &head.server_id),
            head.map(|head| &head.conv),
            head.map_or(0, |head| signed(head.conv_seq)),
            head.map(|head| &head.sender),
            columns.repeat_of,
            head.is_some_and(|head| head.is_background),
            columns.unread,
            entry.body
        ])?;
    Ok(())
}

fn message(
    transaction: &Transaction<'_>,
    (account, me): (i64, &str),
    entry: &Entry,
    (head, put): (&Head, Put),
    stored: &mut Vec<Stored>,
) -> Result<(), Error> {
    let repeat_of = earlier(transaction, account, head)?;
    let is_mine = head.sender == me;
    let is_for_eyes = !head.is_background && head.withdraws.is_none() && repeat_of.is_none();
    let columns = Columns {
        kind: MESSAGE,
        head: Some(head),
        repeat_of,
        unread: is_for_eyes && !is_mine && put == Put::Inbox,
    };
    insert(transaction, account, entry, &columns)?;
    conversations::touch(transaction, account, head, if is_for_eyes { entry.seq } else { 0 })?;
    if is_mine && let Some(sent) = outbox::accept(transaction, account, &head.id)? {
        stored.push(Stored::Outgoing(Box::new(Outgoing {
            state: accepted(entry.seq, head),
            content: None,
            ..sent
        })));
    }
    if repeat_of.is_none() && put == Put::Inbox {
        let message = Message::read(&entry.body, me);
        stored.extend(message.map(|message| Stored::Message(Box::new(message))));
    }
    if let Some((server_id, reason)) = &head.withdraws {
        withdraw(transaction, account, server_id, reason, stored)?;
    }
    Ok(())
}

fn accepted(seq: u64, head: &Head) -> OutgoingState {
    OutgoingState::Accepted {
        server_id: head.server_id.clone(),
        conv: head.conv.clone(),
        conv_seq: head.conv_seq,
        seq,
    }
}

/// The entry that holds the same message already: by the platform's id, or by the sender's in one conversation.
fn earlier(transaction: &Transaction<'_>, account: i64, head: &Head) -> Result<Option<i64>, Error> {
    let by_server_id = transaction
        .prepare_cached("SELECT seq FROM entries WHERE account = ?1 AND server_id = ?2 ORDER BY seq LIMIT 1")?
        .query_row(params![account, head.server_id], |row| row.get(0))
        .optional()?;
    if by_server_id.is_some() || head.id.is_empty() {
        return Ok(by_server_id);
    }
    let by_id = transaction
        .prepare_cached(
            "SELECT seq FROM entries WHERE account = ?1 AND id = ?2 AND conv = ?3 AND sender = ?4 ORDER BY seq LIMIT 1",
        )?
        .query_row(params![account, head.id, head.conv, head.sender], |row| row.get(0))
        .optional()?;
    Ok(by_id)
}

/// The content of a message is gone: what stays is its place.
fn bury(
    transaction: &Transaction<'_>,
    account: i64,
    seq: u64,
    reason: &str,
    stored: &mut Vec<Stored>,
) -> Result<(), Error> {
    let body = serde_json::json!({ "seq": seq, "gone": reason }).to_string();
    let conv = transaction
        .prepare_cached(
            "UPDATE entries SET kind = ?3, unread = 0, body = ?4 WHERE account = ?1 AND seq = ?2 RETURNING conv",
        )?
        .query_row(params![account, signed(seq), GONE, body], |row| row.get(0))?;
    stored.push(Stored::Gone {
        seq,
        conv,
        reason: reason.to_owned(),
    });
    Ok(())
}

fn withdraw(
    transaction: &Transaction<'_>,
    account: i64,
    server_id: &str,
    reason: &str,
    stored: &mut Vec<Stored>,
) -> Result<(), Error> {
    let found: Vec<i64> = transaction
        .prepare_cached("SELECT seq FROM entries WHERE account = ?1 AND server_id = ?2 AND kind = ?3")?
        .query_map(params![account, server_id, MESSAGE], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for seq in found {
        bury(transaction, account, unsigned(seq), reason, stored)?;
    }
    Ok(())
}

fn row_of(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        seq: unsigned(row.get(0)?),
        gone: row.get::<_, i64>(1)? == GONE,
        id: row.get(2)?,
        server_id: row.get(3)?,
        conv: row.get(4)?,
        conv_seq: unsigned(row.get(5)?),
        sender: row.get(6)?,
        body: row.get(7)?,
    })
}

impl Store {
    /// Entries behind a number as they came, ascending.
    pub(crate) fn bodies(&self, account: i64, after: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "SELECT seq, body FROM entries WHERE account = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            )?;
            let rows = statement.query_map(params![account, signed(after), signed(limit as u64)], |row| {
                Ok((unsigned(row.get(0)?), row.get(1)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The newest messages of a conversation below a number, ascending.
    pub(crate) fn messages(&self, account: i64, conv: &str, before: u64, limit: usize) -> Result<Vec<Row>, Error> {
        self.read(|reader| {
            let sql = format!(
                "SELECT {COLUMNS} FROM entries WHERE account = ?1 AND conv = ?2 AND seq < ?3 AND repeat_of IS NULL
                 ORDER BY seq DESC LIMIT ?4"
            );
            let mut statement = reader.prepare_cached(&sql)?;
            let values = params![account, conv, signed(before), signed(limit as u64)];
            let mut rows: Vec<Row> = statement.query_map(values, row_of)?.collect::<Result<_, _>>()?;
            rows.reverse();
            Ok(rows)
        })
    }

    /// The entry with this number.
    pub(crate) fn entry(&self, account: i64, seq: u64) -> Result<Option<Row>, Error> {
        self.read(|reader| {
            let sql = format!("SELECT {COLUMNS} FROM entries WHERE account = ?1 AND seq = ?2");
            let mut statement = reader.prepare_cached(&sql)?;
            Ok(statement.query_row(params![account, signed(seq)], row_of).optional()?)
        })
    }

    /// One's own message with this id of one's own.
    pub(crate) fn own(&self, account: i64, me: &str, id: &str) -> Result<Option<Row>, Error> {
        self.read(|reader| {
            let sql = format!(
                "SELECT {COLUMNS} FROM entries WHERE account = ?1 AND id = ?2 AND sender = ?3 ORDER BY seq LIMIT 1"
            );
            let mut statement = reader.prepare_cached(&sql)?;
            Ok(statement.query_row(params![account, id, me], row_of).optional()?)
        })
    }
}
