//! What can go wrong in the store; absence is not among it (`Ok(None)`).

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// A failure of the store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database does not answer or is busy; trying again can help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Somebody else changed the same thing at the same time, or a rule of the schema was broken.
    #[error("conflicting change in the database: {0}")]
    Conflict(String),
    /// What is stored cannot be read by this version.
    #[error("the database holds what this version cannot read: {0}")]
    Corrupt(String),
}

impl From<DbErr> for Error {
    fn from(err: DbErr) -> Self {
        let text = err.to_string();
        match &err {
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause))
            | DbErr::Conn(RuntimeErr::SqlxError(cause)) => from_driver(cause, text),
            DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } | DbErr::ConvertFromU64(_) => {
                Self::Corrupt(text)
            }
            DbErr::RecordNotFound(_) | DbErr::RecordNotInserted | DbErr::RecordNotUpdated => Self::Conflict(text),
            _ => Self::Unavailable(text),
        }
    }
}

fn from_driver(cause: &sqlx::Error, text: String) -> Error {
    match cause {
        sqlx::Error::Database(refused) => match refused.code().as_deref() {
            // PostgreSQL: unique, foreign key, serialization failure, deadlock. SQLite: primary key, unique, foreign key.
            Some("23505" | "23503" | "40001" | "40P01" | "1555" | "2067" | "787") => Error::Conflict(text),
            // SQLite: malformed image; not a database.
            Some("11" | "26") => Error::Corrupt(text),
            _ => Error::Unavailable(text),
        },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            Error::Corrupt(text)
        }
        _ => Error::Unavailable(text),
    }
}
