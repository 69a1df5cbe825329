//! Tickets: short-lived, single-use proofs of a user, given out by the app's backend.

/// A ticket just issued. Its text is shown this once; only its hash is kept.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// What the device presents.
    pub ticket: String,
    /// When it stops to work, in milliseconds since 1970.
    pub expires_at_ms: u64,
}
