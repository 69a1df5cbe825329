//! Whom addresses stand for, however many they are: walked in the order of their accounts a page at a time, so that
//! memory holds a page and no more.

use std::pin::Pin;

use godwit_model::{AccountNo, Address, Audience, Refusal, TenantNo, UserId};
use godwit_store::{Crowd as Kept, RosterKind};

use crate::error::Error;
use crate::registry::Registry;

/// Rosters that are walked side by side; where an organisation has more departments, the tenant is walked, and who is in
/// none of them is passed over.
const SIDE_BY_SIDE_MAX: usize = 32;

/// Accounts that addresses stand for, to be walked. Who has a tag, or is in an organisation, a group or an app, is asked
/// anew for each page.
#[derive(Clone, Debug)]
pub struct Crowd {
    tenant: TenantNo,
    parts: Part,
}

#[derive(Clone, Debug)]
enum Part {
    /// Everybody a list of the store holds.
    Kept(Kept),
    /// Everybody in one of these rosters.
    Rosters(Vec<u64>),
    /// These, ascending.
    Named(Vec<AccountNo>),
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
}

/// A crowd, and the addresses that stand for nobody because nothing of that name exists.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The accounts.
    pub crowd: Crowd,
    /// Which addresses were left out, and why.
    pub left_out: Vec<(Address, Refusal)>,
}

/// A part of a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrowdPage {
    /// The accounts, ascending; fewer than were asked for, even none, says nothing.
    pub accounts: Vec<AccountNo>,
    /// Where the next page begins; `None` where the walk ends.
    pub next: Option<AccountNo>,
}

type Walking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl Registry {
    /// Finds out whom these addresses stand for.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] and its like when nothing any of them names exists.
    pub async fn gather(&self, tenant: TenantNo, addresses: &[Address]) -> Result<Gathered, Error> {
        let (mut named, mut parts, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        let users: Vec<UserId> = addresses.iter().filter_map(user_of).cloned().collect();
        let mut found = self.0.store.accounts_of_users(tenant, &users).await?;
        found.sort_unstable_by(|one, other| one.user.cmp(&other.user));
        for address in addresses {
            let part = match user_of(address) {
                Some(user) => match found.binary_search_by(|account| account.user.cmp(user)) {
                    Ok(at) => {
                        named.push(found[at].no);
                        continue;
                    }
                    Err(_) => Err(Error::refused(
                        Refusal::UserNotFound,
                        format!("`to`: no user {user} in this tenant"),
                    )),
                },
                None => self.part_of(tenant, address).await,
            };
            match part {
                Ok(part) => parts.push(part),
                Err(Error::Refused { refusal, .. }) if addresses.len() > 1 => left_out.push((address.clone(), refusal)),
                Err(error) => return Err(error),
            }
        }
        named.sort_unstable();
        named.dedup();
        if !named.is_empty() {
            parts.push(Part::Named(named));
        }
        if parts.is_empty() {
            let detail = "`to`: none of these exists in this tenant";
            return Err(Error::refused(Refusal::UserNotFound, detail));
        }
        let parts = Part::any(parts);
        Ok(Gathered {
            crowd: Crowd { tenant, parts },
            left_out,
        })
    }

    /// The next accounts of a crowd after `after`: at most `limit` of them, after about as many questions as there are
    /// rosters in it.
    pub async fn walk(&self, crowd: &Crowd, after: AccountNo, limit: usize) -> Result<CrowdPage, Error> {
        self.walk_part(crowd.tenant, &crowd.parts, after, limit).await
    }

    async fn part_of(&self, tenant: TenantNo, address: &Address) -> Result<Part, Error> {
        match address {
            Address::Tag(id) => self.rosters_of(tenant, RosterKind::Tag, id).await,
            Address::Org(id) => self.rosters_of(tenant, RosterKind::Org, id).await,
            Address::App(id) => {
                let found = self.0.store.app_by_client_id(id.as_str()).await?;
                let app = found.filter(|app| app.tenant == tenant);
                let app = app.ok_or_else(|| Error::refused(Refusal::NotFound, format!("there is no app `{id}`")))?;
                Ok(Part::Kept(Kept::App(app.no)))
            }
            Address::Group(id) => {
                let group = self.0.store.group_no(tenant, id).await?;
                let none = || Error::refused(Refusal::GroupNotFound, format!("no group {id} in this tenant"));
                Ok(Part::Kept(Kept::Group(group.ok_or_else(none)?)))
            }
            Address::Audience(audience) => self.part_of_audience(tenant, audience).await,
            Address::All | Address::User(_) => Ok(Part::Kept(Kept::Tenant(tenant))),
        }
    }

    fn part_of_audience<'a>(&'a self, tenant: TenantNo, audience: &'a Audience) -> Walking<'a, Part> {
        Box::pin(async move {
            match audience {
                Audience::Tag(id) => self.rosters_of(tenant, RosterKind::Tag, id).await,
                Audience::Org(id) => self.rosters_of(tenant, RosterKind::Org, id).await,
                Audience::Not(inner) => {
                    let inner = self.part_of_audience(tenant, inner).await?;
                    Ok(Part::Not(Box::new(inner)))
                }
                Audience::All(inner) | Audience::Any(inner) => {
                    let mut parts = Vec::with_capacity(inner.len());
                    for one in inner {
                        parts.push(self.part_of_audience(tenant, one).await?);
                    }
                    Ok(match audience {
                        Audience::All(_) => Part::All(parts),
                        _ => Part::any(parts),
                    })
                }
            }
        })
    }

    async fn rosters_of(&self, tenant: TenantNo, kind: RosterKind, id: &UserId) -> Result<Part, Error> {
        let rosters = self.0.store.roster_and_below(tenant, kind, id).await?;
        rosters.map(Part::Rosters).ok_or_else(|| crate::roster::none(kind, id))
    }

    fn walk_part<'a>(
        &'a self,
        tenant: TenantNo,
        part: &'a Part,
        after: AccountNo,
        limit: usize,
    ) -> Walking<'a, CrowdPage> {
        Box::pin(async move {
            match part {
                Part::Kept(kept) => self.walk_kept(kept, after, limit).await,
                Part::Named(named) => {
                    let from = named.partition_point(|account| *account <= after);
                    let rest = &named[from..];
                    Ok(CrowdPage::of(rest[..rest.len().min(limit)].to_vec(), limit))
                }
                Part::Rosters(rosters) if rosters.len() <= SIDE_BY_SIDE_MAX => {
                    let mut pages = Vec::with_capacity(rosters.len());
                    for roster in rosters {
                        pages.push(self.walk_kept(&Kept::Roster(*roster), after, limit).await?);
                    }
                    Ok(merged(pages, limit))
                }
                Part::Any(inner) => {
                    let mut pages = Vec::with_capacity(inner.len());
                    for one in inner {
                        pages.push(self.walk_part(tenant, one, after, limit).await?);
                    }
                    Ok(merged(pages, limit))
                }
                Part::All(inner) => {
                    let Some((first, others)) = inner.split_first() else {
                        return Ok(CrowdPage::default());
                    };
                    let mut page = self.walk_part(tenant, first, after, limit).await?;
                    for other in others {
                        page.accounts = self.among(other, page.accounts).await?;
                    }
                    Ok(page)
                }
                Part::Rosters(_) | Part::Not(_) => {
                    let mut page = self.walk_kept(&Kept::Tenant(tenant), after, limit).await?;
                    page.accounts = self.among(part, page.accounts).await?;
                    Ok(page)
                }
            }
        })
    }

    async fn walk_kept(&self, kept: &Kept, after: AccountNo, limit: usize) -> Result<CrowdPage, Error> {
        let accounts = self.0.store.accounts_after(kept, after, limit as u64).await?;
        Ok(CrowdPage::of(accounts, limit))
    }

    /// Those of these accounts of the tenant that are in a part; only what audiences are made of can be asked.
    fn among<'a>(&'a self, part: &'a Part, accounts: Vec<AccountNo>) -> Walking<'a, Vec<AccountNo>> {
        Box::pin(async move {
            if accounts.is_empty() {
                return Ok(accounts);
            }
            match part {
                Part::Rosters(rosters) => Ok(self.0.store.accounts_in_rosters(rosters, &accounts).await?),
                Part::Any(inner) => {
                    let mut found = Vec::new();
                    for one in inner {
                        found.append(&mut self.among(one, accounts.clone()).await?);
                    }
                    found.sort_unstable();
                    found.dedup();
                    Ok(found)
                }
                Part::All(inner) => {
                    let mut found = accounts;
                    for one in inner {
                        found = self.among(one, found).await?;
                    }
                    Ok(found)
                }
                Part::Not(inner) => {
                    let out = self.among(inner, accounts.clone()).await?;
                    let mut found = accounts;
                    found.retain(|account| out.binary_search(account).is_err());
                    Ok(found)
                }
                Part::Kept(_) | Part::Named(_) => Err(Error::Internal("a crowd that is no audience".to_owned())),
            }
        })
    }
}

impl Part {
    fn any(mut parts: Vec<Self>) -> Self {
        match parts.len() {
            1 => parts.remove(0),
            _ => Self::Any(parts),
        }
    }
}

impl CrowdPage {
    /// A page of a list that gives `limit` accounts while it has as many.
    fn of(accounts: Vec<AccountNo>, limit: usize) -> Self {
        let next = accounts.last().copied().filter(|_| accounts.len() >= limit);
        Self { accounts, next }
    }
}

/// The next accounts of several walks: each is sure only up to where its own page ends.
fn merged(pages: Vec<CrowdPage>, limit: usize) -> CrowdPage {
    let sure_up_to = pages.iter().filter_map(|page| page.next).min();
    let mut accounts: Vec<AccountNo> = pages.into_iter().flat_map(|page| page.accounts).collect();
    accounts.sort_unstable();
    accounts.dedup();
    if let Some(last) = sure_up_to {
        accounts.retain(|account| *account <= last);
    }
    if accounts.len() > limit {
        accounts.truncate(limit);
        let next = accounts.last().copied();
        return CrowdPage { accounts, next };
    }
    CrowdPage {
        accounts,
        next: sure_up_to,
    }
}

fn user_of(address: &Address) -> Option<&UserId> {
    match address {
        Address::User(user) => Some(user),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(accounts: &[u64], next: Option<u64>) -> CrowdPage {
        CrowdPage {
            accounts: accounts.iter().copied().map(AccountNo).collect(),
            next: next.map(AccountNo),
        }
    }

    #[test]
    fn walks_side_by_side_give_everybody_once_and_in_order() {
        let merged = |pages: &[CrowdPage], limit| merged(pages.to_vec(), limit);
        // The second has more after 4: what the first has beyond is not sure to come next.
        let sure = merged(&[page(&[1, 9], None), page(&[2, 4], Some(4))], 5);
        assert_eq!(sure, page(&[1, 2, 4], Some(4)));
        assert_eq!(
            merged(&[page(&[1, 2], None), page(&[2, 3], None)], 5),
            page(&[1, 2, 3], None)
        );
        assert_eq!(
            merged(&[page(&[1, 5], None), page(&[2, 3], None)], 2),
            page(&[1, 2], Some(2))
        );
        assert_eq!(merged(&[page(&[], Some(7)), page(&[9], None)], 2), page(&[], Some(7)));
    }
}
