//! Devices: exactly one live record for each unique code of a tenant; retired records are history.

pub(crate) mod device;
mod record;
mod register;

pub use record::DeviceRecord;
pub use register::{DeviceFacts, NewDevice, RegisterOutcome, Renewal};

use godwit_model::{AccountNo, DeviceNo, TenantNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Select};

use crate::accounts::account;
use crate::number::to_row;
use crate::{Error, NewPushToken, Store, push_jobs, push_tokens};

impl Store {
    /// The live device with this public id.
    pub async fn device_by_id(&self, device_id: &str) -> Result<Option<DeviceRecord>, Error> {
        self.one_live_device(device::Entity::find().filter(device::Column::DeviceId.eq(device_id)))
            .await
    }

    /// The live device with this number.
    pub async fn device_by_no(&self, no: DeviceNo) -> Result<Option<DeviceRecord>, Error> {
        self.one_live_device(device::Entity::find_by_id(to_row(no.0))).await
    }

    /// A device that lives or lived.
    pub async fn device_ever(&self, no: DeviceNo) -> Result<Option<DeviceRecord>, Error> {
        let find = device::Entity::find_by_id(to_row(no.0)).find_also_related(account::Entity);
        find.one(&self.reader).await?.map(DeviceRecord::try_from).transpose()
    }

    /// The live device that holds a unique code.
    pub async fn device_of_code(&self, tenant: TenantNo, unique_code: &str) -> Result<Option<DeviceRecord>, Error> {
        let find = device::Entity::find()
            .filter(device::Column::TenantNo.eq(i64::from(tenant.0)))
            .filter(device::Column::UniqueCode.eq(unique_code));
        self.one_live_device(find).await
    }

    /// The live devices of an account, oldest first.
    pub async fn devices_of(&self, account: AccountNo) -> Result<Vec<DeviceRecord>, Error> {
        let rows = device::Entity::find()
            .filter(device::Column::AccountNo.eq(to_row(account.0)))
            .filter(device::Column::RetiredAtMs.is_null())
            .order_by_asc(device::Column::DeviceNo)
            .find_also_related(account::Entity)
            .all(&self.reader)
            .await?;
        rows.into_iter().map(DeviceRecord::try_from).collect()
    }

    /// Makes the next token the only one; `false` when `next` is not the next token of this live device.
    pub async fn promote_token(&self, no: DeviceNo, next: &[u8; 32]) -> Result<bool, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let change = device::ActiveModel {
                token_hash: Set(next.to_vec()),
                next_token_hash: Set(None),
                ..Default::default()
            };
            let changed = device::Entity::update_many()
                .set(change)
                .filter(device::Column::DeviceNo.eq(to_row(no.0)))
                .filter(device::Column::NextTokenHash.eq(next.to_vec()))
                .filter(device::Column::RetiredAtMs.is_null())
                .exec(transaction)
                .await?;
            Ok(changed.rows_affected == 1)
        })
        .await
    }

    /// Retires a live device and forgets its push token; `None` when there is no such live device.
    pub async fn retire_device(&self, no: DeviceNo, now_ms: u64) -> Result<Option<DeviceRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let find = live(device::Entity::find_by_id(to_row(no.0)));
            let Some(found) = find.find_also_related(account::Entity).one(transaction).await? else {
                return Ok(None);
            };
            retire(transaction, no, now_ms).await?;
            DeviceRecord::try_from(found).map(Some)
        })
        .await
    }

    /// Keeps a live device's tokens, the one to try first at the front, and removes them from any other; `false` when
    /// there is no such live device.
    pub async fn set_push_tokens(&self, no: DeviceNo, push: &[NewPushToken], now_ms: u64) -> Result<bool, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            if !is_live(transaction, no).await? {
                return Ok(false);
            }
            push_tokens::put(transaction, no, push, now_ms).await?;
            Ok(true)
        })
        .await
    }

    /// Turns push on or off for a live device; `false` when there is no such live device.
    pub async fn set_push_enabled(&self, no: DeviceNo, enabled: bool, now_ms: u64) -> Result<bool, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let was_off = live(device::Entity::find_by_id(to_row(no.0)))
                .filter(device::Column::PushEnabled.eq(false))
                .count(transaction)
                .await?
                == 1;
            if enabled && was_off {
                push_tokens::begin_anew(transaction, no, now_ms).await?;
            }
            let changed = device::Entity::update_many()
                .set(device::ActiveModel {
                    push_enabled: Set(enabled),
                    ..Default::default()
                })
                .filter(device::Column::DeviceNo.eq(to_row(no.0)))
                .filter(device::Column::RetiredAtMs.is_null())
                .exec(transaction)
                .await?;
            Ok(changed.rows_affected == 1)
        })
        .await
    }

    async fn one_live_device(&self, find: Select<device::Entity>) -> Result<Option<DeviceRecord>, Error> {
        let found = live(find).find_also_related(account::Entity).one(&self.reader).await?;
        found.map(DeviceRecord::try_from).transpose()
    }
}

fn live(find: Select<device::Entity>) -> Select<device::Entity> {
    find.filter(device::Column::RetiredAtMs.is_null())
}

async fn is_live(transaction: &DatabaseTransaction, no: DeviceNo) -> Result<bool, Error> {
    Ok(live(device::Entity::find_by_id(to_row(no.0)))
        .count(transaction)
        .await?
        == 1)
}

/// Retires a live record; `false` when it is not live any more.
pub(crate) async fn retire(transaction: &DatabaseTransaction, no: DeviceNo, now_ms: u64) -> Result<bool, Error> {
    push_tokens::remove(transaction, no).await?;
    push_jobs::remove_of_device(transaction, no).await?;
    let retired = device::Entity::update_many()
        .set(device::ActiveModel {
            retired_at_ms: Set(Some(to_row(now_ms))),
            ..Default::default()
        })
        .filter(device::Column::DeviceNo.eq(to_row(no.0)))
        .filter(device::Column::RetiredAtMs.is_null())
        .exec(transaction)
        .await?;
    Ok(retired.rows_affected == 1)
}
