//! What a group is besides its members: its name, who may join, who may not write for a while.

use std::sync::Arc;

use godwit_model::{GroupId, JoinPolicy, Refusal, Refused, Role, UserId, permission};
use godwit_registry::{Error, Expected, Group, GroupSettings};

use super::{Attempt, GroupActor};
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;
use crate::{Dispatcher, Sender};

/// What is to be changed of a group; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct GroupWish {
    /// A name for people.
    pub name: Option<String>,
    /// Who may join without being added.
    pub join_policy: Option<JoinPolicy>,
    /// Whether only admins and the owner write.
    pub muted: Option<bool>,
}

impl Dispatcher {
    /// Changes what a group is. `None` when it is not as expected.
    pub async fn set_group(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        wish: GroupWish,
        expected: Expected,
    ) -> Result<Option<Arc<Group>>, Refused> {
        let (dispatcher, actor, id) = (self.clone(), actor.clone(), id.clone());
        to_the_end(async move {
            let attempt = || dispatcher.try_to_set(&actor, &id, &wish, expected);
            let Some(change) = super::judged_anew(attempt).await? else {
                return Ok(None);
            };
            dispatcher.tell_now_or_later(change.group.no).await;
            Ok(Some(change.group))
        })
        .await
    }

    async fn try_to_set(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        wish: &GroupWish,
        expected: Expected,
    ) -> Result<Result<Option<godwit_registry::Change>, Error>, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        permission::change_group(role)?;
        let settings = GroupSettings {
            name: wish.name.clone().unwrap_or_else(|| group.name.clone()),
            join_policy: wish.join_policy.unwrap_or(group.join_policy),
            muted: wish.muted.unwrap_or(group.muted),
        };
        let asker = self.asker(actor)?;
        Ok(
            match self.registry.set_group(&group, settings, expected, &asker).await {
                Ok(change) => Ok(Some(change)),
                Err(Error::Differs) => Ok(None),
                Err(error) => Err(error),
            },
        )
    }

    /// Says until when members may not write, `None` that they may; those who are not in the group are passed over.
    pub async fn mute_members(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        users: &[UserId],
        until_ms: Option<u64>,
    ) -> Result<Arc<Group>, Refused> {
        let (dispatcher, actor, id, users) = (self.clone(), actor.clone(), id.clone(), users.to_vec());
        to_the_end(async move {
            dispatcher
                .changed(|| dispatcher.try_to_mute(&actor, &id, &users, until_ms))
                .await
        })
        .await
    }

    async fn try_to_mute(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        users: &[UserId],
        until_ms: Option<u64>,
    ) -> Result<Attempt, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        for member in group.members.iter().filter(|member| users.contains(&member.user)) {
            // An app acts as an owner would, and may mute the owner, too.
            if matches!(actor, Sender::Device(_)) {
                permission::mute_member(role, member.role)?;
            }
        }
        Ok(self
            .registry
            .mute_members(&group, users, until_ms, &self.asker(actor)?)
            .await)
    }

    /// Gives members other roles, one after the other; tells of each what became of it.
    pub async fn change_roles(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        roles: &[(UserId, Role)],
    ) -> Result<Vec<Result<(), Refused>>, Refused> {
        self.group(actor, id).await?;
        let mut done = Vec::with_capacity(roles.len());
        for (user, role) in roles {
            match self.change_role(actor, id, user, *role).await {
                Ok(_) => done.push(Ok(())),
                Err(refused) if refused.refusal.remedy() == godwit_model::refusal::Remedy::Never => {
                    done.push(Err(refused));
                }
                Err(refused) => return Err(refused),
            }
        }
        Ok(done)
    }

    /// The groups of an app's tenant, or of a device's user, in the order of their ids; those after `after`.
    pub async fn group_lines(
        &self,
        actor: &GroupActor,
        after: &str,
        limit: u64,
    ) -> Result<Vec<godwit_registry::GroupLine>, Refused> {
        let Sender::Device(device) = actor else {
            if let Sender::App(app) = actor {
                super::app_may(app)?;
            }
            return self
                .registry
                .groups(actor.tenant(), after, limit)
                .await
                .map_err(of_registry);
        };
        let mut own = self.groups_of(&device.account).await?;
        own.retain(|group| group.id.as_str() > after);
        own.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        own.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(own.iter().map(|group| line(group)).collect())
    }
}

fn line(group: &Group) -> godwit_registry::GroupLine {
    godwit_registry::GroupLine {
        no: group.no,
        id: group.id.clone(),
        name: group.name.clone(),
        join_policy: group.join_policy,
        muted: group.muted,
        created_at_ms: group.created_at_ms,
        members: group.members.len() as u64,
    }
}

/// A device's request cannot say what it expects; it never differs.
pub(crate) fn whatever(set: Option<Arc<Group>>) -> Result<Arc<Group>, Refused> {
    set.ok_or_else(|| Refusal::Overloaded.into())
}
