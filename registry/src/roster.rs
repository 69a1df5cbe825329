//! Tags and organisations: named lists of users, kept by apps; and whom a name with a kind stands for.

use std::pin::Pin;

use godwit_model::{AccountNo, Audience, Refusal, TenantNo, UserId};
pub use godwit_store::NewRoster;
use godwit_store::{Expected, PutRosterOutcome, RemoveRosterOutcome, RosterKind, RosterRecord, RostersOf};

use crate::error::Error;
use crate::registry::{Registry, check_optional_text};

/// Longest name of a tag or an organisation, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// What became of a change of who is in a roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersChange {
    /// How many came.
    pub added: u64,
    /// How many went.
    pub removed: u64,
    /// Names that no user has.
    pub unknown: Vec<UserId>,
}

type Accounts<'a> = Pin<Box<dyn Future<Output = Result<Vec<AccountNo>, Error>> + Send + 'a>>;

impl Registry {
    /// A tag or an organisation.
    pub async fn roster(&self, tenant: TenantNo, kind: RosterKind, id: &UserId) -> Result<Option<RosterRecord>, Error> {
        Ok(self.0.store.roster(tenant, kind, id).await?)
    }

    /// Tags or organisations in the order of their ids, those after `after`.
    pub async fn rosters(
        &self,
        of: (TenantNo, RosterKind),
        which: &RostersOf,
        after: &str,
        limit: u64,
    ) -> Result<Vec<RosterRecord>, Error> {
        Ok(self.0.store.rosters(of, which, after, limit).await?)
    }

    /// Keeps a tag or an organisation as it is said here, and says whether it is new.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn put_roster(
        &self,
        of: (TenantNo, RosterKind),
        new: &NewRoster,
        expected: Expected,
    ) -> Result<(RosterRecord, bool), Error> {
        check_optional_text("name", &new.name, NAME_BYTES_MAX)?;
        let no = |detail: String| Err(Error::refused(Refusal::InvalidField, detail));
        match self.0.store.put_roster(of, new, expected, self.now_ms()).await? {
            PutRosterOutcome::Done(roster, is_new) => Ok((roster, is_new)),
            PutRosterOutcome::Differs => Err(Error::Differs),
            PutRosterOutcome::NoParent => no("`parent`: there is no such organisation".to_owned()),
            PutRosterOutcome::Circle => no(format!("`parent`: {} would be above itself", new.id)),
            PutRosterOutcome::TooDeep => no("`parent`: at most 32 departments stand above one another".to_owned()),
        }
    }

    /// Removes a tag or an organisation; users stay.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn remove_roster(
        &self,
        of: (TenantNo, RosterKind),
        id: &UserId,
        expected: Expected,
    ) -> Result<(), Error> {
        match self.0.store.remove_roster(of, id, expected).await? {
            RemoveRosterOutcome::Removed => Ok(()),
            RemoveRosterOutcome::Differs => Err(Error::Differs),
            RemoveRosterOutcome::Absent => Err(none(of.1, id)),
            RemoveRosterOutcome::HasDepartments => Err(Error::refused(
                Refusal::Forbidden,
                format!("{id} has departments; move or remove them first"),
            )),
        }
    }

    /// Puts users into a tag or an organisation, and takes others out. Names that no user has are told, and passed over.
    pub async fn change_roster_members(
        &self,
        of: (TenantNo, RosterKind),
        id: &UserId,
        (add, remove): (&[UserId], &[UserId]),
    ) -> Result<MembersChange, Error> {
        let mut unknown = Vec::new();
        let add = self.known(of.0, add, &mut unknown).await?;
        let remove = self.known(of.0, remove, &mut unknown).await?;
        let changed = self.0.store.change_roster_members(of, id, &add, &remove).await?;
        let (added, removed) = changed.ok_or_else(|| none(of.1, id))?;
        Ok(MembersChange {
            added,
            removed,
            unknown,
        })
    }

    /// The users right in a tag or an organisation, in the order of their ids, those after `after`.
    pub async fn roster_users(&self, roster: &RosterRecord, after: &str, limit: u64) -> Result<Vec<UserId>, Error> {
        Ok(self.0.store.roster_users(roster.no, after, limit).await?)
    }

    /// Everybody who has a tag, sorted.
    pub async fn accounts_of_tag(&self, tenant: TenantNo, id: &UserId) -> Result<Vec<AccountNo>, Error> {
        self.behind(tenant, RosterKind::Tag, id).await
    }

    /// Everybody in an organisation and below it, each once, sorted.
    pub async fn accounts_of_org(&self, tenant: TenantNo, id: &UserId) -> Result<Vec<AccountNo>, Error> {
        self.behind(tenant, RosterKind::Org, id).await
    }

    /// Everybody for whom an app of the tenant issued a ticket, sorted.
    pub async fn accounts_of_app(&self, tenant: TenantNo, client_id: &str) -> Result<Vec<AccountNo>, Error> {
        let found = self.0.store.app_by_client_id(client_id).await?;
        let app = found.filter(|app| app.tenant == tenant);
        let app = app.ok_or_else(|| Error::refused(Refusal::NotFound, format!("there is no app `{client_id}`")))?;
        Ok(self.0.store.accounts_of_app(app.no).await?)
    }

    /// How many users a tenant has.
    pub async fn count_accounts(&self, tenant: TenantNo) -> Result<u64, Error> {
        Ok(self.0.store.count_accounts(tenant).await?)
    }

    /// Everybody whom tags and organisations combined stand for, sorted. At most one set for each level is held at once.
    pub fn accounts_of_audience<'a>(&'a self, tenant: TenantNo, audience: &'a Audience) -> Accounts<'a> {
        Box::pin(async move {
            match audience {
                Audience::Tag(id) => self.accounts_of_tag(tenant, id).await,
                Audience::Org(id) => self.accounts_of_org(tenant, id).await,
                Audience::All(inner) => self.combined(tenant, inner, both).await,
                Audience::Any(inner) => self.combined(tenant, inner, either).await,
                Audience::Not(inner) => {
                    let out = self.accounts_of_audience(tenant, inner).await?;
                    let mut all = self.accounts_of_tenant(tenant).await?;
                    all.retain(|account| out.binary_search(account).is_err());
                    Ok(all)
                }
            }
        })
    }

    async fn combined(
        &self,
        tenant: TenantNo,
        inner: &[Audience],
        combine: fn(Vec<AccountNo>, &[AccountNo]) -> Vec<AccountNo>,
    ) -> Result<Vec<AccountNo>, Error> {
        let mut so_far: Option<Vec<AccountNo>> = None;
        for one in inner {
            let next = self.accounts_of_audience(tenant, one).await?;
            so_far = Some(match so_far {
                None => next,
                Some(so_far) => combine(so_far, &next),
            });
        }
        Ok(so_far.unwrap_or_default())
    }

    async fn behind(&self, tenant: TenantNo, kind: RosterKind, id: &UserId) -> Result<Vec<AccountNo>, Error> {
        let found = self.0.store.roster_accounts(tenant, kind, id).await?;
        found.ok_or_else(|| none(kind, id))
    }

    /// The accounts of users, sorted; names that no user has go into `unknown`.
    async fn known(
        &self,
        tenant: TenantNo,
        users: &[UserId],
        unknown: &mut Vec<UserId>,
    ) -> Result<Vec<AccountNo>, Error> {
        let mut found = self.0.store.accounts_of_users(tenant, users).await?;
        found.sort_unstable_by(|one, other| one.user.cmp(&other.user));
        let is_known = |user: &UserId| found.binary_search_by(|account| account.user.cmp(user)).is_ok();
        unknown.extend(users.iter().filter(|user| !is_known(user)).cloned());
        let mut accounts: Vec<_> = found.into_iter().map(|account| account.no).collect();
        accounts.sort_unstable();
        accounts.dedup();
        Ok(accounts)
    }
}

fn both(mut one: Vec<AccountNo>, other: &[AccountNo]) -> Vec<AccountNo> {
    one.retain(|account| other.binary_search(account).is_ok());
    one
}

fn either(mut one: Vec<AccountNo>, other: &[AccountNo]) -> Vec<AccountNo> {
    one.extend_from_slice(other);
    one.sort_unstable();
    one.dedup();
    one
}

pub(crate) fn none(kind: RosterKind, id: &UserId) -> Error {
    let kind = match kind {
        RosterKind::Tag => "tag",
        RosterKind::Org => "organisation",
    };
    Error::refused(Refusal::NotFound, format!("there is no {kind} {id} in this tenant"))
}
