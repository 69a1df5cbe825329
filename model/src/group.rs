//! Groups: the roles of their members, and what happens to them.

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

/// Who may join a group without being added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JoinPolicy {
    /// Nobody: admins and the owner add members.
    #[default]
    Invited,
    /// Every user of the tenant.
    Open,
    /// Every user of the tenant asks, and an admin or the owner approves.
    Approval,
}

impl JoinPolicy {
    /// As clients and the store spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Open => "open",
            Self::Approval => "approval",
        }
    }
}

/// The text is not a policy for joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `invited`, `open` or `approval`")]
pub struct MalformedJoinPolicy;

impl FromStr for JoinPolicy {
    type Err = MalformedJoinPolicy;

    fn from_str(text: &str) -> Result<Self, MalformedJoinPolicy> {
        [Self::Invited, Self::Open, Self::Approval]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or(MalformedJoinPolicy)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happened to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// It was made.
    Created,
    /// Some joined.
    Joined,
    /// Some left, or were removed.
    Left,
    /// A member has another role.
    RoleChanged,
    /// Its name, its policy for joining, or whether all are muted is another.
    Changed,
    /// Some may not write for a while.
    MembersMuted,
    /// Some may write again.
    MembersUnmuted,
    /// It was ended.
    Dissolved,
}

impl GroupEvent {
    const ALL: [Self; 8] = [
        Self::Created,
        Self::Joined,
        Self::Left,
        Self::RoleChanged,
        Self::Changed,
        Self::MembersMuted,
        Self::MembersUnmuted,
        Self::Dissolved,
    ];

    /// As clients and the store spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::RoleChanged => "roleChanged",
            Self::Changed => "changed",
            Self::MembersMuted => "membersMuted",
            Self::MembersUnmuted => "membersUnmuted",
            Self::Dissolved => "dissolved",
        }
    }
}

/// The text is not an event of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event of a group")]
pub struct MalformedGroupEvent;

impl FromStr for GroupEvent {
    type Err = MalformedGroupEvent;

    fn from_str(text: &str) -> Result<Self, MalformedGroupEvent> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == text)
            .ok_or(MalformedGroupEvent)
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
