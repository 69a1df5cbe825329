//! Accounts: a user's identity on the platform, the owner of one inbox.

use std::sync::Arc;

use foldhash::quality::RandomState;
use godwit_model::{AccountNo, TenantNo, UserId};
use godwit_store::AccountRecord;
use moka::future::Cache;

use crate::error::Error;
use crate::opaque::Opaque;
use crate::registry::Registry;

/// An account. Immutable: once made, none of this changes.
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

/// The accounts in memory. They never change, so there is nothing to take back.
pub(crate) struct Accounts {
    by_user: Cache<(TenantNo, UserId), Arc<Account>, RandomState>,
    by_id: Cache<Opaque, Arc<Account>, RandomState>,
}

impl Accounts {
    pub(crate) fn new(most: u64) -> Self {
        Self {
            by_user: Cache::builder()
                .max_capacity(most)
                .build_with_hasher(RandomState::default()),
            by_id: Cache::builder()
                .max_capacity(most)
                .build_with_hasher(RandomState::default()),
        }
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
        let key = (tenant, user.clone());
        if let Some(known) = self.0.accounts.by_user.get(&key).await {
            return Ok(Some(known));
        }
        let Some(record) = self.0.store.account_of_user(tenant, user).await? else {
            return Ok(None);
        };
        Ok(Some(self.keep_account(key, record).await))
    }

    /// The account with this opaque id.
    pub async fn account_by_id(&self, account_id: &str) -> Result<Option<Arc<Account>>, Error> {
        let Some(key) = Opaque::parse(account_id) else {
            return Ok(None);
        };
        if let Some(known) = self.0.accounts.by_id.get(&key).await {
            return Ok(Some(known));
        }
        let Some(record) = self.0.store.account_by_id(account_id).await? else {
            return Ok(None);
        };
        let account = Arc::new(Account::from(record));
        self.0.accounts.by_id.insert(key, Arc::clone(&account)).await;
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
        let record = self
            .0
            .store
            .ensure_account(tenant, user, &account_id, self.now_ms())
            .await?;
        Ok(self.keep_account((tenant, user.clone()), record).await)
    }

    async fn keep_account(&self, key: (TenantNo, UserId), record: AccountRecord) -> Arc<Account> {
        let account = Arc::new(Account::from(record));
        self.0.accounts.by_user.insert(key, Arc::clone(&account)).await;
        account
    }
}
