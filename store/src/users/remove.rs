//! The end of a user: its devices are retired, and its name is free for somebody else.

use godwit_model::{AccountNo, DeviceNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::accounts::account;
use crate::devices::{self, device};
use crate::number::{from_row, to_row};
use crate::{Error, Store, join_requests, members, rosters, tickets};

/// What became of a user to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoveUserOutcome {
    /// It is gone, and so are these devices: their numbers and public ids.
    Removed(Vec<(DeviceNo, String)>),
    /// It is a member of a group; nothing was changed.
    IsMember,
    /// There is no such user.
    NoUser,
}

impl Store {
    /// Removes a user that is in no group. Its account keeps its number and its inbox, under a name that nobody has;
    /// whoever comes under the user's name later gets an account of its own.
    pub async fn remove_user(&self, account: AccountNo, now_ms: u64) -> Result<RemoveUserOutcome, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let find = account::Entity::find_by_id(to_row(account.0)).filter(account::Column::DeletedAtMs.is_null());
            let Some(found) = find.one(transaction).await? else {
                return Ok(RemoveUserOutcome::NoUser);
            };
            if members::of_account(account).count(transaction).await? > 0 {
                return Ok(RemoveUserOutcome::IsMember);
            }
            let live: Vec<(i64, String)> = device::Entity::find()
                .select_only()
                .column(device::Column::DeviceNo)
                .column(device::Column::DeviceId)
                .filter(device::Column::AccountNo.eq(found.account_no))
                .filter(device::Column::RetiredAtMs.is_null())
                .into_tuple()
                .all(transaction)
                .await?;
            let mut retired = Vec::with_capacity(live.len());
            for (no, device_id) in live {
                let no = DeviceNo(from_row(no)?);
                devices::retire(transaction, no, now_ms).await?;
                retired.push((no, device_id));
            }
            tickets::forget_of(transaction, account).await?;
            rosters::forget(transaction, account).await?;
            join_requests::forget_account(transaction, account).await?;
            let change = account::ActiveModel {
                account_no: Set(found.account_no),
                user_id: Set(format!("deleted.{}", found.account_id)),
                name: Set(String::new()),
                attributes: Set("{}".to_owned()),
                deleted_at_ms: Set(Some(to_row(now_ms))),
                version: Set(found.version + 1),
                updated_at_ms: Set(to_row(now_ms)),
                ..Default::default()
            };
            account::Entity::update(change).exec(transaction).await?;
            Ok(RemoveUserOutcome::Removed(retired))
        })
        .await
    }
}
