//! Users as their tenant keeps them: what it says of them, and whether they may use the platform.

mod remove;
mod upsert;

pub use remove::RemoveUserOutcome;
pub use upsert::NewUser;

use godwit_model::{AccountNo, TenantNo, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::accounts::account;
use crate::devices::device;
use crate::number::{from_row, name_from_row, to_row};
use crate::{Error, Store, tickets};

/// A user, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The number of its account.
    pub no: AccountNo,
    /// The opaque public id of its account.
    pub account_id: String,
    /// The user.
    pub user: UserId,
    /// A name for people; may be empty.
    pub name: String,
    /// What else the tenant keeps of it: a JSON object.
    pub attributes: String,
    /// Since when it may not use the platform, if so.
    pub blocked_at_ms: Option<u64>,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was made.
    pub created_at_ms: u64,
    /// When it was changed last.
    pub updated_at_ms: u64,
}

impl Store {
    /// A user of a tenant.
    pub async fn user(&self, tenant: TenantNo, user: &UserId) -> Result<Option<UserRecord>, Error> {
        let found = named(tenant, user).one(&self.reader).await?;
        found.map(UserRecord::try_from).transpose()
    }

    /// The users of a tenant in the order of their ids, those after `after`; only blocked ones if `blocked`.
    pub async fn users(
        &self,
        tenant: TenantNo,
        after: &str,
        blocked: bool,
        limit: u64,
    ) -> Result<Vec<UserRecord>, Error> {
        let mut find = of_tenant(tenant)
            .filter(account::Column::UserId.gt(after))
            .order_by_asc(account::Column::UserId)
            .limit(limit);
        if blocked {
            find = find.filter(account::Column::BlockedAtMs.is_not_null());
        }
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(UserRecord::try_from).collect()
    }

    /// Says whether a user may use the platform; `None` when there is no such user. Saying it again changes nothing.
    pub async fn block_user(
        &self,
        tenant: TenantNo,
        user: &UserId,
        blocked: bool,
        now_ms: u64,
    ) -> Result<Option<UserRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = named(tenant, user).one(transaction).await? else {
                return Ok(None);
            };
            if found.blocked_at_ms.is_some() == blocked {
                return UserRecord::try_from(found).map(Some);
            }
            let change = account::ActiveModel {
                account_no: Set(found.account_no),
                blocked_at_ms: Set(blocked.then_some(to_row(now_ms))),
                version: Set(found.version + 1),
                updated_at_ms: Set(to_row(now_ms)),
                ..Default::default()
            };
            let changed = account::Entity::update(change).exec(transaction).await?;
            UserRecord::try_from(changed).map(Some)
        })
        .await
    }

    /// Ends every credential of an account: its devices' tokens become this hash, of which nobody has the text, and its
    /// tickets are forgotten.
    pub async fn revoke_credentials(&self, account: AccountNo, hash: &[u8; 32]) -> Result<(), Error> {
        self.write(|held| async move {
            let transaction = &*held;
            device::Entity::update_many()
                .set(device::ActiveModel {
                    token_hash: Set(hash.to_vec()),
                    next_token_hash: Set(None),
                    ..Default::default()
                })
                .filter(device::Column::AccountNo.eq(to_row(account.0)))
                .filter(device::Column::RetiredAtMs.is_null())
                .exec(transaction)
                .await?;
            tickets::forget_of(transaction, account).await
        })
        .await
    }
}

fn of_tenant(tenant: TenantNo) -> Select<account::Entity> {
    account::Entity::find()
        .filter(account::Column::TenantNo.eq(i64::from(tenant.0)))
        .filter(account::Column::DeletedAtMs.is_null())
}

fn named(tenant: TenantNo, user: &UserId) -> Select<account::Entity> {
    of_tenant(tenant).filter(account::Column::UserId.eq(user.as_str()))
}

impl TryFrom<account::Model> for UserRecord {
    type Error = Error;

    fn try_from(row: account::Model) -> Result<Self, Error> {
        Ok(Self {
            no: AccountNo(from_row(row.account_no)?),
            account_id: row.account_id,
            user: name_from_row(&row.user_id)?,
            name: row.name,
            attributes: row.attributes,
            blocked_at_ms: row.blocked_at_ms.map(from_row).transpose()?,
            version: from_row(row.version)?,
            created_at_ms: from_row(row.created_at_ms)?,
            updated_at_ms: from_row(row.updated_at_ms)?,
        })
    }
}
