//! What the content of a message is: a published type, or another number or name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The published types: name, and number where the type has one. A type without a number travels by its name.
pub(crate) const PUBLISHED: [(&str, Option<i32>); 16] = [
    ("unknown", Some(-1)),
    ("text", Some(0)),
    ("image", Some(1)),
    ("voice", Some(2)),
    ("video", Some(3)),
    ("file", Some(4)),
    ("linkCard", Some(5)),
    ("background", Some(6)),
    ("appCard", Some(7)),
    ("prescriptionCard", Some(8)),
    ("location", Some(9)),
    ("errorReport", Some(10)),
    ("custom", Some(11)),
    ("callElsewhere", Some(256)),
    ("groupChange", None),
    ("withdrawn", None),
];

/// What the content of a message is, as it stands in `type`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kind {
    /// A number.
    Number(i32),
    /// A name, 1 to 64 bytes.
    Name(String),
}

impl Kind {
    /// The published type of this name; another name stands as it is.
    pub fn named(name: &str) -> Self {
        let number = PUBLISHED.iter().find(|(published, _)| *published == name);
        match number {
            Some((_, Some(number))) => Self::Number(*number),
            _ => Self::Name(name.to_owned()),
        }
    }

    /// The name of the published type; `None` for a type that is in no table.
    pub fn published(&self) -> Option<&'static str> {
        let found = PUBLISHED.iter().find(|(name, number)| match self {
            Self::Number(own) => *number == Some(*own),
            Self::Name(own) => name == own,
        });
        found.map(|(name, _)| *name)
    }

    /// Every published type: its name, and its number where it has one.
    pub fn all_published() -> impl Iterator<Item = (&'static str, Option<i32>)> {
        PUBLISHED.into_iter()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_type_is_found_by_its_name_and_by_its_number() {
        for (name, number) in PUBLISHED {
            assert_eq!(Kind::named(name).published(), Some(name));
            assert_eq!(Kind::Name(name.to_owned()).published(), Some(name));
            if let Some(number) = number {
                assert_eq!(Kind::named(name), Kind::Number(number));
            }
        }
        assert_eq!(Kind::Number(12).published(), None);
        assert_eq!(Kind::named("weather"), Kind::Name("weather".to_owned()));
    }
}
