//! Changes of groups: permitted here, kept by the registry together with the debt to tell the members, then told.

mod joining;
mod settings;
mod telling;

use std::future::Future;
use std::sync::Arc;

use godwit_model::{GroupId, Refusal, Refused, Role, UserId, permission};
use godwit_registry::{Account, App, Asker, Change, Error, Group, NewGroup, Scope};

use crate::failure::of_registry;
use crate::to_the_end::to_the_end;
use crate::{Dispatcher, Sender, new_message_id};

pub use joining::Joined;
pub use settings::GroupWish;
pub(crate) use settings::whatever;

/// Who changes a group.
pub type GroupActor = Sender;

/// How often a change is judged anew, when what it was judged by has changed, before the caller is told to come again.
const ATTEMPTS: usize = 8;

impl Dispatcher {
    /// The group, for a member of it or an app with the scope.
    pub async fn group(&self, actor: &GroupActor, id: &GroupId) -> Result<Arc<Group>, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        permission::see_group(role)?;
        Ok(group)
    }

    /// The groups an account is a member of.
    pub async fn groups_of(&self, account: &Account) -> Result<Vec<Arc<Group>>, Refused> {
        self.registry.groups_of(account.no).await.map_err(of_registry)
    }

    /// Makes a group. A device's user becomes its owner.
    pub async fn create_group(&self, actor: &GroupActor, new: NewGroup) -> Result<Arc<Group>, Refused> {
        let (dispatcher, actor) = (self.clone(), actor.clone());
        to_the_end(async move { dispatcher.make(&actor, new).await }).await
    }

    async fn make(&self, actor: &GroupActor, mut new: NewGroup) -> Result<Arc<Group>, Refused> {
        match actor {
            Sender::Device(device) => new.owner = Some(device.account.user.clone()),
            Sender::App(app) => app_may(app)?,
        }
        let asker = self.asker(actor)?;
        let made = self.registry.create_group(actor.tenant(), new, &asker).await;
        let group = made.map_err(of_registry)?;
        self.tell_now_or_later(group.no).await;
        Ok(group)
    }

    /// Brings users into a group; those already in it stay as they are.
    pub async fn add_members(&self, actor: &GroupActor, id: &GroupId, users: &[UserId]) -> Result<Arc<Group>, Refused> {
        let (dispatcher, actor, id, users) = (self.clone(), actor.clone(), id.clone(), users.to_vec());
        to_the_end(async move { dispatcher.changed(|| dispatcher.add(&actor, &id, &users)).await }).await
    }

    async fn add(&self, actor: &GroupActor, id: &GroupId, users: &[UserId]) -> Result<Attempt, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        permission::add_members(role)?;
        Ok(self.registry.add_members(&group, users, &self.asker(actor)?).await)
    }

    /// Takes users out of a group, or lets one leave. Those who are not in it are passed over.
    pub async fn remove_members(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        users: &[UserId],
    ) -> Result<Arc<Group>, Refused> {
        let (dispatcher, actor, id, users) = (self.clone(), actor.clone(), id.clone(), users.to_vec());
        to_the_end(async move { dispatcher.changed(|| dispatcher.remove(&actor, &id, &users)).await }).await
    }

    async fn remove(&self, actor: &GroupActor, id: &GroupId, users: &[UserId]) -> Result<Attempt, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        for member in group.members.iter().filter(|member| users.contains(&member.user)) {
            let is_self = matches!(actor, Sender::Device(device) if device.account.no == member.account);
            permission::remove_member(role, is_self, member.role)?;
        }
        Ok(self.registry.remove_members(&group, users, &self.asker(actor)?).await)
    }

    /// Takes an account out of every group it is in, for an app that removes its user.
    pub(crate) async fn leave_all_groups(&self, app: &Arc<App>, account: &Account) -> Result<(), Refused> {
        let actor = Sender::App(Arc::clone(app));
        let groups = self.groups_of(account).await?;
        let owns = |group: &&Arc<Group>| {
            group
                .member(account.no)
                .is_some_and(|member| member.role == Role::Owner)
        };
        if let Some(owned) = groups.iter().find(owns) {
            let detail = format!(
                "{} owns the group {}; give it away or dissolve it first",
                account.user, owned.id
            );
            return Err(Refused::new(Refusal::Forbidden, detail));
        }
        for group in groups {
            let users = [account.user.clone()];
            let left = self.registry.remove_members(&group, &users, &self.asker(&actor)?).await;
            match left {
                Ok(change) => self.tell_now_or_later(change.group.no).await,
                // Whoever removes the user looks again.
                Err(Error::Changed) => {}
                Err(error) if error.refusal() == Some(Refusal::GroupNotFound) => {}
                Err(error) => return Err(of_registry(error)),
            }
        }
        Ok(())
    }

    /// Gives a member another role; giving away ownership makes the former owner an admin.
    pub async fn change_role(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        user: &UserId,
        role: Role,
    ) -> Result<Arc<Group>, Refused> {
        let (dispatcher, actor, id, user) = (self.clone(), actor.clone(), id.clone(), user.clone());
        to_the_end(async move {
            dispatcher
                .changed(|| dispatcher.give_role(&actor, &id, &user, role))
                .await
        })
        .await
    }

    async fn give_role(&self, actor: &GroupActor, id: &GroupId, user: &UserId, role: Role) -> Result<Attempt, Refused> {
        let (group, own_role) = self.group_and_role(actor, id).await?;
        permission::change_role(own_role)?;
        Ok(self.registry.change_role(&group, user, role, &self.asker(actor)?).await)
    }

    /// Ends a group. Its members are told, and its messages stay in their inboxes.
    pub async fn dissolve_group(&self, actor: &GroupActor, id: &GroupId) -> Result<(), Refused> {
        let (dispatcher, actor, id) = (self.clone(), actor.clone(), id.clone());
        to_the_end(async move {
            let dissolved = judged_anew(|| dispatcher.dissolve(&actor, &id)).await?;
            dispatcher.tell_now_or_later(dissolved.no).await;
            Ok(())
        })
        .await
    }

    async fn dissolve(&self, actor: &GroupActor, id: &GroupId) -> Result<Result<Arc<Group>, Error>, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        permission::dissolve(role)?;
        let dissolved = self.registry.dissolve_group(&group, &self.asker(actor)?).await;
        Ok(dissolved.map(|()| group))
    }

    /// Makes a change of members, and tells of it.
    async fn changed<F>(&self, attempt: impl Fn() -> F + Send) -> Result<Arc<Group>, Refused>
    where
        F: Future<Output = Result<Attempt, Refused>> + Send,
    {
        let change = judged_anew(attempt).await?;
        if !change.changed.is_empty() {
            self.tell_now_or_later(change.group.no).await;
        }
        Ok(change.group)
    }

    /// An app with the scope acts as an owner would.
    async fn group_and_role(&self, actor: &GroupActor, id: &GroupId) -> Result<(Arc<Group>, Option<Role>), Refused> {
        if let Sender::App(app) = actor {
            app_may(app)?;
        }
        let group = self.registry.group(actor.tenant(), id).await.map_err(of_registry)?;
        let group =
            group.ok_or_else(|| Refused::new(Refusal::GroupNotFound, format!("no group {id} in this tenant")))?;
        let role = match actor {
            Sender::Device(device) => group.member(device.account.no).map(|member| member.role),
            Sender::App(_) => Some(Role::Owner),
        };
        Ok((group, role))
    }

    fn asker(&self, actor: &GroupActor) -> Result<Asker, Refused> {
        let (account, name) = match actor {
            Sender::Device(device) => (Some(device.account.no), device.account.user.to_string()),
            Sender::App(app) => (None, format!("a:{}", app.client_id)),
        };
        Ok(Asker {
            account,
            name,
            message_id: new_message_id(self.clock.now_ms())?,
        })
    }
}

/// What became of one try to change the members of a group.
type Attempt = Result<Change, Error>;

/// Tries a change again, judging it by what is now, while what it was judged by has changed meanwhile.
async fn judged_anew<T, F>(attempt: impl Fn() -> F + Send) -> Result<T, Refused>
where
    F: Future<Output = Result<Result<T, Error>, Refused>> + Send,
{
    for _ in 0..ATTEMPTS {
        match attempt().await? {
            Err(Error::Changed) => {}
            made => return made.map_err(of_registry),
        }
    }
    Err(of_registry(Error::Changed))
}

fn app_may(app: &App) -> Result<(), Refused> {
    let allowed = app.scopes.contains(Scope::Groups);
    allowed
        .then_some(())
        .ok_or_else(|| Refused::new(Refusal::Forbidden, "needs the scope `groups`"))
}
