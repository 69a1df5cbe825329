//! Where vendors reach devices: one token for each device, and one device for each token.

mod push_token;

use godwit_model::DeviceNo;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::number::{from_row, hash_from_row, to_row};
use crate::{Error, Store};

/// A vendor's token, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTokenRecord {
    /// Whom it reaches.
    pub device: DeviceNo,
    /// The vendor.
    pub vendor: String,
    /// A keyed hash of the token, to compare.
    pub token_hash: [u8; 32],
    /// The token, encrypted.
    pub sealed_token: Vec<u8>,
}

/// A vendor's token to be kept.
#[derive(Clone, Debug)]
pub struct NewPushToken {
    /// The vendor.
    pub vendor: String,
    /// A keyed hash of the token.
    pub token_hash: [u8; 32],
    /// The token, encrypted.
    pub sealed_token: Vec<u8>,
}

impl Store {
    /// Forgets a device's token; nothing happens when there is none.
    pub async fn remove_push_token(&self, no: DeviceNo) -> Result<(), Error> {
        self.write(|held| async move { remove(&held, no).await }).await
    }

    /// A device's token.
    pub async fn push_token(&self, no: DeviceNo) -> Result<Option<PushTokenRecord>, Error> {
        let Some(row) = push_token::Entity::find_by_id(to_row(no.0)).one(&self.reader).await? else {
            return Ok(None);
        };
        Ok(Some(PushTokenRecord {
            device: DeviceNo(from_row(row.device_no)?),
            vendor: row.vendor,
            token_hash: hash_from_row(&row.token_hash)?,
            sealed_token: row.sealed_token,
        }))
    }
}

pub(crate) async fn put(
    transaction: &DatabaseTransaction,
    no: DeviceNo,
    push: &NewPushToken,
    now_ms: u64,
) -> Result<(), Error> {
    push_token::Entity::delete_many()
        .filter(push_token::Column::Vendor.eq(&push.vendor))
        .filter(push_token::Column::TokenHash.eq(push.token_hash.to_vec()))
        .filter(push_token::Column::DeviceNo.ne(to_row(no.0)))
        .exec(transaction)
        .await?;
    let row = push_token::ActiveModel {
        device_no: Set(to_row(no.0)),
        vendor: Set(push.vendor.clone()),
        token_hash: Set(push.token_hash.to_vec()),
        sealed_token: Set(push.sealed_token.clone()),
        set_at_ms: Set(to_row(now_ms)),
    };
    let replace = OnConflict::column(push_token::Column::DeviceNo)
        .update_columns([
            push_token::Column::Vendor,
            push_token::Column::TokenHash,
            push_token::Column::SealedToken,
            push_token::Column::SetAtMs,
        ])
        .to_owned();
    push_token::Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

pub(crate) async fn remove(transaction: &DatabaseTransaction, no: DeviceNo) -> Result<(), Error> {
    push_token::Entity::delete_by_id(to_row(no.0)).exec(transaction).await?;
    Ok(())
}
