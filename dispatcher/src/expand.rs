//! From whom a draft names to the accounts that get it, and the conversation it belongs to.

mod many;

use godwit_model::{AccountNo, Address, ConversationKey, Draft, GroupId, Refusal, Refused, UserId, permission};
use godwit_registry::Group;

use crate::Dispatcher;
use crate::author::Author;
use crate::failure::of_registry;
use crate::resolver::Blocked;

/// A receiver of a list that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedTarget {
    /// As the sender named it, in canonical spelling.
    pub to: String,
    /// Why.
    pub refusal: Refusal,
}

/// A receiver that stands for several, and for how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedTarget {
    /// As the sender named it, in canonical spelling.
    pub to: String,
    /// How many accounts it stands for.
    pub accounts: u32,
}

/// Where a message goes and how it reads there.
pub(crate) struct Route {
    pub(crate) conversation: ConversationKey,
    /// Distinct, ascending.
    pub(crate) recipients: Vec<AccountNo>,
    pub(crate) from: String,
    /// `None` when every reader sees itself.
    pub(crate) to: Option<String>,
    pub(crate) target: Vec<String>,
    /// What each address stands for, where an app names several or one that stands for several.
    pub(crate) accepted: Vec<AcceptedTarget>,
    pub(crate) refused: Vec<RefusedTarget>,
}

impl Dispatcher {
    pub(crate) async fn route(&self, author: &Author, draft: &Draft) -> Result<Route, Refused> {
        match draft.to.as_slice() {
            [] => Err(Refused::new(
                Refusal::InvalidField,
                "`to` is missing: a userId, or an address such as g:ID",
            )),
            [Address::User(user)] => self.to_user(author, user, &draft.target).await,
            [Address::Group(group)] => self.to_group(author, group, &draft.target).await,
            many => self.to_many(author, many).await,
        }
    }

    async fn to_user(&self, author: &Author, user: &UserId, target: &[Address]) -> Result<Route, Refused> {
        let peer = self
            .registry
            .account_of_user(author.tenant, user)
            .await
            .map_err(of_registry)?;
        let peer =
            peer.ok_or_else(|| Refused::new(Refusal::UserNotFound, format!("`to`: no user {user} in this tenant")))?;
        let blocked = match self.hooks.in_use() {
            Some(_) => Box::pin(self.block_between(author.tenant, &author.name, user)).await?,
            None => None,
        };
        let (conversation, recipients) = match (&author.account, &author.app) {
            (Some(own), _) if blocked == Some(Blocked::Discard) => (
                ConversationKey::single(own.no, peer.no),
                // Who is blocked is not told.
                vec![own.no],
            ),
            (None, _) if blocked == Some(Blocked::Discard) => return Err(Refusal::BlockedByReceiver.into()),
            (Some(own), _) => (
                ConversationKey::single(own.no, peer.no),
                distinct(vec![own.no, peer.no]),
            ),
            (None, Some(app)) => (ConversationKey::app(app.no, peer.no), vec![peer.no]),
            (None, None) => return Err(Refusal::Unauthenticated.into()),
        };
        Ok(Route {
            conversation,
            recipients,
            from: author.name.clone(),
            to: Some(user.to_string()),
            target: target.iter().map(Address::to_string).collect(),
            accepted: Vec::new(),
            refused: Vec::new(),
        })
    }

    async fn to_group(&self, author: &Author, id: &GroupId, target: &[Address]) -> Result<Route, Refused> {
        if self.hooks.in_use().is_some() {
            Box::pin(self.resolve_group(author.tenant, id)).await?;
        }
        let group = self.registry.group(author.tenant, id).await.map_err(of_registry)?;
        let group =
            group.ok_or_else(|| Refused::new(Refusal::GroupNotFound, format!("no group {id} in this tenant")))?;
        if let Some(own) = &author.account {
            let member = group.member(own.no);
            let is_muted = member.is_some_and(|member| member.is_muted(self.clock.now_ms()));
            permission::post_to_group(member.map(|member| member.role), group.muted, is_muted)?;
        }
        let mut recipients = members_named(&group, target)?;
        if let (Some(own), false) = (&author.account, target.is_empty()) {
            recipients.push(own.no);
        }
        Ok(Route {
            conversation: ConversationKey::group(group.no),
            recipients: distinct(recipients),
            from: format!("g:{id}"),
            to: None,
            target: vec![author.name.clone()],
            accepted: Vec::new(),
            refused: Vec::new(),
        })
    }
}

fn members_named(group: &Group, target: &[Address]) -> Result<Vec<AccountNo>, Refused> {
    if target.is_empty() {
        return Ok(group.members.iter().map(|member| member.account).collect());
    }
    let find = |address: &Address| {
        let member = match address {
            Address::User(user) => group.members.iter().find(|member| member.user == *user),
            _ => None,
        };
        member.map(|member| member.account).ok_or_else(|| {
            Refused::new(
                Refusal::TargetNotMember,
                format!("`target`: {address} is not a member of g:{}", group.id),
            )
        })
    };
    target.iter().map(find).collect()
}

fn distinct(mut accounts: Vec<AccountNo>) -> Vec<AccountNo> {
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}
