//! Accounts: a user's identity on the platform, the owner of one inbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;
use godwit_model::{AccountNo, Refusal, TenantNo, UserId};
use godwit_store::AccountRecord;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};

use crate::error::Error;
use crate::opaque::Opaque;
use crate::registry::Registry;

/// An account. Immutable: once made, none of this changes, until its user is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "the wire calls it so; `no` is the internal one"
)]
pub struct Account {
    /// The dense internal number.
    pub no: AccountNo,
    /// The opaque public id: 26 characters of lower-case base32.
    pub account_id: Box<str>,
    /// Whose user it is.
    pub tenant: TenantNo,
    /// The user inside the tenant.
    pub user: UserId,
}

/// The accounts in memory. They never change; taken back is only which one a removed user had.
pub(crate) struct Accounts {
    by_user: Cache<Key, Arc<Account>, UnitWeighter, RandomState>,
    by_id: Cache<Opaque, Arc<Account>, UnitWeighter, RandomState>,
    /// Counts the removals of users.
    removals: AtomicU64,
}

type Key = (TenantNo, UserId);

/// A key that is only asked for: every message asks, and copying the name would cost it memory.
#[derive(Hash)]
struct Wanted<'a>(TenantNo, &'a UserId);

impl Equivalent<Key> for Wanted<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.0 && *self.1 == key.1
    }
}

impl Accounts {
    pub(crate) fn new(most: u64) -> Self {
        Self {
            by_user: cache(most),
            by_id: cache(most),
            removals: AtomicU64::new(0),
        }
    }

    /// Says that a user is removed, after that is stored (or may be).
    pub(crate) fn removed(&self, account: &Account) {
        self.removals.fetch_add(1, Ordering::SeqCst);
        self.by_user.remove(&Wanted(account.tenant, &account.user));
        if let Some(id) = Opaque::parse(&account.account_id) {
            self.by_id.remove(&id);
        }
    }

    fn removals(&self) -> u64 {
        self.removals.load(Ordering::SeqCst)
    }
}

impl From<AccountRecord> for Account {
    fn from(record: AccountRecord) -> Self {
        Self {
            no: record.no,
            account_id: record.account_id.into(),
            tenant: record.tenant,
            user: record.user,
        }
    }
}

impl Registry {
    /// The account of a user.
    pub async fn account_of_user(&self, tenant: TenantNo, user: &UserId) -> Result<Option<Arc<Account>>, Error> {
        if let Some(known) = self.0.accounts.by_user.get(&Wanted(tenant, user)) {
            return Ok(Some(known));
        }
        let removals = self.0.accounts.removals();
        let Some(record) = self.0.store.account_of_user(tenant, user).await? else {
            return Ok(None);
        };
        Ok(Some(self.keep_account((tenant, user.clone()), record, removals)))
    }

    /// The accounts with these numbers, in no order; numbers without one are missing. Asks the store.
    pub async fn accounts_of_numbers(&self, numbers: &[AccountNo]) -> Result<Vec<Account>, Error> {
        let found = self.0.store.accounts_of_numbers(numbers).await?;
        Ok(found.into_iter().map(Account::from).collect())
    }

    /// The account with this opaque id.
    pub async fn account_by_id(&self, account_id: &str) -> Result<Option<Arc<Account>>, Error> {
        let Some(key) = Opaque::parse(account_id) else {
            return Ok(None);
        };
        if let Some(known) = self.0.accounts.by_id.get(&key) {
            return Ok(Some(known));
        }
        let removals = self.0.accounts.removals();
        let Some(record) = self.0.store.account_by_id(account_id).await? else {
            return Ok(None);
        };
        let account = Arc::new(Account::from(record));
        self.0.accounts.by_id.insert(key, Arc::clone(&account));
        if self.0.accounts.removals() != removals {
            self.0.accounts.by_id.remove(&key);
        }
        Ok(Some(account))
    }

    /// The account with this number. Asks the store each time: meant for what is rare.
    pub async fn account_by_no(&self, no: AccountNo) -> Result<Option<Account>, Error> {
        Ok(self.0.store.account_by_no(no).await?.map(Account::from))
    }

    /// Every account of a tenant, sorted.
    pub async fn accounts_of_tenant(&self, tenant: TenantNo) -> Result<Vec<AccountNo>, Error> {
        Ok(self.0.store.accounts_of_tenant(tenant).await?)
    }

    /// The account of a user, made if it is new.
    pub(crate) async fn ensure_account(&self, tenant: TenantNo, user: &UserId) -> Result<Arc<Account>, Error> {
        if let Some(known) = self.account_of_user(tenant, user).await? {
            return Ok(known);
        }
        let account_id = Opaque::random()?.text();
        let removals = self.0.accounts.removals();
        let record = self
            .0
            .store
            .ensure_account(tenant, user, &account_id, self.now_ms())
            .await?;
        Ok(self.keep_account((tenant, user.clone()), record, removals))
    }

    /// Refuses an account whose user is blocked.
    pub async fn check_not_blocked(&self, account: &Account) -> Result<(), Error> {
        let load = async {
            let record = self.0.store.account_by_no(account.no).await?;
            Ok(record.map(|record| record.blocked))
        };
        match self.0.blocked.get(&account.no, load).await? {
            Some(true) => Err(blocked(&account.user)),
            _ => Ok(()),
        }
    }

    /// `removals` is what was counted before the record was read: if it is more by now, the user of this account may be
    /// one of them, and nothing is kept.
    fn keep_account(&self, key: (TenantNo, UserId), record: AccountRecord, removals: u64) -> Arc<Account> {
        let account = Arc::new(Account::from(record));
        let accounts = &self.0.accounts;
        accounts.by_user.insert(key, Arc::clone(&account));
        if accounts.removals() != removals {
            accounts.by_user.remove(&Wanted(account.tenant, &account.user));
        }
        account
    }
}

/// Takes memory as it fills.
fn cache<K: std::hash::Hash + Eq>(most: u64) -> Cache<K, Arc<Account>, UnitWeighter, RandomState> {
    let expected = usize::try_from(most).unwrap_or(usize::MAX);
    Cache::with(
        expected,
        most,
        UnitWeighter,
        RandomState::default(),
        DefaultLifecycle::default(),
    )
}

/// The refusal of everything a blocked user asks.
pub(crate) fn blocked(user: &UserId) -> Error {
    Error::refused(
        Refusal::UserBlocked,
        format!("the user {user} is blocked by its tenant"),
    )
}
