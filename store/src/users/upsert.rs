//! Making users and changing what is kept of them, one or many in one transaction.

use std::collections::HashMap;

use godwit_model::{TenantNo, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{UserRecord, named, of_tenant};
use crate::accounts::account;
use crate::number::{from_row, to_row};
use crate::{CHUNK_ROWS, Error, Expected, Store, Versioned};

/// What is to be kept of a user.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The user.
    pub user: UserId,
    /// The opaque id its account gets if it has none yet.
    pub account_id: String,
    /// A name for people; may be empty.
    pub name: String,
    /// What else is kept: a JSON object.
    pub attributes: String,
}

impl Store {
    /// Keeps a user as it is said here, and says whether it is new.
    pub async fn put_user(
        &self,
        tenant: TenantNo,
        new: &NewUser,
        expected: Expected,
        now_ms: u64,
    ) -> Result<Versioned<(UserRecord, bool)>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let found = named(tenant, &new.user).one(transaction).await?;
            let version = found.as_ref().map(|row| from_row(row.version)).transpose()?;
            if !expected.holds(version) {
                return Ok(Versioned::Differs);
            }
            let is_new = found.is_none();
            let row = match found {
                None => {
                    account::Entity::insert(fresh(tenant, new, now_ms))
                        .exec_with_returning(transaction)
                        .await?
                }
                Some(row) => {
                    account::Entity::update(changed(&row, new, now_ms))
                        .exec(transaction)
                        .await?
                }
            };
            Ok(Versioned::Done((row.try_into()?, is_new)))
        })
        .await
    }

    /// Keeps users as they are said here, each named once; says of each whether it is new, in the same order.
    pub async fn put_users(&self, tenant: TenantNo, users: &[NewUser], now_ms: u64) -> Result<Vec<bool>, Error> {
        self.write(|held| async move {
            let mut are_new = Vec::with_capacity(users.len());
            for chunk in users.chunks(CHUNK_ROWS) {
                are_new.append(&mut put_chunk(&held, tenant, chunk, now_ms).await?);
            }
            Ok(are_new)
        })
        .await
    }
}

async fn put_chunk(
    transaction: &DatabaseTransaction,
    tenant: TenantNo,
    chunk: &[NewUser],
    now_ms: u64,
) -> Result<Vec<bool>, Error> {
    let find = of_tenant(tenant).filter(account::Column::UserId.is_in(chunk.iter().map(|new| new.user.as_str())));
    let rows = find.all(transaction).await?;
    let mut known: HashMap<String, account::Model> = rows.into_iter().map(|row| (row.user_id.clone(), row)).collect();
    let (mut are_new, mut made, mut kept) = (Vec::with_capacity(chunk.len()), Vec::new(), Vec::new());
    for new in chunk {
        let found = known.remove(new.user.as_str());
        are_new.push(found.is_none());
        match found {
            None => made.push(fresh(tenant, new, now_ms)),
            Some(row) => kept.push(whole(&row, new, now_ms)),
        }
    }
    if !made.is_empty() {
        account::Entity::insert_many(made)
            .exec_without_returning(transaction)
            .await?;
    }
    if !kept.is_empty() {
        // By number: none is used up for an account that is there already.
        let again = OnConflict::column(account::Column::AccountNo)
            .update_columns([
                account::Column::Name,
                account::Column::Attributes,
                account::Column::Version,
                account::Column::UpdatedAtMs,
            ])
            .to_owned();
        account::Entity::insert_many(kept)
            .on_conflict(again)
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(are_new)
}

fn fresh(tenant: TenantNo, new: &NewUser, now_ms: u64) -> account::ActiveModel {
    account::ActiveModel {
        account_id: Set(new.account_id.clone()),
        tenant_no: Set(i64::from(tenant.0)),
        user_id: Set(new.user.as_str().to_owned()),
        created_at_ms: Set(to_row(now_ms)),
        name: Set(new.name.clone()),
        attributes: Set(new.attributes.clone()),
        updated_at_ms: Set(to_row(now_ms)),
        ..Default::default()
    }
}

fn changed(row: &account::Model, new: &NewUser, now_ms: u64) -> account::ActiveModel {
    account::ActiveModel {
        account_no: Set(row.account_no),
        name: Set(new.name.clone()),
        attributes: Set(new.attributes.clone()),
        version: Set(row.version + 1),
        updated_at_ms: Set(to_row(now_ms)),
        ..Default::default()
    }
}

/// As [`changed`], with every column, as an insertion needs them.
fn whole(row: &account::Model, new: &NewUser, now_ms: u64) -> account::ActiveModel {
    account::ActiveModel {
        account_id: Set(row.account_id.clone()),
        tenant_no: Set(row.tenant_no),
        user_id: Set(row.user_id.clone()),
        created_at_ms: Set(row.created_at_ms),
        blocked_at_ms: Set(row.blocked_at_ms),
        deleted_at_ms: Set(row.deleted_at_ms),
        ..changed(row, new, now_ms)
    }
}
