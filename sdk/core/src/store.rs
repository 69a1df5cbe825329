//! The local table: entries, conversations, the outbox, the cursor, the registration. One SQLite file.

mod account;
mod apply;
mod conversations;
mod entries;
mod outbox;
mod schema;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::Error;

pub(crate) use account::Registered;
pub(crate) use apply::{Applied, Batch, Decision, Page, Stored};
pub(crate) use outbox::Waiting;

/// How long one connection waits for another's lock before it gives up.
const BUSY: Duration = Duration::from_secs(10);

/// The local table. Calls block on the disk: they belong on threads that may.
///
/// What writes is one connection behind a lock; what reads is another, which a commit does not hold up.
pub(crate) struct Store {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

impl Store {
    /// Opens the file, makes it if it is not there, and brings it to the newest version.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let mut writer = Connection::open(path)?;
        writer.busy_timeout(BUSY)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        // A commit is on the disk when it returns: what follows it may be an acknowledgement.
        writer.pragma_update(None, "synchronous", "FULL")?;
        schema::migrate(&mut writer)?;
        let reader = Connection::open(path)?;
        reader.busy_timeout(BUSY)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        })
    }

    /// One transaction, durable when this returns `Ok`.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        // A panic below the lock rolled its transaction back when it unwound.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        work(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A number of the protocol as SQLite keeps it. Numbers beyond 2^63 are refused where entries are read.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as it was kept.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
