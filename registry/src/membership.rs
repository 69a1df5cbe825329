//! Changes of a group's members. The group in memory is brought up to date from the change itself, not read again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use godwit_model::{AccountNo, GroupNo, Refusal, Role, TenantNo, UserId};
use godwit_store::{AccountRecord, MemberChange};

use crate::error::Error;
use crate::group::{Group, KnownGroup, Member};
use crate::registry::{Registry, to_the_end};

/// Unknown users a refusal names; it gives the number of all.
const NAMED_MAX: usize = 10;

/// What a change of a group's members did.
#[derive(Clone, Debug)]
pub struct Change {
    /// The group after the change.
    pub group: Arc<Group>,
    /// The members that were added or removed, or whose role is another now (as they are after it; removed ones as
    /// they were).
    pub changed: Vec<Member>,
}

/// What is asked of the store, and how memory follows.
enum Ask {
    Add(Vec<AccountNo>),
    Remove(Vec<AccountNo>),
    Role(AccountNo, Role),
    Joined(Vec<AccountNo>, u64),
    Left(Vec<AccountNo>, u64),
}

impl Registry {
    /// Adds plain members; who is one already is left as it is. Refuses users that do not exist, naming them.
    pub async fn add_members(&self, group: &Group, users: &[UserId]) -> Result<Change, Error> {
        let accounts = self.accounts_of_users(group.tenant, users).await?;
        self.change(group.no, Ask::Add(numbers(&accounts))).await
    }

    /// Removes members; who is none is passed over. Refuses users that do not exist, naming them.
    pub async fn remove_members(&self, group: &Group, users: &[UserId]) -> Result<Change, Error> {
        let accounts = self.accounts_of_users(group.tenant, users).await?;
        self.change(group.no, Ask::Remove(numbers(&accounts))).await
    }

    /// Gives a member another role. Giving `Owner` moves it: the former owner becomes an admin.
    pub async fn change_role(&self, group: &Group, user: &UserId, role: Role) -> Result<Change, Error> {
        let accounts = self.accounts_of_users(group.tenant, std::slice::from_ref(user)).await?;
        let account = accounts.first().ok_or(Refusal::UserNotFound)?.no;
        self.change(group.no, Ask::Role(account, role)).await
    }

    /// Keeps the `conv_seq` of the system message that told of a join or a leave.
    pub async fn note_membership_seq(
        &self,
        group: GroupNo,
        accounts: &[AccountNo],
        conv_seq: u64,
        joined: bool,
    ) -> Result<(), Error> {
        let mut accounts = accounts.to_vec();
        accounts.sort_unstable();
        accounts.dedup();
        let ask = if joined {
            Ask::Joined(accounts, conv_seq)
        } else {
            Ask::Left(accounts, conv_seq)
        };
        self.change(group, ask).await.map(|_| ())
    }

    /// The accounts of users, each once, sorted; refuses when one does not exist.
    pub(crate) async fn accounts_of_users(
        &self,
        tenant: TenantNo,
        users: &[UserId],
    ) -> Result<Vec<AccountRecord>, Error> {
        let mut seen = HashSet::with_capacity(users.len());
        let distinct: Vec<_> = users.iter().filter(|user| seen.insert(*user)).cloned().collect();
        // Before the store is asked: a list longer than any group is not worth a look.
        self.check_size(distinct.len() as u64)?;
        let mut accounts = self.0.store.accounts_of_users(tenant, &distinct).await?;
        if accounts.len() < distinct.len() {
            return Err(unknown(&distinct, &accounts));
        }
        accounts.sort_unstable_by_key(|account| account.no);
        Ok(accounts)
    }

    async fn change(&self, no: GroupNo, ask: Ask) -> Result<Change, Error> {
        let registry = self.clone();
        to_the_end(async move {
            let groups = &registry.0.groups;
            let generation = groups.generation(&no);
            let before = groups.peek(&no, generation).await;
            let (version, changed) = match registry.ask(no, &ask).await {
                Ok(MemberChange::Done { version, changed }) => (version, changed),
                other => {
                    // After a failure nobody knows whether the change is stored.
                    groups.changed(&no).await;
                    return Err(registry.refuse(other));
                }
            };
            let changed: Vec<_> = changed.into_iter().map(Member::from).collect();
            match follow(before, version, &ask, &changed) {
                Follow::Same => {}
                Follow::To(known) => groups.changed_to(&no, generation, known).await,
                Follow::Unknown => groups.changed(&no).await,
            }
            let group = registry.group_by_no(no).await?.ok_or(Refusal::GroupNotFound)?;
            Ok(Change { group, changed })
        })
        .await
    }

    async fn ask(&self, no: GroupNo, ask: &Ask) -> Result<MemberChange, godwit_store::Error> {
        let store = &self.0.store;
        match ask {
            Ask::Add(accounts) => {
                let most = self.0.settings.group_members_max as u64;
                store.add_members(no, accounts, most, self.now_ms()).await
            }
            Ask::Remove(accounts) => store.remove_members(no, accounts, self.now_ms()).await,
            Ask::Role(account, role) => store.change_role(no, *account, *role).await,
            Ask::Joined(accounts, conv_seq) => store.note_membership_seq(no, accounts, *conv_seq, true).await,
            Ask::Left(accounts, conv_seq) => store.note_membership_seq(no, accounts, *conv_seq, false).await,
        }
    }

    fn refuse(&self, outcome: Result<MemberChange, godwit_store::Error>) -> Error {
        match outcome {
            Ok(MemberChange::NoMember) => {
                Error::refused(Refusal::TargetNotMember, "the user is not a member of this group")
            }
            Ok(MemberChange::TooMany { would_be }) => self
                .check_size(would_be)
                .err()
                .unwrap_or_else(|| Refusal::TooLarge.into()),
            Ok(MemberChange::NoGroup | MemberChange::Done { .. }) => Refusal::GroupNotFound.into(),
            Err(cause) => cause.into(),
        }
    }
}

/// What a change means for the group in memory.
enum Follow {
    /// Nothing of it changed.
    Same,
    /// It is this now.
    To(KnownGroup),
    /// It has to be read again.
    Unknown,
}

fn follow(before: Option<KnownGroup>, version: u64, ask: &Ask, changed: &[Member]) -> Follow {
    match before {
        Some(before) if before.version == version => Follow::Same,
        Some(before) if before.version + 1 == version => Follow::To(KnownGroup {
            version,
            group: Arc::new(after(&before.group, ask, changed)),
        }),
        _ => Follow::Unknown,
    }
}

/// The group after a change of these members.
fn after(before: &Group, ask: &Ask, changed: &[Member]) -> Group {
    let concerned: HashMap<_, _> = changed.iter().map(|member| (member.account, member)).collect();
    let kept = before
        .members
        .iter()
        .filter(|member| !concerned.contains_key(&member.account));
    let mut members: Vec<_> = kept.cloned().collect();
    if !matches!(ask, Ask::Remove(_)) {
        members.extend(changed.iter().cloned());
        members.sort_unstable_by_key(|member| member.account);
    }
    Group {
        id: before.id.clone(),
        name: before.name.clone(),
        members,
        ..*before
    }
}

fn numbers(accounts: &[AccountRecord]) -> Vec<AccountNo> {
    accounts.iter().map(|account| account.no).collect()
}

fn unknown(users: &[UserId], known: &[AccountRecord]) -> Error {
    let known: HashSet<_> = known.iter().map(|account| &account.user).collect();
    let unknown: Vec<_> = users
        .iter()
        .filter(|user| !known.contains(user))
        .map(UserId::as_str)
        .collect();
    let named = unknown.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = if unknown.len() > NAMED_MAX { ", …" } else { "" };
    Error::refused(
        Refusal::UserNotFound,
        format!("{} unknown: {named}{more}", unknown.len()),
    )
}
