//! Opening a database by its URL and bringing its schema up to date.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use godwit_migrations::Migrator;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend};
use sea_orm_migration::MigratorTrait;

use crate::{Error, Store};

/// Connections that read a SQLite file at the same time.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a caller waits for a free connection, or for another process's lock on a SQLite file.
const WAIT: Duration = Duration::from_secs(10);
/// Any number that only our migrations lock (PostgreSQL advisory lock).
const MIGRATION_LOCK: i64 = 0x676f_6477_6974;

impl Store {
    /// Opens the database at `url` and brings its schema up to date.
    ///
    /// `sqlite::memory:` (lives as long as the handle), `sqlite:PATH` (created when absent) or `postgres://…`.
    /// A schema newer than this version knows is refused as [`Error::Corrupt`] and left untouched.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let store = if url.starts_with("sqlite:") {
            open_sqlite(url).await?
        } else {
            let mut options = ConnectOptions::new(url);
            options.max_connections(POSTGRES_CONNECTIONS);
            let pool = connect(options).await?;
            Self {
                writer: pool.clone(),
                reader: pool,
                anchor: None,
            }
        };
        store.migrate().await?;
        Ok(store)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.reader.ping().await?)
    }

    async fn migrate(&self) -> Result<(), Error> {
        let transaction = self.begin_migration().await?;
        if transaction.get_database_backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
            transaction.execute_unprepared(&lock).await?;
        }
        let known: HashSet<_> = Migrator::get_migration_files()
            .iter()
            .map(|step| step.name().to_owned())
            .collect();
        let applied = Migrator::get_migration_models(&transaction).await?;
        if let Some(newer) = applied.into_iter().find(|step| !known.contains(&step.version)) {
            return Err(Error::Corrupt(format!(
                "its schema has the step `{}`, which this version does not know; start the newer version that made it",
                newer.version
            )));
        }
        Migrator::up(&transaction, None).await?;
        Ok(transaction.commit().await?)
    }
}

async fn open_sqlite(url: &str) -> Result<Store, Error> {
    if url.contains(":memory:") {
        return open_memory(url).await;
    }
    let writer = connect(sqlite_options(url, 1, None)).await?;
    let reader = connect(sqlite_options(url, SQLITE_READERS, None)).await?;
    Ok(Store {
        writer,
        reader,
        anchor: None,
    })
}

/// A database in memory lives as long as a connection to it does. One reads and writes; the driver closes it when a
/// caller goes away at the wrong moment, so a second one, which is never used, holds the database.
async fn open_memory(url: &str) -> Result<Store, Error> {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    let name = format!("file:godwit-memory-{}", OPENED.fetch_add(1, Ordering::Relaxed));
    let anchor = connect(sqlite_options(url, 1, Some(name.clone()))).await?;
    let writer = connect(sqlite_options(url, 1, Some(name))).await?;
    Ok(Store {
        reader: writer.clone(),
        writer,
        anchor: Some(anchor),
    })
}

fn sqlite_options(url: &str, connections: u32, memory_name: Option<String>) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .min_connections(1)
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None);
    // There is no network that could have dropped it.
    options.test_before_acquire(false);
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT);
        match &memory_name {
            Some(name) => options.filename(name),
            None => options,
        }
    });
    options
}

async fn connect(mut options: ConnectOptions) -> Result<DatabaseConnection, Error> {
    options.acquire_timeout(WAIT).connect_timeout(WAIT).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}
