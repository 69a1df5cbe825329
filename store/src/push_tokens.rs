//! Where vendors reach devices: one token of each vendor for a device, in an order, and one device for each token.

mod retired;
pub(crate) mod row;

pub use retired::RetiredPushToken;

use std::collections::HashMap;

use godwit_model::{AccountNo, DeviceNo};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::devices::device;
use crate::number::{from_row, hash_from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

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
    /// What else the vendor needs to know of the device, encrypted.
    pub sealed_details: Option<Vec<u8>>,
    /// When it was told, in milliseconds since 1970.
    pub set_at_ms: u64,
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
    /// What else the vendor needs to know of the device, encrypted.
    pub sealed_details: Option<Vec<u8>>,
}

/// A live device that can be pushed to, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushDeviceRecord {
    /// The device.
    pub device: DeviceNo,
    /// Since when, in milliseconds since 1970: nothing from before is owed.
    pub since_ms: u64,
    /// The vendors, the one to try first at the front, each with the time at which its token was told last.
    pub vendors: Vec<(String, u64)>,
}

/// A live device with a vendor's token whose push is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushableDevice {
    /// The device.
    pub device: DeviceNo,
    /// Whose it is.
    pub account: AccountNo,
    /// Up to which number of the account's inbox it was decided what the device is owed.
    pub decided_up_to: u64,
}

impl Store {
    /// Forgets a device's tokens; nothing happens when there is none.
    pub async fn remove_push_token(&self, no: DeviceNo) -> Result<(), Error> {
        self.write(|held| async move { remove(&held, no).await }).await
    }

    /// Retires one token, if the device still has this very one, told before `before_ms`; `false` when it has not. It is
    /// kept aside, with the reason and the time of this.
    pub async fn retire_push_token(
        &self,
        no: DeviceNo,
        (vendor, token_hash): (&str, &[u8; 32]),
        before_ms: u64,
        (reason, now_ms): (&str, u64),
    ) -> Result<bool, Error> {
        self.write(|held| async move {
            let found = row::Entity::find_by_id((to_row(no.0), vendor.to_owned()))
                .filter(row::Column::TokenHash.eq(token_hash.to_vec()))
                .filter(row::Column::SetAtMs.lt(to_row(before_ms)))
                .one(&*held)
                .await?;
            match found {
                Some(found) => {
                    retired::keep(&held, &found, (reason, now_ms)).await?;
                    remove_one(&held, &found).await.map(|()| true)
                }
                None => Ok(false),
            }
        })
        .await
    }

    /// A device's first token.
    pub async fn push_token(&self, no: DeviceNo) -> Result<Option<PushTokenRecord>, Error> {
        Ok(self.push_tokens(no).await?.into_iter().next())
    }

    /// A device's tokens, the one to try first at the front.
    pub async fn push_tokens(&self, no: DeviceNo) -> Result<Vec<PushTokenRecord>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::DeviceNo.eq(to_row(no.0)))
            .order_by_asc(row::Column::Place);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(PushTokenRecord::try_from).collect()
    }

    /// The device that a vendor reaches by the token with this hash.
    pub async fn push_token_by_hash(&self, vendor: &str, hash: &[u8; 32]) -> Result<Option<PushTokenRecord>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::Vendor.eq(vendor))
            .filter(row::Column::TokenHash.eq(hash.to_vec()));
        find.one(&self.reader).await?.map(PushTokenRecord::try_from).transpose()
    }

    /// The devices of accounts that can be pushed to, oldest first; accounts without one are missing.
    pub async fn push_devices_of(
        &self,
        accounts: &[AccountNo],
    ) -> Result<HashMap<AccountNo, Vec<PushDeviceRecord>>, Error> {
        let mut found: HashMap<AccountNo, Vec<PushDeviceRecord>> = HashMap::new();
        for chunk in accounts.chunks(CHUNK_ROWS) {
            let numbers = chunk.iter().map(|account| to_row(account.0));
            let find = pushable()
                .filter(device::Column::AccountNo.is_in(numbers))
                .select_only()
                .column(device::Column::AccountNo)
                .column(row::Column::DeviceNo)
                .column(row::Column::Vendor)
                .column(row::Column::SinceMs)
                .column(row::Column::SetAtMs)
                .order_by_asc(row::Column::DeviceNo)
                .order_by_asc(row::Column::Place);
            let rows: Vec<(i64, i64, String, i64, i64)> = find.into_tuple().all(&self.reader).await?;
            for (account, no, vendor, since_ms, set_at_ms) in rows {
                let devices = found.entry(AccountNo(from_row(account)?)).or_default();
                let (device, vendor) = (DeviceNo(from_row(no)?), (vendor, from_row(set_at_ms)?));
                match devices.last_mut().filter(|last| last.device == device) {
                    Some(last) => last.vendors.push(vendor),
                    None => devices.push(PushDeviceRecord {
                        device,
                        since_ms: from_row(since_ms)?,
                        vendors: vec![vendor],
                    }),
                }
            }
        }
        Ok(found)
    }

    /// The next devices that can be pushed to, above `after`, ascending; at most `limit` of them.
    pub async fn push_devices_after(&self, after: DeviceNo, limit: u64) -> Result<Vec<PushableDevice>, Error> {
        let rows: Vec<(i64, i64)> = pushable()
            .filter(row::Column::Place.eq(0))
            .filter(row::Column::DeviceNo.gt(to_row(after.0)))
            .select_only()
            .column(row::Column::DeviceNo)
            .column(device::Column::AccountNo)
            .order_by_asc(row::Column::DeviceNo)
            .limit(limit)
            .into_tuple()
            .all(&self.reader)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for (no, account) in rows {
            found.push(PushableDevice {
                device: DeviceNo(from_row(no)?),
                account: AccountNo(from_row(account)?),
                decided_up_to: 0,
            });
        }
        let devices: Vec<DeviceNo> = found.iter().map(|device| device.device).collect();
        let marks = self.push_marks(&devices).await?;
        for device in &mut found {
            device.decided_up_to = marks.get(&device.device).copied().unwrap_or_default();
        }
        Ok(found)
    }
}

fn pushable() -> sea_orm::Select<row::Entity> {
    row::Entity::find()
        .inner_join(device::Entity)
        .filter(device::Column::PushEnabled.eq(true))
        .filter(device::Column::RetiredAtMs.is_null())
}

/// Puts these tokens in the place of the device's.
pub(crate) async fn put(
    transaction: &DatabaseTransaction,
    no: DeviceNo,
    tokens: &[NewPushToken],
    now_ms: u64,
) -> Result<(), Error> {
    let former = row::Entity::find().filter(row::Column::DeviceNo.eq(to_row(no.0)));
    let former = former.all(transaction).await?;
    let since_ms = former.iter().map(|row| row.since_ms).min();
    let brought_back_ms = retired::bring_back(transaction, no, tokens).await?;
    let since_ms = since_ms.or(brought_back_ms).unwrap_or(to_row(now_ms));
    remove_live(transaction, no).await?;
    for (push, place) in tokens.iter().zip(0..) {
        let elsewhere = row::Entity::find()
            .filter(row::Column::Vendor.eq(&push.vendor))
            .filter(row::Column::TokenHash.eq(push.token_hash.to_vec()));
        for former in elsewhere.all(transaction).await? {
            remove_one(transaction, &former).await?;
        }
        let token = row::ActiveModel {
            device_no: Set(to_row(no.0)),
            vendor: Set(push.vendor.clone()),
            place: Set(place),
            token_hash: Set(push.token_hash.to_vec()),
            sealed_token: Set(push.sealed_token.clone()),
            sealed_details: Set(push.sealed_details.clone()),
            set_at_ms: Set(to_row(now_ms)),
            since_ms: Set(since_ms),
        };
        row::Entity::insert(token).exec_without_returning(transaction).await?;
    }
    // Where the device is reached now is where what it is owed goes.
    if let Some(first) = tokens.first()
        && former.iter().any(|row| row.place == 0 && row.vendor != first.vendor)
    {
        crate::push_jobs::change_vendor(transaction, no, &first.vendor).await?;
    }
    Ok(())
}

/// Nothing from before this is owed: push was off.
pub(crate) async fn begin_anew(transaction: &DatabaseTransaction, no: DeviceNo, now_ms: u64) -> Result<(), Error> {
    row::Entity::update_many()
        .set(row::ActiveModel {
            since_ms: Set(to_row(now_ms)),
            ..Default::default()
        })
        .filter(row::Column::DeviceNo.eq(to_row(no.0)))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Forgets one token; those after it move up.
async fn remove_one(transaction: &DatabaseTransaction, row: &row::Model) -> Result<(), Error> {
    row::Entity::delete_by_id((row.device_no, row.vendor.clone()))
        .exec(transaction)
        .await?;
    row::Entity::update_many()
        .col_expr(row::Column::Place, Expr::col(row::Column::Place).sub(1))
        .filter(row::Column::DeviceNo.eq(row.device_no))
        .filter(row::Column::Place.gt(row.place))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Forgets everything by which a device is reached, or was.
pub(crate) async fn remove(transaction: &DatabaseTransaction, no: DeviceNo) -> Result<(), Error> {
    retired::remove(transaction, no).await?;
    remove_live(transaction, no).await
}

async fn remove_live(transaction: &DatabaseTransaction, no: DeviceNo) -> Result<(), Error> {
    row::Entity::delete_many()
        .filter(row::Column::DeviceNo.eq(to_row(no.0)))
        .exec(transaction)
        .await?;
    Ok(())
}

impl TryFrom<row::Model> for PushTokenRecord {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        Ok(Self {
            device: DeviceNo(from_row(row.device_no)?),
            vendor: row.vendor,
            token_hash: hash_from_row(&row.token_hash)?,
            sealed_token: row.sealed_token,
            sealed_details: row.sealed_details,
            set_at_ms: from_row(row.set_at_ms)?,
        })
    }
}
