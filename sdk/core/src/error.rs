//! What can go wrong, as the app sees it.

use std::error::Error as Cause;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The app asked for something that cannot be.
    #[error("{field}: {detail}")]
    Invalid {
        /// Which field or setting.
        field: &'static str,
        /// What is wrong with it, for people.
        detail: String,
    },
    /// The platform said no. The codes are those of the protocol's table of refusals.
    #[error("refused: {code}: {detail}")]
    Refused {
        /// The stable code.
        code: String,
        /// For people.
        detail: String,
    },
    /// The device is not registered, or is not any more.
    #[error("the device is not registered")]
    NotRegistered,
    /// Nobody answered: no network, a wrong address, a certificate that is not believed.
    #[error("the platform was not reached: {0}")]
    Unreachable(String),
    /// No answer came in time. What was asked may be done all the same.
    #[error("no answer in time")]
    Timeout,
    /// The client is not connected and was not asked to be.
    #[error("the client is disconnected")]
    Disconnected,
    /// Too many drafts wait to be sent. The bound is 10,000.
    #[error("too many drafts wait to be sent")]
    OutboxFull,
    /// The local table was written by a newer version of this crate.
    #[error("the local table has version {found}, newer than {known}")]
    NewerStore {
        /// The version of the file.
        found: i64,
        /// The newest this crate can read.
        known: i64,
    },
    /// The local table could not be read or written.
    #[error("the local table: {0}")]
    Store(#[source] Box<dyn Cause + Send + Sync>),
}

impl Error {
    pub(crate) fn invalid(field: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            detail: detail.into(),
        }
    }

    pub(crate) fn refused(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Refused {
            code: code.into(),
            detail: detail.into(),
        }
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(Box::new(error))
    }
}
