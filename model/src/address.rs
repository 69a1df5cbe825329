//! Names with a kind: whom a message is for, in every spelling clients use.

use std::fmt;
use std::str::FromStr;

use crate::audience::Audience;
use crate::id::{GroupId, MalformedId, UserId};

/// Whom a message is from or for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A user: canonical spelling is the bare userId.
    User(UserId),
    /// A group: `g:ID`.
    Group(GroupId),
    /// A tag: `t:ID`.
    Tag(UserId),
    /// An organisation or department: `o:ID`.
    Org(UserId),
    /// An app: `a:ID`.
    App(UserId),
    /// Tags and organisations combined: `and(t:vip,not(o:sales))`.
    Audience(Box<Audience>),
    /// Everyone in the tenant: `all`.
    All,
}

impl FromStr for Address {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        if text == "all" {
            return Ok(Self::All);
        }
        if text.ends_with(')') {
            let audience = text.parse().map_err(|_| MalformedId)?;
            return Ok(Self::Audience(Box::new(audience)));
        }
        if let Some((kind, id)) = text.split_once(':') {
            return Self::with_kind(kind, id);
        }
        if let Some((id, suffix)) = text.split_once('@') {
            return match suffix {
                "user" => Self::with_kind("u", id),
                "qun" => Self::with_kind("g", id),
                "org" => Self::with_kind("o", id),
                "app" => Self::with_kind("a", id),
                // A tenant addresses all its users; which tenant is settled by the sender's own.
                "tenant" => id.parse::<UserId>().map(|_| Self::All),
                _ => Err(MalformedId),
            };
        }
        text.parse().map(Self::User)
    }
}

impl Address {
    fn with_kind(kind: &str, id: &str) -> Result<Self, MalformedId> {
        match kind {
            "u" => id.parse().map(Self::User),
            "g" => id.parse().map(Self::Group),
            "t" => id.parse().map(Self::Tag),
            "o" => id.parse().map(Self::Org),
            "a" => id.parse().map(Self::App),
            _ => Err(MalformedId),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "{id}"),
            Self::Group(id) => write!(f, "g:{id}"),
            Self::Tag(id) => write!(f, "t:{id}"),
            Self::Org(id) => write!(f, "o:{id}"),
            Self::App(id) => write!(f, "a:{id}"),
            Self::Audience(audience) => audience.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_answered_in_the_canonical_one() {
        for (given, canonical) in [
            ("bob", "bob"),
            ("u:bob", "bob"),
            ("bob@user", "bob"),
            ("g:team", "g:team"),
            ("team@qun", "g:team"),
            ("sales@org", "o:sales"),
            ("shop@app", "a:shop"),
            ("t:vip", "t:vip"),
            ("and(t:vip, not(sales@org))", "and(t:vip,not(o:sales))"),
            ("all", "all"),
            ("1@tenant", "all"),
        ] {
            assert_eq!(
                given.parse::<Address>().map(|a| a.to_string()),
                Ok(canonical.to_owned()),
                "{given}"
            );
        }
        for bad in ["", "x:bob", "bob@", "bob@nowhere", "g:", "g:all", "g:a:b", "@user"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
