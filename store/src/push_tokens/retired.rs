//! Tokens that their vendors retired: kept for some days, for whoever asks why a phone is silent, and for a device that
//! tells the same token again.

mod row;

use godwit_model::DeviceNo;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};

use super::{NewPushToken, row as live};
use crate::number::{from_row, to_row};
use crate::{Error, Store};

/// A token that its vendor retired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiredPushToken {
    /// The vendor.
    pub vendor: String,
    /// Why, in a word.
    pub reason: String,
    /// When, in milliseconds since 1970.
    pub retired_at_ms: u64,
}

impl Store {
    /// The tokens of a device that were retired and are not purged yet.
    pub async fn retired_push_tokens(&self, no: DeviceNo) -> Result<Vec<RetiredPushToken>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::DeviceNo.eq(to_row(no.0)))
            .order_by_asc(row::Column::RetiredAtMs);
        let read = |row: row::Model| {
            Ok(RetiredPushToken {
                vendor: row.vendor,
                reason: row.reason,
                retired_at_ms: from_row(row.retired_at_ms)?,
            })
        };
        find.all(&self.reader).await?.into_iter().map(read).collect()
    }

    /// Purges tokens that were retired before a time; says how many.
    pub async fn purge_retired_push_tokens(&self, before_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let gone = row::Entity::delete_many()
                .filter(row::Column::RetiredAtMs.lt(to_row(before_ms)))
                .exec(&*held)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }
}

/// Keeps a token that goes, in the place of the one of this vendor that went before.
pub(super) async fn keep(
    transaction: &DatabaseTransaction,
    token: &live::Model,
    (reason, now_ms): (&str, u64),
) -> Result<(), Error> {
    row::Entity::delete_by_id((token.device_no, token.vendor.clone()))
        .exec(transaction)
        .await?;
    let kept = row::ActiveModel {
        device_no: Set(token.device_no),
        vendor: Set(token.vendor.clone()),
        token_hash: Set(token.token_hash.clone()),
        sealed_token: Set(token.sealed_token.clone()),
        sealed_details: Set(token.sealed_details.clone()),
        set_at_ms: Set(token.set_at_ms),
        since_ms: Set(token.since_ms),
        reason: Set(reason.to_owned()),
        retired_at_ms: Set(to_row(now_ms)),
    };
    row::Entity::insert(kept).exec_without_returning(transaction).await?;
    Ok(())
}

/// A device tells tokens. What was retired of them comes to an end; answers since when the device could be pushed to by
/// one of its own, which it brings back by telling it again.
pub(super) async fn bring_back(
    transaction: &DatabaseTransaction,
    no: DeviceNo,
    tokens: &[NewPushToken],
) -> Result<Option<i64>, Error> {
    let mut since_ms = None;
    for token in tokens {
        let find = row::Entity::find()
            .filter(row::Column::Vendor.eq(&token.vendor))
            .filter(row::Column::TokenHash.eq(token.token_hash.to_vec()));
        for found in find.all(transaction).await? {
            if found.device_no == to_row(no.0) {
                since_ms = Some(since_ms.map_or(found.since_ms, |since: i64| since.min(found.since_ms)));
            }
            row::Entity::delete_by_id((found.device_no, found.vendor))
                .exec(transaction)
                .await?;
        }
    }
    Ok(since_ms)
}

/// A device is told nothing any more.
pub(super) async fn remove(transaction: &DatabaseTransaction, no: DeviceNo) -> Result<(), Error> {
    row::Entity::delete_many()
        .filter(row::Column::DeviceNo.eq(to_row(no.0)))
        .exec(transaction)
        .await?;
    Ok(())
}
