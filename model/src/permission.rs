//! Who may do what to a group. Pure rules; facts come in as arguments.

use crate::group::{JoinPolicy, Role};
use crate::refusal::Refusal;

/// Members see their group; nobody else does.
pub fn see_group(role: Option<Role>) -> Result<(), Refusal> {
    role.map(|_| ()).ok_or(Refusal::NotMember)
}

/// Members write to their group; nobody else does. A muted member does not, and while the group is muted only its
/// admins and its owner do.
pub fn post_to_group(role: Option<Role>, group_is_muted: bool, member_is_muted: bool) -> Result<(), Refusal> {
    let role = role.ok_or(Refusal::NotMember)?;
    if member_is_muted || (group_is_muted && role == Role::Member) {
        return Err(Refusal::Muted);
    }
    Ok(())
}

/// How a user comes into a group by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// It is a member at once.
    AtOnce,
    /// It asks, and an admin or the owner approves.
    ByAsking,
}

/// A user joins by itself where the group is open, and asks where its admins approve of each.
pub fn join(policy: JoinPolicy) -> Result<Joining, Refusal> {
    match policy {
        JoinPolicy::Open => Ok(Joining::AtOnce),
        JoinPolicy::Approval => Ok(Joining::ByAsking),
        JoinPolicy::Invited => Err(Refusal::Forbidden),
    }
}

/// Admins and the owner say what a group is called, who may join, and whether all are muted.
pub fn change_group(role: Option<Role>) -> Result<(), Refusal> {
    add_members(role)
}

/// Who ranks above a member mutes it.
pub fn mute_member(actor: Option<Role>, target: Role) -> Result<(), Refusal> {
    if actor.ok_or(Refusal::NotMember)? > target {
        Ok(())
    } else {
        Err(Refusal::Forbidden)
    }
}

/// Admins and the owner bring people in.
pub fn add_members(role: Option<Role>) -> Result<(), Refusal> {
    match role {
        Some(Role::Admin | Role::Owner) => Ok(()),
        Some(Role::Member) => Err(Refusal::Forbidden),
        None => Err(Refusal::NotMember),
    }
}

/// Anybody leaves; admins remove members, the owner removes anybody else. The owner cannot be removed: the group is dissolved or given away first.
pub fn remove_member(actor: Option<Role>, actor_is_target: bool, target: Role) -> Result<(), Refusal> {
    let actor = actor.ok_or(Refusal::NotMember)?;
    if target == Role::Owner {
        return Err(Refusal::Forbidden);
    }
    if actor_is_target || actor > target {
        Ok(())
    } else {
        Err(Refusal::Forbidden)
    }
}

/// The owner gives roles.
pub fn change_role(actor: Option<Role>) -> Result<(), Refusal> {
    match actor {
        Some(Role::Owner) => Ok(()),
        Some(_) => Err(Refusal::Forbidden),
        None => Err(Refusal::NotMember),
    }
}

/// The owner dissolves the group.
pub fn dissolve(actor: Option<Role>) -> Result<(), Refusal> {
    change_role(actor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removal_follows_rank() {
        use Role::{Admin, Member, Owner};
        for (actor, own, target, allowed) in [
            (Some(Member), true, Member, true),
            (Some(Member), false, Member, false),
            (Some(Admin), false, Member, true),
            (Some(Admin), false, Admin, false),
            (Some(Owner), false, Admin, true),
            (Some(Owner), true, Owner, false),
            (None, false, Member, false),
        ] {
            assert_eq!(
                remove_member(actor, own, target).is_ok(),
                allowed,
                "{actor:?} {own} {target:?}"
            );
        }
    }

    #[test]
    fn who_is_muted_reads_and_does_not_write() {
        use Role::{Admin, Member, Owner};
        for (role, group, member, expected) in [
            (Some(Member), false, false, Ok(())),
            (Some(Member), true, false, Err(Refusal::Muted)),
            (Some(Admin), true, false, Ok(())),
            (Some(Owner), true, false, Ok(())),
            (Some(Admin), false, true, Err(Refusal::Muted)),
            (None, false, false, Err(Refusal::NotMember)),
        ] {
            assert_eq!(
                post_to_group(role, group, member),
                expected,
                "{role:?} {group} {member}"
            );
        }
        assert_eq!(mute_member(Some(Admin), Admin), Err(Refusal::Forbidden));
        assert_eq!(mute_member(Some(Owner), Admin), Ok(()));
    }
}
