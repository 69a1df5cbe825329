//! What is known of a kind of device.

use std::fmt;
use std::str::FromStr;

/// The operating system of a device; numbers as the protocol publishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OsKind {
    /// Apple phones and tablets (1).
    Ios,
    /// Android (2).
    Android,
    /// A browser (3).
    Web,
    /// Windows (4).
    Windows,
    /// Anything else (−1).
    #[default]
    Unknown,
}

impl OsKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ios, Self::Android, Self::Web, Self::Windows, Self::Unknown];

    /// The published number.
    pub fn number(self) -> i32 {
        match self {
            Self::Ios => 1,
            Self::Android => 2,
            Self::Web => 3,
            Self::Windows => 4,
            Self::Unknown => -1,
        }
    }

    /// The kind with this published number; unknown numbers are [`OsKind::Unknown`].
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Ios,
            2 => Self::Android,
            3 => Self::Web,
            4 => Self::Windows,
            _ => Self::Unknown,
        }
    }

    /// As clients and the store spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Web => "web",
            Self::Windows => "windows",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for OsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OsKind {
    type Err = std::convert::Infallible;

    /// Names in any case and published numbers are read; everything else is [`OsKind::Unknown`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(number) = text.parse() {
            return Ok(Self::from_number(number));
        }
        let kinds = [Self::Ios, Self::Android, Self::Web, Self::Windows];
        Ok(kinds
            .into_iter()
            .find(|k| k.as_str().eq_ignore_ascii_case(text))
            .unwrap_or_default())
    }
}
