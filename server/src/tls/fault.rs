//! What is wrong with a file of TLS, in words, and with the setting that named it.

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A file is missing or cannot be read, or does not hold what it should.
    File,
    /// The key belongs to another certificate.
    Mismatch,
    /// The certificate is not valid at this time. Clients will refuse it; the door opens all the same.
    NotValidNow,
    /// Others than its owner may read the key. The door opens all the same.
    OpenKey,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// The setting, as `section.key`.
    pub(crate) setting: &'static str,
    /// What is wrong, without a full stop.
    pub(crate) what: String,
    /// What to do about it; empty if that is plain.
    pub(crate) next: String,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, setting: &'static str, what: String, next: impl Into<String>) -> Self {
        Self {
            kind,
            setting,
            what,
            next: next.into(),
        }
    }

    /// Whether TLS works in spite of it.
    pub(crate) fn is_warning(&self) -> bool {
        matches!(self.kind, FaultKind::NotValidNow | FaultKind::OpenKey)
    }
}
