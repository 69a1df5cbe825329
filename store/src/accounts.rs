//! Accounts: who a user is on the platform. Numbers and ids never change; what the tenant keeps of a user is in
//! [`crate::users`].

pub(crate) mod account;

use godwit_model::{AccountNo, TenantNo, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::apps::tenant_from_row;
use crate::number::{from_row, name_from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

/// An account, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its number.
    pub no: AccountNo,
    /// Its opaque public id.
    pub account_id: String,
    /// Whose user it is.
    pub tenant: TenantNo,
    /// The user.
    pub user: UserId,
    /// Whether the user may not use the platform for now.
    pub blocked: bool,
}

impl Store {
    /// The account of a user, made with `account_id` if there is none.
    pub async fn ensure_account(
        &self,
        tenant: TenantNo,
        user: &UserId,
        account_id: &str,
        now_ms: u64,
    ) -> Result<AccountRecord, Error> {
        if let Some(known) = self.account_of_user(tenant, user).await? {
            return Ok(known);
        }
        self.write(|held| async move {
            let transaction = &*held;
            if let Some(known) = of_user(transaction, tenant, user).await? {
                return Ok(known);
            }
            let row = account::ActiveModel {
                account_id: Set(account_id.to_owned()),
                tenant_no: Set(i64::from(tenant.0)),
                user_id: Set(user.as_str().to_owned()),
                created_at_ms: Set(to_row(now_ms)),
                updated_at_ms: Set(to_row(now_ms)),
                ..Default::default()
            };
            account::Entity::insert(row)
                .exec_with_returning(transaction)
                .await?
                .try_into()
        })
        .await
    }

    /// The account of a user.
    pub async fn account_of_user(&self, tenant: TenantNo, user: &UserId) -> Result<Option<AccountRecord>, Error> {
        of_user(&self.reader, tenant, user).await
    }

    /// The account with this opaque id.
    pub async fn account_by_id(&self, account_id: &str) -> Result<Option<AccountRecord>, Error> {
        let find = account::Entity::find().filter(account::Column::AccountId.eq(account_id));
        find.one(&self.reader).await?.map(AccountRecord::try_from).transpose()
    }

    /// The account with this number.
    pub async fn account_by_no(&self, no: AccountNo) -> Result<Option<AccountRecord>, Error> {
        let find = account::Entity::find_by_id(to_row(no.0));
        find.one(&self.reader).await?.map(AccountRecord::try_from).transpose()
    }

    /// The accounts with these numbers, in no order; numbers without one are missing.
    pub async fn accounts_of_numbers(&self, numbers: &[AccountNo]) -> Result<Vec<AccountRecord>, Error> {
        let mut found = Vec::with_capacity(numbers.len());
        for chunk in numbers.chunks(CHUNK_ROWS) {
            let numbers = chunk.iter().map(|account| to_row(account.0));
            let find = account::Entity::find().filter(account::Column::AccountNo.is_in(numbers));
            for row in find.all(&self.reader).await? {
                found.push(row.try_into()?);
            }
        }
        Ok(found)
    }

    /// Every account of a tenant, in ascending order.
    pub async fn accounts_of_tenant(&self, tenant: TenantNo) -> Result<Vec<AccountNo>, Error> {
        let find = account::Entity::find()
            .select_only()
            .column(account::Column::AccountNo)
            .filter(account::Column::TenantNo.eq(i64::from(tenant.0)))
            .filter(account::Column::DeletedAtMs.is_null())
            .order_by_asc(account::Column::AccountNo);
        let numbers: Vec<i64> = find.into_tuple().all(&self.reader).await?;
        numbers.into_iter().map(|no| from_row(no).map(AccountNo)).collect()
    }

    /// How many accounts a tenant has.
    pub async fn count_accounts(&self, tenant: TenantNo) -> Result<u64, Error> {
        let find = account::Entity::find()
            .filter(account::Column::TenantNo.eq(i64::from(tenant.0)))
            .filter(account::Column::DeletedAtMs.is_null());
        Ok(find.count(&self.reader).await?)
    }

    /// The accounts of these users, in no order; users without one are missing.
    pub async fn accounts_of_users(&self, tenant: TenantNo, users: &[UserId]) -> Result<Vec<AccountRecord>, Error> {
        let mut found = Vec::with_capacity(users.len());
        for chunk in users.chunks(CHUNK_ROWS) {
            let rows = account::Entity::find()
                .filter(account::Column::TenantNo.eq(i64::from(tenant.0)))
                .filter(account::Column::UserId.is_in(chunk.iter().map(UserId::as_str)))
                .all(&self.reader)
                .await?;
            for row in rows {
                found.push(row.try_into()?);
            }
        }
        Ok(found)
    }
}

async fn of_user<C: ConnectionTrait>(
    connection: &C,
    tenant: TenantNo,
    user: &UserId,
) -> Result<Option<AccountRecord>, Error> {
    let find = account::Entity::find()
        .filter(account::Column::TenantNo.eq(i64::from(tenant.0)))
        .filter(account::Column::UserId.eq(user.as_str()));
    find.one(connection).await?.map(AccountRecord::try_from).transpose()
}

impl TryFrom<account::Model> for AccountRecord {
    type Error = Error;

    fn try_from(row: account::Model) -> Result<Self, Error> {
        Ok(Self {
            no: AccountNo(from_row(row.account_no)?),
            account_id: row.account_id,
            tenant: tenant_from_row(row.tenant_no)?,
            user: name_from_row(&row.user_id)?,
            blocked: row.blocked_at_ms.is_some(),
        })
    }
}
