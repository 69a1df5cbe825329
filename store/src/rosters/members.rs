//! Who is in a roster, and who an app brought.

use godwit_model::{AccountNo, AppNo, TenantNo, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{RosterKind, app_user, below, member, named};
use crate::accounts::account;
use crate::number::{from_row, name_from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

impl Store {
    /// Puts accounts into a roster and takes others out; says how many came and how many went, or `None` when there is
    /// no such roster.
    pub async fn change_roster_members(
        &self,
        (tenant, kind): (TenantNo, RosterKind),
        id: &UserId,
        add: &[AccountNo],
        remove: &[AccountNo],
    ) -> Result<Option<(u64, u64)>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = named(tenant, kind, id).one(transaction).await? else {
                return Ok(None);
            };
            let before = count(transaction, found.roster_no).await?;
            for chunk in add.chunks(CHUNK_ROWS) {
                let rows = chunk.iter().map(|account| member::ActiveModel {
                    roster_no: Set(found.roster_no),
                    account_no: Set(to_row(account.0)),
                });
                let there = OnConflict::columns([member::Column::RosterNo, member::Column::AccountNo])
                    .do_nothing()
                    .to_owned();
                member::Entity::insert_many(rows)
                    .on_conflict(there)
                    .exec_without_returning(transaction)
                    .await?;
            }
            let between = count(transaction, found.roster_no).await?;
            let mut removed = 0;
            for chunk in remove.chunks(CHUNK_ROWS) {
                let gone = member::Entity::delete_many()
                    .filter(member::Column::RosterNo.eq(found.roster_no))
                    .filter(member::Column::AccountNo.is_in(chunk.iter().map(|account| to_row(account.0))))
                    .exec(transaction)
                    .await?;
                removed += gone.rows_affected;
            }
            Ok(Some((between - before, removed)))
        })
        .await
    }

    /// The users in a roster, not below it, in the order of their ids; those after `after`.
    pub async fn roster_users(&self, roster: u64, after: &str, limit: u64) -> Result<Vec<UserId>, Error> {
        let users: Vec<String> = member::Entity::find()
            .select_only()
            .inner_join(account::Entity)
            .column(account::Column::UserId)
            .filter(member::Column::RosterNo.eq(to_row(roster)))
            .filter(account::Column::UserId.gt(after))
            .order_by_asc(account::Column::UserId)
            .limit(limit)
            .into_tuple()
            .all(&self.reader)
            .await?;
        users.iter().map(|user| name_from_row(user)).collect()
    }

    /// Everybody in a roster and below it, each once, sorted; `None` when there is no such roster.
    pub async fn roster_accounts(
        &self,
        tenant: TenantNo,
        kind: RosterKind,
        id: &UserId,
    ) -> Result<Option<Vec<AccountNo>>, Error> {
        let view = self.view().await?;
        let Some(found) = named(tenant, kind, id).one(&view).await? else {
            return Ok(None);
        };
        let (mut level, mut all) = (vec![found.roster_no], Vec::new());
        // There are no circles, and no more levels than departments may stand above one another.
        while !level.is_empty() {
            for chunk in level.chunks(CHUNK_ROWS) {
                let find = member::Entity::find()
                    .select_only()
                    .column(member::Column::AccountNo)
                    .filter(member::Column::RosterNo.is_in(chunk.iter().copied()));
                let numbers: Vec<i64> = find.into_tuple().all(&view).await?;
                for no in numbers {
                    all.push(AccountNo(from_row(no)?));
                }
            }
            level = match kind {
                RosterKind::Tag => Vec::new(),
                RosterKind::Org => below(&view, &level).await?,
            };
        }
        all.sort_unstable();
        all.dedup();
        Ok(Some(all))
    }

    /// The accounts whose users an app vouched for, sorted.
    pub async fn accounts_of_app(&self, app: AppNo) -> Result<Vec<AccountNo>, Error> {
        let find = app_user::Entity::find()
            .select_only()
            .column(app_user::Column::AccountNo)
            .filter(app_user::Column::AppNo.eq(to_row(app.0)))
            .order_by_asc(app_user::Column::AccountNo);
        let numbers: Vec<i64> = find.into_tuple().all(&self.reader).await?;
        numbers.into_iter().map(|no| from_row(no).map(AccountNo)).collect()
    }
}

async fn count<C: ConnectionTrait>(connection: &C, roster_no: i64) -> Result<u64, Error> {
    let find = member::Entity::find().filter(member::Column::RosterNo.eq(roster_no));
    Ok(find.count(connection).await?)
}

/// Notes that an app vouched for a user.
pub(crate) async fn note_app_user(
    transaction: &DatabaseTransaction,
    app: AppNo,
    account: AccountNo,
) -> Result<(), Error> {
    let row = app_user::ActiveModel {
        app_no: Set(to_row(app.0)),
        account_no: Set(to_row(account.0)),
    };
    let known = OnConflict::columns([app_user::Column::AppNo, app_user::Column::AccountNo])
        .do_nothing()
        .to_owned();
    app_user::Entity::insert(row)
        .on_conflict(known)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

/// Takes an account out of every roster, and from every app.
pub(crate) async fn forget(transaction: &DatabaseTransaction, account: AccountNo) -> Result<(), Error> {
    member::Entity::delete_many()
        .filter(member::Column::AccountNo.eq(to_row(account.0)))
        .exec(transaction)
        .await?;
    app_user::Entity::delete_many()
        .filter(app_user::Column::AccountNo.eq(to_row(account.0)))
        .exec(transaction)
        .await?;
    Ok(())
}
