//! A value that is never shown: not in logs, not in `Debug`, not by `check-config`.

use std::fmt;

use super::value::{Raw, Value, Wrong, quoted};

/// A secret text; empty when it is not set.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for its one use; `None` if it is not set.
    pub fn reveal(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&*self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "not set" } else { "(secret)" })
    }
}

impl Value for Secret {
    const EXPECTS: &'static str = "a text in quotes";
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        raw.text().map(Self::new)
    }

    fn show(&self) -> String {
        quoted(if self.0.is_empty() { "" } else { "(secret)" })
    }
}
