//! Who this installation is: the unique code, the accounts it had, the current one.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Store, signed, unsigned};
use crate::error::Error;
use crate::profile::{Account, Addresses, Profile};

/// What a registration answered.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) profile: Profile,
    pub(crate) token: String,
    pub(crate) addresses: Addresses,
    /// The number the local table begins behind, if this installation has not seen the account before.
    pub(crate) begins_behind: u64,
}

impl Store {
    /// The unique code of this installation; `fresh` becomes it if it has none yet.
    pub(crate) fn unique_code(&self, fresh: &str) -> Result<String, Error> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO installation (only, unique_code) VALUES (1, ?1) ON CONFLICT DO NOTHING",
                [fresh],
            )?;
            Ok(transaction.query_row("SELECT unique_code FROM installation", [], |row| row.get(0))?)
        })
    }

    /// Whether this installation has a table of that account.
    pub(crate) fn knows(&self, account: &str) -> Result<bool, Error> {
        self.read(|reader| {
            let found = reader.query_row("SELECT 1 FROM accounts WHERE name = ?1", [account], |_| Ok(()));
            Ok(found.optional()?.is_some())
        })
    }

    /// Keeps what a registration answered; the account is the current one from now on.
    pub(crate) fn register(&self, registered: &Registered) -> Result<Account, Error> {
        let Registered {
            profile,
            token,
            addresses,
            begins_behind,
        } = registered;
        let addresses = serde_json::to_string(addresses).expect("plain fields are JSON");
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO accounts (name, user, tenant, device, token, addresses, began, cursor)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
                 ON CONFLICT (name) DO UPDATE SET user = ?2, tenant = ?3, device = ?4, token = ?5, addresses = ?6",
                params![
                    profile.account,
                    profile.user_id,
                    profile.tenant_no,
                    profile.device_id,
                    token,
                    addresses,
                    signed(*begins_behind)
                ],
            )?;
            transaction.execute(
                "UPDATE installation SET current = (SELECT account FROM accounts WHERE name = ?1)",
                [&profile.account],
            )?;
            current(transaction)?.ok_or(Error::NotRegistered)
        })
    }

    /// The current account.
    pub(crate) fn account(&self) -> Result<Option<Account>, Error> {
        self.read(current)
    }

    /// Forgets the registration. Messages stay.
    pub(crate) fn deregister(&self, account: i64) -> Result<(), Error> {
        self.write(|transaction| {
            transaction.execute("UPDATE accounts SET token = '' WHERE account = ?1", [account])?;
            transaction.execute("UPDATE installation SET current = NULL WHERE current = ?1", [account])?;
            Ok(())
        })
    }

    /// The end of the prefix of the inbox that is in the table without a gap.
    pub(crate) fn cursor(&self, account: i64) -> Result<u64, Error> {
        self.read(|reader| cursor(reader, account))
    }
}

pub(super) fn cursor(connection: &Connection, account: i64) -> Result<u64, Error> {
    let cursor = connection.query_row("SELECT cursor FROM accounts WHERE account = ?1", [account], |row| {
        row.get(0)
    })?;
    Ok(unsigned(cursor))
}

fn current(connection: &Connection) -> Result<Option<Account>, Error> {
    let found = connection.query_row(
        "SELECT account, name, user, tenant, device, token, addresses FROM accounts
         WHERE account = (SELECT current FROM installation)",
        [],
        account_of,
    );
    Ok(found.optional()?)
}

fn account_of(row: &Row<'_>) -> rusqlite::Result<Account> {
    let addresses: String = row.get(6)?;
    Ok(Account {
        no: row.get(0)?,
        profile: Profile {
            account: row.get(1)?,
            user_id: row.get(2)?,
            tenant_no: row.get(3)?,
            device_id: row.get(4)?,
        },
        token: row.get(5)?,
        // What does not read any more is asked for again at the next start of the app.
        addresses: serde_json::from_str::<Addresses>(&addresses).unwrap_or_default(),
    })
}
