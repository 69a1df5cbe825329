//! Groups of the business system: made, changed and ended among the platform's own as it says.

use std::collections::HashSet;

use godwit_model::limits::GROUP_MEMBERS_MAX;
use godwit_model::{GroupId, Refused, TenantNo, UserId};
use godwit_registry::{Asker, Error, Group, NewGroup, Profile};
use serde::Deserialize;
use serde_json::json;

use super::{ABSENT, Answered, Question};
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;
use crate::{Dispatcher, new_message_id};

/// In whose name groups change as the business system says.
const NAME: &str = "resolver";
/// How often a change is made again, when others change the group meanwhile.
const ATTEMPTS: usize = 8;

/// What the business system says of a group.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    #[serde(default)]
    name: Option<String>,
    members: Vec<String>,
}

fn read(bytes: &[u8]) -> Result<Said, String> {
    let said: Said = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if said.members.len() > GROUP_MEMBERS_MAX {
        return Err(format!("more than {GROUP_MEMBERS_MAX} members"));
    }
    match said.members.iter().find(|name| name.parse::<UserId>().is_err()) {
        Some(bad) => Err(format!("{bad:?} is no userId")),
        None => Ok(said),
    }
}

impl Dispatcher {
    /// Has a group be as the tenant's business system says, where it has one.
    pub(crate) async fn resolve_group(&self, tenant: TenantNo, id: &GroupId) -> Result<(), Refused> {
        let Some((desk, known)) = self.resolver_of(tenant) else {
            return Ok(());
        };
        let subject = format!("g:{id}");
        let question = Question {
            tenant,
            subject: &subject,
            kind: "resolver.queryGroup",
            data: json!({"groupId": id.as_str()}).to_string(),
            read: |bytes| read(bytes).map(|_| ()),
        };
        let Answered::Asked { answer, before, turn } = self.resolve((desk, &known), &question).await? else {
            return Ok(());
        };
        let was_there = before.is_some_and(|before| before.answer != ABSENT);
        let (dispatcher, id, kept_as) = (self.clone(), id.clone(), subject.clone());
        let followed = to_the_end(async move {
            if answer != ABSENT {
                // It was read before.
                let said = read(answer.as_bytes()).unwrap_or(Said {
                    name: None,
                    members: Vec::new(),
                });
                dispatcher.follow(tenant, &id, &said).await?;
            } else if was_there {
                dispatcher.end_resolved_group(tenant, &id).await?;
            }
            // Last: whoever finds it kept relies on the group.
            let kept = dispatcher.registry.keep_resolved(tenant, &kept_as, &answer).await;
            kept.map_err(of_registry).map(|_| ())
        })
        .await;
        drop(turn);
        followed
    }

    async fn follow(&self, tenant: TenantNo, id: &GroupId, said: &Said) -> Result<(), Refused> {
        let wanted: Vec<UserId> = said.members.iter().filter_map(|name| name.parse().ok()).collect();
        self.make_users(tenant, &wanted).await?;
        for _ in 0..ATTEMPTS {
            let group = self.registry.group(tenant, id).await.map_err(of_registry)?;
            let done = match group {
                None => self.make_resolved(tenant, id, (said, &wanted)).await,
                Some(group) => self.change_resolved(&group, &wanted).await,
            };
            match done {
                Err(Error::Changed) => {}
                other => return other.map_err(of_registry),
            }
        }
        Err(of_registry(Error::Changed))
    }

    /// Users that the business system names exist.
    async fn make_users(&self, tenant: TenantNo, users: &[UserId]) -> Result<(), Refused> {
        let mut missing = Vec::new();
        for user in users {
            if self
                .registry
                .account_of_user(tenant, user)
                .await
                .map_err(of_registry)?
                .is_none()
            {
                missing.push(Ok(Profile {
                    user: user.clone(),
                    name: String::new(),
                    attributes: "{}".to_owned(),
                }));
            }
        }
        if !missing.is_empty() {
            self.registry.put_users(tenant, missing).await.map_err(of_registry)?;
        }
        Ok(())
    }

    async fn make_resolved(
        &self,
        tenant: TenantNo,
        id: &GroupId,
        (said, members): (&Said, &[UserId]),
    ) -> Result<(), Error> {
        let new = NewGroup {
            id: Some(id.clone()),
            name: said.name.clone().unwrap_or_else(|| id.to_string()),
            owner: None,
            members: members.to_vec(),
        };
        let made = self.registry.create_group(tenant, new, &self.resolver_asker()?).await?;
        self.tell_now_or_later(made.no).await;
        Ok(())
    }

    async fn change_resolved(&self, group: &Group, wanted: &[UserId]) -> Result<(), Error> {
        let there: HashSet<&UserId> = group.members.iter().map(|member| &member.user).collect();
        let named: HashSet<&UserId> = wanted.iter().collect();
        let added: Vec<UserId> = named.difference(&there).map(|user| (*user).clone()).collect();
        let removed: Vec<UserId> = there.difference(&named).map(|user| (*user).clone()).collect();
        if !added.is_empty() {
            self.registry
                .add_members(group, &added, &self.resolver_asker()?)
                .await?;
            self.tell_now_or_later(group.no).await;
        }
        if !removed.is_empty() {
            let Some(group) = self.registry.group_by_no(group.no).await? else {
                return Err(Error::Changed);
            };
            self.registry
                .remove_members(&group, &removed, &self.resolver_asker()?)
                .await?;
            self.tell_now_or_later(group.no).await;
        }
        Ok(())
    }

    /// Ends a group that the business system ended.
    pub(super) async fn end_resolved_group(&self, tenant: TenantNo, id: &GroupId) -> Result<(), Refused> {
        for _ in 0..ATTEMPTS {
            let Some(group) = self.registry.group(tenant, id).await.map_err(of_registry)? else {
                return Ok(());
            };
            let asker = self.resolver_asker().map_err(of_registry)?;
            match self.registry.dissolve_group(&group, &asker).await {
                Err(Error::Changed) => {}
                other => {
                    other.map_err(of_registry)?;
                    self.tell_now_or_later(group.no).await;
                    return Ok(());
                }
            }
        }
        Err(of_registry(Error::Changed))
    }

    fn resolver_asker(&self) -> Result<Asker, Error> {
        let message_id = new_message_id(self.clock.now_ms());
        Ok(Asker {
            account: None,
            name: NAME.to_owned(),
            message_id: message_id.map_err(|refused| Error::Internal(refused.to_string()))?,
        })
    }
}
