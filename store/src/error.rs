//! What can go wrong in the store; absence is not among it (`Ok(None)`).

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
