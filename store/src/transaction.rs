//! How reads and writes run: one consistent view, or one serial change, tried again when it collided.

use std::sync::Arc;

use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::{Error, Store};

/// How often a colliding change is tried again before the caller hears of it.
const ATTEMPTS: usize = 10;

impl Store {
    /// Runs `work` as one serial change. It may run several times; only the last run is kept.
    pub(crate) async fn write<T, W, F>(&self, work: W) -> Result<T, Error>
    where
        W: Fn(Arc<DatabaseTransaction>) -> F,
        F: Future<Output = Result<T, Error>>,
    {
        let mut attempt = 1;
        loop {
            match self.write_once(&work).await {
                Err(Error::Conflict(cause)) if attempt < ATTEMPTS => {
                    tracing::debug!(attempt, cause, "a change collided with another and is tried again");
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn write_once<T, W, F>(&self, work: &W) -> Result<T, Error>
    where
        W: Fn(Arc<DatabaseTransaction>) -> F,
        F: Future<Output = Result<T, Error>>,
    {
        let transaction = Arc::new(self.begin_exclusive().await?);
        let done = work(Arc::clone(&transaction)).await;
        let transaction = Arc::into_inner(transaction).expect("the work has ended, and what it held with it");
        match done {
            Ok(done) => {
                transaction.commit().await?;
                Ok(done)
            }
            Err(cause) => {
                // What failed matters more than how the rollback went; the database rolls back by itself anyway.
                if let Err(second) = transaction.rollback().await {
                    tracing::warn!(error = %second, "a rollback failed");
                }
                Err(cause)
            }
        }
    }

    /// A transaction in which each statement sees what was committed before it: what matters for a migration that
    /// waited for another process to finish the same one.
    pub(crate) async fn begin_migration(&self) -> Result<DatabaseTransaction, Error> {
        begin(&self.writer, IsolationLevel::ReadCommitted, AccessMode::ReadWrite).await
    }

    async fn begin_exclusive(&self) -> Result<DatabaseTransaction, Error> {
        begin(&self.writer, IsolationLevel::Serializable, AccessMode::ReadWrite).await
    }

    /// A view in which several reads agree; dropping it ends it.
    pub(crate) async fn view(&self) -> Result<DatabaseTransaction, Error> {
        begin(&self.reader, IsolationLevel::RepeatableRead, AccessMode::ReadOnly).await
    }
}

async fn begin(
    connection: &DatabaseConnection,
    isolation: IsolationLevel,
    access: AccessMode,
) -> Result<DatabaseTransaction, Error> {
    let on_postgres = connection.get_database_backend() == DbBackend::Postgres;
    let mode = if access == AccessMode::ReadWrite {
        SqliteTransactionMode::Immediate
    } else {
        SqliteTransactionMode::Deferred
    };
    let options = TransactionOptions {
        // SQLite is serial as it is.
        isolation_level: on_postgres.then_some(isolation),
        access_mode: on_postgres.then_some(access),
        sqlite_transaction_mode: Some(mode),
    };
    Ok(connection.begin_with_options(options).await?)
}
