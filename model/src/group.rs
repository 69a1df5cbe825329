//! Groups: roles, and what each may do.

use std::fmt;
use std::str::FromStr;

/// What a member is in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May read and write.
    Member,
    /// May also add and remove members.
    Admin,
    /// May also give roles, and dissolve the group. At most one.
    Owner,
}

impl Role {
    /// As clients and the store spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `owner`, `admin` or `member`")]
pub struct MalformedRole;

impl FromStr for Role {
    type Err = MalformedRole;

    fn from_str(text: &str) -> Result<Self, MalformedRole> {
        [Self::Member, Self::Admin, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(MalformedRole)
    }
}
