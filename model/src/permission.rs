//! Who may do what to a group. Pure rules; facts come in as arguments.

use crate::group::Role;
use crate::refusal::Refusal;

/// Members write to their group; nobody else does.
pub fn post_to_group(role: Option<Role>) -> Result<(), Refusal> {
    role.map(|_| ()).ok_or(Refusal::NotMember)
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
}
