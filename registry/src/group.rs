//! Groups and their members, as they were at one moment.

use std::sync::Arc;

use godwit_model::{AccountNo, GroupId, GroupNo, Role, TenantNo, UserId};

/// A group with its members at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The dense internal number; names the group's conversation.
    pub no: GroupNo,
    /// The public id inside the tenant.
    pub id: GroupId,
    /// Whose group it is.
    pub tenant: TenantNo,
    /// A name for people.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// The members, sorted by account.
    pub members: Vec<Member>,
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub account: AccountNo,
    /// Its user.
    pub user: UserId,
    /// What it may do.
    pub role: Role,
    /// The `conv_seq` of the system message that says it joined; `None` until that is known.
    pub joined_conv_seq: Option<u64>,
}

impl Group {
    /// The member with this account.
    pub fn member(&self, account: AccountNo) -> Option<&Member> {
        let at = self.members.binary_search_by_key(&account, |member| member.account);
        at.ok().map(|at| &self.members[at])
    }
}

/// A group to be made.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Its id; `None` lets the platform choose one.
    pub id: Option<GroupId>,
    /// A name for people; at most 255 bytes.
    pub name: String,
    /// Its owner, who also becomes a member.
    pub owner: Option<UserId>,
    /// Its members.
    pub members: Vec<UserId>,
}

/// What a change of a group's members did.
#[derive(Clone, Debug)]
pub struct Change {
    /// The group after the change.
    pub group: Arc<Group>,
    /// The members that were added or removed, or whose role is another now (as they are after it; removed ones as they were).
    pub changed: Vec<Member>,
}
