//! Users who ask to join a group: kept until they are members, refused, or gone.

mod row;

use godwit_model::{AccountNo, GroupNo, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::accounts::account;
use crate::number::{from_row, name_from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

/// A user who asks to join a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// Who.
    pub user: UserId,
    /// Since when.
    pub asked_at_ms: u64,
}

/// What became of asking to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinAsked {
    /// It is kept; `true` if it was not before.
    Kept(bool),
    /// Too many ask this group.
    TooMany,
    /// There is no such group.
    NoGroup,
}

impl Store {
    /// Keeps that an account asks to join a group, which at most so many do at once.
    pub async fn ask_to_join(
        &self,
        no: GroupNo,
        account: AccountNo,
        most: u64,
        now_ms: u64,
    ) -> Result<JoinAsked, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            if crate::groups::version_of(transaction, no).await?.is_none() {
                return Ok(JoinAsked::NoGroup);
            }
            let key = (to_row(no.0), to_row(account.0));
            if row::Entity::find_by_id(key).one(transaction).await?.is_some() {
                return Ok(JoinAsked::Kept(false));
            }
            if of_group(no).count(transaction).await? >= most {
                return Ok(JoinAsked::TooMany);
            }
            let asked = row::ActiveModel {
                group_no: Set(key.0),
                account_no: Set(key.1),
                asked_at_ms: Set(to_row(now_ms)),
            };
            row::Entity::insert(asked).exec_without_returning(transaction).await?;
            Ok(JoinAsked::Kept(true))
        })
        .await
    }

    /// Who asks to join a group, in the order of their ids; those after `after`.
    pub async fn join_requests(&self, no: GroupNo, after: &str, limit: u64) -> Result<Vec<JoinRequest>, Error> {
        let find = of_group(no)
            .select_only()
            .inner_join(account::Entity)
            .column(account::Column::UserId)
            .column(row::Column::AskedAtMs)
            .filter(account::Column::UserId.gt(after))
            .order_by_asc(account::Column::UserId)
            .limit(limit);
        let rows: Vec<(String, i64)> = find.into_tuple().all(&self.reader).await?;
        let request = |(user, asked_at_ms): (String, i64)| {
            Ok(JoinRequest {
                user: name_from_row(&user)?,
                asked_at_ms: from_row(asked_at_ms)?,
            })
        };
        rows.into_iter().map(request).collect()
    }

    /// Whether an account asks to join a group.
    pub async fn asks_to_join(&self, no: GroupNo, account: AccountNo) -> Result<bool, Error> {
        let found = row::Entity::find_by_id((to_row(no.0), to_row(account.0)));
        Ok(found.one(&self.reader).await?.is_some())
    }

    /// Forgets that an account asks to join a group; says whether it did.
    pub async fn forget_join_request(&self, no: GroupNo, account: AccountNo) -> Result<bool, Error> {
        self.write(|held| async move {
            let gone = row::Entity::delete_by_id((to_row(no.0), to_row(account.0)));
            Ok(gone.exec(&*held).await?.rows_affected > 0)
        })
        .await
    }
}

fn of_group(no: GroupNo) -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::GroupNo.eq(to_row(no.0)))
}

/// These are members now.
pub(crate) async fn answered(
    transaction: &DatabaseTransaction,
    no: GroupNo,
    accounts: &[AccountNo],
) -> Result<(), Error> {
    for chunk in accounts.chunks(CHUNK_ROWS) {
        row::Entity::delete_many()
            .filter(row::Column::GroupNo.eq(to_row(no.0)))
            .filter(row::Column::AccountNo.is_in(chunk.iter().map(|account| to_row(account.0))))
            .exec(transaction)
            .await?;
    }
    Ok(())
}

/// The group is no more.
pub(crate) async fn forget_group(transaction: &DatabaseTransaction, no: GroupNo) -> Result<(), Error> {
    row::Entity::delete_many()
        .filter(row::Column::GroupNo.eq(to_row(no.0)))
        .exec(transaction)
        .await?;
    Ok(())
}

/// The user is no more.
pub(crate) async fn forget_account(transaction: &DatabaseTransaction, account: AccountNo) -> Result<(), Error> {
    row::Entity::delete_many()
        .filter(row::Column::AccountNo.eq(to_row(account.0)))
        .exec(transaction)
        .await?;
    Ok(())
}
