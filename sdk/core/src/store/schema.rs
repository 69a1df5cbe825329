//! The schema of the local table, and how older files are brought to it: forward, step by step.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::Error;

/// Step `n` leads from version `n` to `n + 1`. A step that was released is never changed.
const STEPS: [&str; 1] = [FIRST];

const FIRST: &str = "
CREATE TABLE installation (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    unique_code TEXT NOT NULL,
    current INTEGER
);
CREATE TABLE accounts (
    account INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL,
    tenant TEXT NOT NULL,
    device TEXT NOT NULL,
    token TEXT NOT NULL,
    addresses TEXT NOT NULL,
    began INTEGER NOT NULL,
    cursor INTEGER NOT NULL
);
CREATE TABLE entries (
    account INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    id TEXT,
    server_id TEXT,
    conv TEXT,
    conv_seq INTEGER NOT NULL,
    sender TEXT,
    repeat_of INTEGER,
    background INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (account, seq)
) WITHOUT ROWID;
CREATE INDEX entries_by_conversation ON entries (account, conv, seq) WHERE conv IS NOT NULL;
CREATE INDEX entries_by_server_id ON entries (account, server_id) WHERE server_id IS NOT NULL;
CREATE INDEX entries_by_id ON entries (account, id) WHERE id IS NOT NULL;
CREATE INDEX entries_unread ON entries (account, conv, seq) WHERE unread = 1;
CREATE TABLE conversations (
    account INTEGER NOT NULL,
    conv TEXT NOT NULL,
    address TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    read_seq INTEGER NOT NULL,
    PRIMARY KEY (account, conv)
) WITHOUT ROWID;
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    draft TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    state INTEGER NOT NULL,
    code TEXT,
    detail TEXT
);
CREATE INDEX outbox_queued ON outbox (account, address, number) WHERE state = 0;
";

/// Brings the file to the newest version.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let known = i64::try_from(STEPS.len()).expect("few steps");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(Error::NewerStore { found, known });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_newer_version_is_left_alone() {
        let mut connection = Connection::open_in_memory().expect("a file");
        migrate(&mut connection).expect("a new file");
        migrate(&mut connection).expect("the same version");
        connection.pragma_update(None, "user_version", 99).expect("a version");
        let refused = migrate(&mut connection);
        assert!(
            matches!(refused, Err(Error::NewerStore { found: 99, .. })),
            "{refused:?}"
        );
    }
}
