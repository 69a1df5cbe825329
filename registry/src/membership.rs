//! Changes of a group's members. The group in memory is brought up to date from the change itself, not read again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use godwit_model::{AccountNo, GroupNo, Refusal, Role, TenantNo, UserId};
use godwit_store::{AccountRecord, Expected, GroupSettings, MemberChange, Terms, UntoldChange};

use crate::asker::Asker;
use crate::error::Error;
use crate::group::{Group, KnownGroup, Member, NAME_BYTES_MAX};
use crate::registry::{Registry, check_text, to_the_end};

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
    Add(Vec<AccountNo>, Terms),
    Remove(Vec<AccountNo>, Terms),
    Role(AccountNo, Role, Terms),
    Mute(Vec<AccountNo>, Option<u64>, Terms),
    Set(GroupSettings, Expected, Terms),
    Told(UntoldChange, u64),
}

/// Changes of members are judged by what `group` shows. Where that is not so any more they are [`Error::Changed`], and
/// nothing was changed.
impl Registry {
    /// Adds plain members; who is one already is left as it is. Refuses users that do not exist, naming them.
    pub async fn add_members(&self, group: &Group, users: &[UserId], asker: &Asker) -> Result<Change, Error> {
        let accounts = numbers(&self.accounts_of_users(group.tenant, users).await?);
        let terms = asker.terms(self.now_ms(), group, &[]);
        self.change(group.no, Ask::Add(accounts, terms)).await
    }

    /// Removes members, but never the owner; who is none is passed over. Refuses users that do not exist, naming them.
    pub async fn remove_members(&self, group: &Group, users: &[UserId], asker: &Asker) -> Result<Change, Error> {
        let accounts = numbers(&self.accounts_of_users(group.tenant, users).await?);
        let terms = asker.terms(self.now_ms(), group, &accounts);
        self.change(group.no, Ask::Remove(accounts, terms)).await
    }

    /// Gives a member another role. Giving `Owner` moves it: the former owner becomes an admin. The owner loses the
    /// role in no other way.
    pub async fn change_role(&self, group: &Group, user: &UserId, role: Role, asker: &Asker) -> Result<Change, Error> {
        let accounts = self.accounts_of_users(group.tenant, std::slice::from_ref(user)).await?;
        let account = accounts.first().ok_or(Refusal::UserNotFound)?.no;
        let terms = asker.terms(self.now_ms(), group, &[]);
        self.change(group.no, Ask::Role(account, role, terms)).await
    }

    /// Says until when members may not write, `None` that they may; who is no member is passed over. Refuses users that
    /// do not exist, naming them.
    pub async fn mute_members(
        &self,
        group: &Group,
        users: &[UserId],
        until_ms: Option<u64>,
        asker: &Asker,
    ) -> Result<Change, Error> {
        let accounts = numbers(&self.accounts_of_users(group.tenant, users).await?);
        let terms = asker.terms(self.now_ms(), group, &accounts);
        self.change(group.no, Ask::Mute(accounts, until_ms, terms)).await
    }

    /// Changes what of a group is not its members.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn set_group(
        &self,
        group: &Group,
        settings: GroupSettings,
        expected: Expected,
        asker: &Asker,
    ) -> Result<Change, Error> {
        check_text("name", &settings.name, NAME_BYTES_MAX)?;
        let terms = asker.terms(self.now_ms(), group, &[]);
        self.change(group.no, Ask::Set(settings, expected, terms)).await
    }

    /// The changes of a group, or of all, that its members were not told of yet; in the order they were made.
    pub async fn untold_changes(&self, group: Option<GroupNo>) -> Result<Vec<UntoldChange>, Error> {
        Ok(self.0.store.untold_changes(group).await?)
    }

    /// Says that a change was told, by the message with this `conv_seq`. Saying it again changes nothing.
    pub async fn change_told(&self, change: UntoldChange, conv_seq: u64) -> Result<(), Error> {
        match self.change(change.group, Ask::Told(change, conv_seq)).await {
            // It was dissolved since.
            Err(Error::Refused {
                refusal: Refusal::GroupNotFound,
                ..
            }) => Ok(()),
            told => told.map(|_| ()),
        }
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
            Ask::Add(accounts, terms) => {
                let most = self.0.settings.group_members_max as u64;
                store.add_members(no, accounts, most, terms).await
            }
            Ask::Remove(accounts, terms) => store.remove_members(no, accounts, terms).await,
            Ask::Role(account, role, terms) => store.change_role(no, *account, *role, terms).await,
            Ask::Mute(accounts, until_ms, terms) => store.mute_members(no, accounts, *until_ms, terms).await,
            Ask::Set(settings, expected, terms) => store.set_group(no, settings, *expected, terms).await,
            Ask::Told(change, conv_seq) => store.change_told(change, *conv_seq).await,
        }
    }

    fn refuse(&self, outcome: Result<MemberChange, godwit_store::Error>) -> Error {
        match outcome {
            Ok(MemberChange::Changed) => Error::Changed,
            Ok(MemberChange::Differs) => Error::Differs,
            Ok(MemberChange::OwnerStays) => {
                let detail = "the owner stays until the group is given to somebody else, or dissolved";
                Error::refused(Refusal::Forbidden, detail)
            }
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
        Some(before) if before.version + 1 == version && !matches!(ask, Ask::Set(..)) => Follow::To(KnownGroup {
            version,
            group: Arc::new(after(&before.group, version, ask, changed)),
        }),
        _ => Follow::Unknown,
    }
}

/// The group after a change of these members.
fn after(before: &Group, version: u64, ask: &Ask, changed: &[Member]) -> Group {
    let concerned: HashMap<_, _> = changed.iter().map(|member| (member.account, member)).collect();
    let kept = before
        .members
        .iter()
        .filter(|member| !concerned.contains_key(&member.account));
    let mut members: Vec<_> = kept.cloned().collect();
    if !matches!(ask, Ask::Remove(..)) {
        members.extend(changed.iter().cloned());
        members.sort_unstable_by_key(|member| member.account);
    }
    Group {
        id: before.id.clone(),
        name: before.name.clone(),
        version,
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
