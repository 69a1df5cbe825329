//! The two ways a request to the registry ends badly.

use godwit_model::Refusal;

/// Why the registry did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An expected no; nothing was changed.
    #[error("{refusal}: {detail}")]
    Refused {
        /// The stable reason.
        refusal: Refusal,
        /// One sentence about this case, for people.
        detail: String,
    },
    /// What the caller judged by has changed in between; nothing was changed, and it is to be judged anew.
    #[error("it changed meanwhile")]
    Changed,
    /// It is not as the caller said it expects; nothing was changed.
    #[error("it is not as it was expected to be")]
    Differs,
    /// Our fault: the store did not do its work.
    #[error(transparent)]
    Failed(#[from] godwit_store::Error),
    /// Our fault: something other than the store, such as the source of randomness.
    #[error("the registry cannot work: {0}")]
    Internal(String),
}

impl Error {
    /// A refusal that says what about this case is wrong.
    pub fn refused(refusal: Refusal, detail: impl Into<String>) -> Self {
        Self::Refused {
            refusal,
            detail: detail.into(),
        }
    }

    /// The refusal, when this is one.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal, refusal.text())
    }
}
