//! Changes of groups: permitted here, kept by the registry, told to the members by a message of the group.

use std::sync::Arc;

use bytes::Bytes;
use godwit_archive::{Entry, RecordKind};
use godwit_model::{
    AccountNo, ConversationKey, Draft, GroupId, MessageType, Refusal, Refused, Role, UserId, permission,
};
use godwit_protocol::Body;
use godwit_protocol::body::FORM_TO_IS_READER;
use godwit_registry::{Account, App, Group, Member, NewGroup, Scope};
use serde::Serialize;

use crate::failure::{of_append, of_registry};
use crate::to_the_end::to_the_end;
use crate::{Dispatcher, Sender, new_message_id};

/// Who changes a group.
pub type GroupActor = Sender;

/// What the members are told: the content of a `groupChange` message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupChange<'a> {
    event: &'a str,
    group_id: &'a str,
    name: &'a str,
    by: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
}

/// Members named in one change message; beyond, clients ask for the group.
const NAMED_MEMBERS_MAX: usize = 100;

impl Dispatcher {
    /// The group, for a member of it or an app with the scope.
    pub async fn group(&self, actor: &GroupActor, id: &GroupId) -> Result<Arc<Group>, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        permission::post_to_group(role)?;
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
        let group = self
            .registry
            .create_group(actor.tenant(), new)
            .await
            .map_err(of_registry)?;
        self.tell_joined(actor, &group, "created", &group.members).await?;
        Ok(group)
    }

    /// Brings users into a group; those already in it stay as they are.
    pub async fn add_members(&self, actor: &GroupActor, id: &GroupId, users: &[UserId]) -> Result<Arc<Group>, Refused> {
        let (dispatcher, actor, id, users) = (self.clone(), actor.clone(), id.clone(), users.to_vec());
        to_the_end(async move { dispatcher.add(&actor, &id, &users).await }).await
    }

    async fn add(&self, actor: &GroupActor, id: &GroupId, users: &[UserId]) -> Result<Arc<Group>, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        permission::add_members(role)?;
        let change = self.registry.add_members(&group, users).await.map_err(of_registry)?;
        if !change.changed.is_empty() {
            self.tell_joined(actor, &change.group, "joined", &change.changed)
                .await?;
        }
        Ok(change.group)
    }

    /// Takes users out of a group, or lets one leave. Those who are not in it are passed over.
    pub async fn remove_members(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        users: &[UserId],
    ) -> Result<Arc<Group>, Refused> {
        let (dispatcher, actor, id, users) = (self.clone(), actor.clone(), id.clone(), users.to_vec());
        to_the_end(async move { dispatcher.remove(&actor, &id, &users).await }).await
    }

    async fn remove(&self, actor: &GroupActor, id: &GroupId, users: &[UserId]) -> Result<Arc<Group>, Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        for member in group.members.iter().filter(|member| users.contains(&member.user)) {
            let is_self = matches!(actor, Sender::Device(device) if device.account.no == member.account);
            permission::remove_member(role, is_self, member.role)?;
        }
        let change = self.registry.remove_members(&group, users).await.map_err(of_registry)?;
        if !change.changed.is_empty() {
            // The former members are told, too. The group as it was looked up above may lack some who came since.
            let mut audience = Group::clone(&change.group);
            audience.members.extend_from_slice(&change.changed);
            let conv_seq = self.tell(actor, &audience, ("left", None), &change.changed).await?;
            let left: Vec<AccountNo> = change.changed.iter().map(|member| member.account).collect();
            self.registry
                .note_membership_seq(group.no, &left, conv_seq, false)
                .await
                .map_err(of_registry)?;
        }
        Ok(change.group)
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
        to_the_end(async move { dispatcher.give_role(&actor, &id, &user, role).await }).await
    }

    async fn give_role(
        &self,
        actor: &GroupActor,
        id: &GroupId,
        user: &UserId,
        role: Role,
    ) -> Result<Arc<Group>, Refused> {
        let (group, own_role) = self.group_and_role(actor, id).await?;
        permission::change_role(own_role)?;
        let change = self
            .registry
            .change_role(&group, user, role)
            .await
            .map_err(of_registry)?;
        if !change.changed.is_empty() {
            let named: Vec<Member> = change
                .changed
                .iter()
                .filter(|member| member.user == *user)
                .cloned()
                .collect();
            self.tell(actor, &change.group, ("roleChanged", Some(role)), &named)
                .await?;
        }
        Ok(change.group)
    }

    /// Ends a group. Its members are told, and its messages stay in their inboxes.
    pub async fn dissolve_group(&self, actor: &GroupActor, id: &GroupId) -> Result<(), Refused> {
        let (dispatcher, actor, id) = (self.clone(), actor.clone(), id.clone());
        to_the_end(async move { dispatcher.dissolve(&actor, &id).await }).await
    }

    async fn dissolve(&self, actor: &GroupActor, id: &GroupId) -> Result<(), Refused> {
        let (group, role) = self.group_and_role(actor, id).await?;
        permission::dissolve(role)?;
        self.registry.dissolve_group(&group).await.map_err(of_registry)?;
        self.tell(actor, &group, ("dissolved", None), &[]).await?;
        Ok(())
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

    /// Tells of members who joined, and keeps with each at which message it did.
    async fn tell_joined(
        &self,
        actor: &GroupActor,
        group: &Group,
        event: &str,
        joined: &[Member],
    ) -> Result<(), Refused> {
        if joined.is_empty() {
            return Ok(());
        }
        let conv_seq = self.tell(actor, group, (event, None), joined).await?;
        let joined: Vec<AccountNo> = joined.iter().map(|member| member.account).collect();
        self.registry
            .note_membership_seq(group.no, &joined, conv_seq, true)
            .await
            .map_err(of_registry)
    }

    /// Stores a message of the group to the members it had; returns its `conv_seq`.
    async fn tell(
        &self,
        actor: &GroupActor,
        audience: &Group,
        (event, role): (&str, Option<Role>),
        changed: &[Member],
    ) -> Result<u64, Refused> {
        let by = match actor {
            Sender::Device(device) => device.account.user.to_string(),
            Sender::App(app) => format!("a:{}", app.client_id),
        };
        let change = GroupChange {
            event,
            group_id: audience.id.as_str(),
            name: &audience.name,
            by: &by,
            members: changed
                .iter()
                .take(NAMED_MEMBERS_MAX)
                .map(|member| member.user.as_str())
                .collect(),
            role: role.map(Role::as_str),
        };
        let draft = change_draft(new_message_id(self.clock.now_ms())?, &change)?;
        let from = format!("g:{}", audience.id);
        let body = Body {
            from: &from,
            to: None,
            target: &[&by],
            tenant_no: audience.tenant.0,
            draft: &draft,
        };
        let entry = Entry {
            kind: RecordKind::Message,
            form: FORM_TO_IS_READER,
            conversation: Some(ConversationKey::group(audience.no)),
            sender: AccountNo(0),
            duplicate_key: None,
            expires_at_ms: None,
            recipients: audience.members.iter().map(|member| member.account).collect(),
            body: Bytes::from(body.encode()),
        };
        let receipt = self.archive.append(entry).map_err(|e| of_append(&e))?.await;
        receipt
            .map(|receipt| receipt.record.conv_seq)
            .map_err(|e| of_append(&e))
    }
}

fn app_may(app: &App) -> Result<(), Refused> {
    let allowed = app.scopes.contains(Scope::Groups);
    allowed
        .then_some(())
        .ok_or_else(|| Refused::new(Refusal::Forbidden, "needs the scope `groups`"))
}

fn change_draft(id: String, change: &GroupChange<'_>) -> Result<Draft, Refused> {
    let content = serde_json::to_string(change).map_err(|e| Refused::new(Refusal::InvalidField, e.to_string()))?;
    Ok(Draft {
        id,
        from: None,
        to: Vec::new(),
        target: Vec::new(),
        kind: MessageType::GroupChange.into(),
        content,
        timestamp_ms: None,
        is_background: true,
        expires_at_ms: None,
        ext: String::new(),
    })
}
