//! Changes of things that count their versions: what their caller expects to find, and what became of them.

/// What a caller expects to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is, or nothing.
    #[default]
    Any,
    /// Nothing yet.
    Absent,
    /// Something, of any version.
    Present,
    /// This very version.
    Version(u64),
}

impl Expected {
    /// Whether that is so; `None` is nothing.
    pub(crate) fn holds(self, version: Option<u64>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => version.is_none(),
            Self::Present => version.is_some(),
            Self::Version(expected) => version == Some(expected),
        }
    }
}

/// What became of a change of something that counts its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versioned<T> {
    /// It is so now.
    Done(T),
    /// There is no such thing.
    Absent,
    /// It is not as the caller expected; nothing was changed.
    Differs,
}
