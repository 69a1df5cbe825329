//! Conversations as a list shows them: the last message, and how many are unread.

use rusqlite::{Transaction, params};

use super::{Store, signed, unsigned};
use crate::error::Error;
use crate::wire::Head;

/// A row of the list.
pub(crate) struct Listed {
    pub(crate) conv: String,
    pub(crate) address: String,
    pub(crate) last_seq: u64,
    pub(crate) read_seq: u64,
    pub(crate) unread: u64,
}

/// A message came to a conversation. `seq` is its number if it is for eyes, 0 otherwise.
pub(super) fn touch(transaction: &Transaction<'_>, account: i64, head: &Head, seq: u64) -> Result<(), Error> {
    transaction
        .prepare_cached(
            "INSERT INTO conversations (account, conv, address, last_seq, read_seq) VALUES (?1, ?2, ?3, ?4, 0)
             ON CONFLICT DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
        )?
        .execute(params![account, head.conv, head.address, signed(seq)])?;
    Ok(())
}

impl Store {
    /// All conversations, the one with the newest message first.
    pub(crate) fn conversations(&self, account: i64) -> Result<Vec<Listed>, Error> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "SELECT conv, address, last_seq, read_seq,
                        (SELECT count(*) FROM entries e WHERE e.account = c.account AND e.conv = c.conv
                         AND e.seq > c.read_seq AND e.unread = 1)
                 FROM conversations c WHERE account = ?1 ORDER BY last_seq DESC, conv",
            )?;
            let rows = statement.query_map([account], |row| {
                Ok(Listed {
                    conv: row.get(0)?,
                    address: row.get(1)?,
                    last_seq: unsigned(row.get(2)?),
                    read_seq: unsigned(row.get(3)?),
                    unread: unsigned(row.get(4)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What is up to this number was read here. The mark never goes back.
    pub(crate) fn mark_read(&self, account: i64, conv: &str, up_to: u64) -> Result<(), Error> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE conversations SET read_seq = max(read_seq, ?3) WHERE account = ?1 AND conv = ?2",
                params![account, conv, signed(up_to)],
            )?;
            Ok(())
        })
    }
}
