//! Users come into a group by themselves: at once where it is open, by asking where its admins approve of each.

use std::sync::Arc;

use bytes::Bytes;
use godwit_model::permission::Joining;
use godwit_model::{AccountNo, GroupId, Refusal, Refused, Role, UserId, permission};
use godwit_registry::{Account, Device, Group, JoinRequest};
use serde::Serialize;

use super::{Attempt, GroupActor};
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;
use crate::{Dispatcher, Sender};

/// What became of a wish to join.
#[derive(Clone, Debug)]
pub enum Joined {
    /// The user is a member.
    Member(Arc<Group>),
    /// The user asks, and the group's admins decide.
    Asks(Arc<Group>),
}

/// A hint to those who decide, or to who asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JoinEvent<'a> {
    event: &'static str,
    group_id: &'a str,
    user_id: &'a str,
}

impl Dispatcher {
    /// A user joins a group by itself, or asks to. Who is a member already stays as it is.
    pub async fn join_group(&self, device: &Arc<Device>, id: &GroupId) -> Result<Joined, Refused> {
        let (dispatcher, device, id) = (self.clone(), Arc::clone(device), id.clone());
        to_the_end(async move {
            let actor = Sender::Device(Arc::clone(&device));
            let (group, role) = dispatcher.group_and_role(&actor, &id).await?;
            let joining = role.map_or_else(|| permission::join(group.join_policy), |_| Ok(Joining::AtOnce));
            match joining {
                Ok(Joining::AtOnce) => {
                    let joined = dispatcher.changed(|| dispatcher.try_to_join(&device, &id)).await?;
                    Ok(Joined::Member(joined))
                }
                Ok(Joining::ByAsking) => dispatcher.ask(&device.account, group).await,
                Err(refusal) => Err(not_open(refusal, &id)),
            }
        })
        .await
    }

    async fn try_to_join(&self, device: &Arc<Device>, id: &GroupId) -> Result<Attempt, Refused> {
        let actor = Sender::Device(Arc::clone(device));
        let (group, role) = self.group_and_role(&actor, id).await?;
        if role.is_none() {
            match permission::join(group.join_policy) {
                Ok(Joining::AtOnce) => {}
                Ok(Joining::ByAsking) => return Err(Refusal::Overloaded.into()),
                Err(refusal) => return Err(not_open(refusal, id)),
            }
        }
        let own = [device.account.user.clone()];
        Ok(self.registry.add_members(&group, &own, &self.asker(&actor)?).await)
    }

    async fn ask(&self, account: &Account, group: Arc<Group>) -> Result<Joined, Refused> {
        let is_new = self
            .registry
            .ask_to_join(group.no, account.no)
            .await
            .map_err(of_registry)?;
        if is_new {
            let deciding = group.members.iter().filter(|member| member.role > Role::Member);
            let deciding: Vec<_> = deciding.map(|member| member.account).collect();
            self.hint("joinRequest", (&group, &account.user), &deciding);
        }
        Ok(Joined::Asks(group))
    }

    /// Who asks to join a group, for its admins and its owner: in the order of their ids, those after `after`.
    pub async fn join_requests(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        after: &str,
        limit: u64,
    ) -> Result<Vec<JoinRequest>, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        permission::add_members(role)?;
        self.registry
            .join_requests(group.no, after, limit)
            .await
            .map_err(of_registry)
    }

    /// Lets somebody in who asks. The members are told as of any other who joined.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for who does not ask.
    pub async fn approve_join(&self, actor: &GroupActor, id: &GroupId, user: &UserId) -> Result<(), Refused> {
        let (dispatcher, actor, id, user) = (self.clone(), actor.clone(), id.clone(), user.clone());
        to_the_end(async move {
            let (group, role) = dispatcher.group_and_role(&actor, &id).await?;
            permission::add_members(role)?;
            let account = dispatcher.who_asks(&group, &user).await?;
            let asks = dispatcher
                .registry
                .asks_to_join(group.no, account.no)
                .await
                .map_err(of_registry)?;
            if !asks {
                return Err(asks_not(&user, &id));
            }
            dispatcher.add_members(&actor, &id, std::slice::from_ref(&user)).await?;
            Ok(())
        })
        .await
    }

    /// Refuses somebody who asks, or lets a user take its own wish back.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for who does not ask.
    pub async fn refuse_join(&self, actor: &GroupActor, id: &GroupId, user: &UserId) -> Result<(), Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        let is_own = matches!(actor, Sender::Device(device) if device.account.user == *user);
        if !is_own {
            permission::add_members(role)?;
        }
        let account = self.who_asks(&group, user).await?;
        let did = self.registry.forget_join_request(group.no, account.no).await;
        if !did.map_err(of_registry)? {
            return Err(asks_not(user, id));
        }
        if !is_own {
            self.hint("joinRefused", (&group, user), &[account.no]);
        }
        Ok(())
    }

    async fn who_asks(&self, group: &Group, user: &UserId) -> Result<Arc<Account>, Refused> {
        let found = self.registry.account_of_user(group.tenant, user).await;
        found.map_err(of_registry)?.ok_or_else(|| asks_not(user, &group.id))
    }

    fn hint(&self, event: &'static str, (group, user): (&Group, &UserId), accounts: &[AccountNo]) {
        let event = JoinEvent {
            event,
            group_id: group.id.as_str(),
            user_id: user.as_str(),
        };
        let json = Bytes::from(serde_json::to_vec(&event).expect("plain structs of texts are always JSON"));
        for account in accounts {
            self.hub.tell(*account, None, &json);
        }
    }
}

fn not_open(refusal: Refusal, id: &GroupId) -> Refused {
    Refused::new(refusal, format!("the group {id} is not open: an admin adds you"))
}

fn asks_not(user: &UserId, id: &GroupId) -> Refused {
    Refused::new(Refusal::NotFound, format!("{user} does not ask to join {id}"))
}
