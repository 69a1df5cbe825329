//! Groups and their members, as they were at one moment; reading, making and ending them.

use std::sync::Arc;

use godwit_model::{AccountNo, GroupId, GroupNo, JoinPolicy, Refusal, Role, TenantNo, UserId};
use godwit_store::{CreateGroupOutcome, DissolveOutcome, GroupLine, GroupRecord, MemberRecord, NewMember};

use crate::asker::Asker;
use crate::error::Error;
use crate::opaque::Opaque;
use crate::registry::{Registry, check_text, to_the_end};

/// Longest name of a group, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;

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
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Who may join without being added.
    pub join_policy: JoinPolicy,
    /// Whether only admins and the owner write.
    pub muted: bool,
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
    /// Until when it may not write, in milliseconds since 1970.
    pub muted_until_ms: Option<u64>,
}

impl Member {
    /// Whether it may not write now.
    pub fn is_muted(&self, now_ms: u64) -> bool {
        self.muted_until_ms.is_some_and(|until_ms| now_ms < until_ms)
    }
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
    /// A name for people: 1 to 255 bytes.
    pub name: String,
    /// Its owner, who also becomes a member.
    pub owner: Option<UserId>,
    /// Its members; naming one twice is naming it once.
    pub members: Vec<UserId>,
}

/// A group in memory, with the number of changes it has seen.
#[derive(Clone)]
pub(crate) struct KnownGroup {
    pub(crate) version: u64,
    pub(crate) group: Arc<Group>,
}

impl KnownGroup {
    /// What it takes in memory, in members.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.group.members.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }
}

impl From<MemberRecord> for Member {
    fn from(record: MemberRecord) -> Self {
        Self {
            account: record.account,
            user: record.user,
            role: record.role,
            joined_conv_seq: record.joined_conv_seq,
            muted_until_ms: record.muted_until_ms,
        }
    }
}

impl From<GroupRecord> for KnownGroup {
    fn from(record: GroupRecord) -> Self {
        let group = Group {
            no: record.no,
            id: record.id,
            tenant: record.tenant,
            name: record.name,
            version: record.version,
            created_at_ms: record.created_at_ms,
            join_policy: record.join_policy,
            muted: record.muted,
            members: record.members.into_iter().map(Member::from).collect(),
        };
        Self {
            version: record.version,
            group: Arc::new(group),
        }
    }
}

impl Registry {
    /// The group with this id.
    pub async fn group(&self, tenant: TenantNo, id: &GroupId) -> Result<Option<Arc<Group>>, Error> {
        let load = async { Ok(self.0.store.group_no(tenant, id).await?) };
        match self.0.group_nos.get(&(tenant, id.clone()), load).await? {
            Some(no) => self.group_by_no(no).await,
            None => Ok(None),
        }
    }

    /// The group with this number.
    pub async fn group_by_no(&self, no: GroupNo) -> Result<Option<Arc<Group>>, Error> {
        let load = async { Ok(self.0.store.group(no).await?.map(KnownGroup::from)) };
        Ok(self.0.groups.get(&no, load).await?.map(|known| known.group))
    }

    /// The groups an account is a member of, oldest first.
    pub async fn groups_of(&self, account: AccountNo) -> Result<Vec<Arc<Group>>, Error> {
        let mut groups = Vec::new();
        for no in self.0.store.groups_of(account).await? {
            // One that was dissolved since is passed over.
            groups.extend(self.group_by_no(no).await?);
        }
        Ok(groups)
    }

    /// The groups of a tenant in the order of their ids, those after `after`, without their members.
    pub async fn groups(&self, tenant: TenantNo, after: &str, limit: u64) -> Result<Vec<GroupLine>, Error> {
        Ok(self.0.store.groups(tenant, after, limit).await?)
    }

    /// Makes a group. Refuses an id that is taken, users that do not exist (naming them), and too many members.
    pub async fn create_group(&self, tenant: TenantNo, group: NewGroup, asker: &Asker) -> Result<Arc<Group>, Error> {
        check_text("name", &group.name, NAME_BYTES_MAX)?;
        let members = self.first_members(tenant, &group).await?;
        let id = match group.id {
            Some(id) => id,
            None => Opaque::random()?
                .text()
                .parse()
                .map_err(|_| Error::Internal("an id that is no name".to_owned()))?,
        };
        let new = godwit_store::NewGroup {
            tenant,
            id,
            name: group.name,
            members,
        };
        let terms = asker.free_terms(self.now_ms());
        match self.0.store.create_group(&new, &terms).await? {
            CreateGroupOutcome::Created(no) => {
                let made = self.group_by_no(no).await?;
                made.ok_or_else(|| Error::refused(Refusal::GroupNotFound, "the group was dissolved at once"))
            }
            CreateGroupOutcome::AlreadyExists => Err(Error::refused(
                Refusal::AlreadyExists,
                format!("there is a group `{}` already", new.id),
            )),
        }
    }

    /// The group with this number, live or not; its members, or those it had at its end. Asks the store.
    pub async fn group_ever(&self, no: GroupNo) -> Result<Option<Arc<Group>>, Error> {
        let record = self.0.store.group_ever(no).await?;
        Ok(record.map(|record| KnownGroup::from(record).group))
    }

    /// Ends a group; its id is free again, its number never is.
    ///
    /// # Errors
    /// [`Error::Changed`] when the asker has not the role any more that `group` shows.
    pub async fn dissolve_group(&self, group: &Group, asker: &Asker) -> Result<(), Error> {
        let (registry, no, key) = (self.clone(), group.no, (group.tenant, group.id.clone()));
        let terms = asker.terms(self.now_ms(), group, &[]);
        to_the_end(async move {
            let dissolved = registry.0.store.dissolve_group(no, &terms).await;
            registry.0.groups.changed(&no).await;
            registry.0.group_nos.changed(&key).await;
            match dissolved? {
                DissolveOutcome::Dissolved => Ok(()),
                DissolveOutcome::NoGroup => Err(Refusal::GroupNotFound.into()),
                DissolveOutcome::Changed => Err(Error::Changed),
            }
        })
        .await
    }

    async fn first_members(&self, tenant: TenantNo, group: &NewGroup) -> Result<Vec<NewMember>, Error> {
        let users: Vec<_> = group.owner.iter().chain(&group.members).cloned().collect();
        let accounts = self.accounts_of_users(tenant, &users).await?;
        self.check_size(accounts.len() as u64)?;
        let member = |record: &godwit_store::AccountRecord| {
            let owns = group.owner.as_ref() == Some(&record.user);
            NewMember {
                account: record.no,
                role: if owns { Role::Owner } else { Role::Member },
            }
        };
        Ok(accounts.iter().map(member).collect())
    }

    pub(crate) fn check_size(&self, members: u64) -> Result<(), Error> {
        let most = self.0.settings.group_members_max as u64;
        if members <= most {
            return Ok(());
        }
        Err(Error::refused(
            Refusal::TooLarge,
            format!("the group would have {members} members; at most {most} fit"),
        ))
    }
}
