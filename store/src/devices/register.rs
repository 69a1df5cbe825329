//! Registrations: a new record or a renewed one, together with the ticket that is used up by it.
//!
//! The rules are the registry's. It decides on what it read; a call here names what it relied on, and changes
//! nothing when that is not so any more ([`RegisterOutcome::Changed`]).

use godwit_model::{AccountNo, DeviceNo, OsKind, TenantNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter};

use super::{device, retire};
use crate::number::{from_row, to_row};
use crate::{Error, NewPushToken, Store, push_tokens, tickets};

/// What a device says of itself.
#[derive(Clone, Debug)]
pub struct DeviceFacts {
    /// Its operating system.
    pub os: OsKind,
    /// Its model, for people.
    pub model: String,
    /// The version of the app on it.
    pub app_version: String,
    /// Its language.
    pub language: Option<String>,
    /// Where its vendors reach it, the one to try first at the front; none leaves what is stored.
    pub push: Vec<NewPushToken>,
    /// The ticket that is used up.
    pub ticket_hash: Option<[u8; 32]>,
    /// The time of the registration.
    pub now_ms: u64,
}

/// A device record to be made.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Its public id, not used before.
    pub device_id: String,
    /// Whose tenant's.
    pub tenant: TenantNo,
    /// Whose device it is.
    pub account: AccountNo,
    /// What tells the installation from all others of the tenant.
    pub unique_code: String,
    /// The hash of its token.
    pub token_hash: [u8; 32],
    /// The live record it takes the unique code from; `None` when the code is free.
    pub replaces: Option<DeviceNo>,
    /// Most live devices the account may have, this one included.
    pub devices_max: u64,
    /// What it says of itself.
    pub facts: DeviceFacts,
}

/// A live device that registers again.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The device.
    pub no: DeviceNo,
    /// The account it was seen to belong to.
    pub account: AccountNo,
    /// The hash of the token by which the device proved itself, if it did so: it must still be the device's own.
    pub token_hash: Option<[u8; 32]>,
    /// The hash of the token that takes over when it is first used.
    pub next_token_hash: [u8; 32],
    /// What it says of itself.
    pub facts: DeviceFacts,
}

/// What became of a registration. Only `Done` changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterOutcome {
    /// The record with this number is live.
    Done(DeviceNo),
    /// The ticket is gone or too old.
    TicketSpent,
    /// What the caller relied on has changed; it looks again.
    Changed,
    /// The account has as many live devices as it may.
    TooMany,
}

impl Store {
    /// Makes a device record, retiring the one that held the unique code.
    pub async fn create_device(&self, new: &NewDevice) -> Result<RegisterOutcome, Error> {
        self.write(|held| async move { create(&held, new).await }).await
    }

    /// Renews a live record: fresh facts and a next token.
    pub async fn renew_device(&self, renewal: &Renewal) -> Result<RegisterOutcome, Error> {
        self.write(|held| async move { renew(&held, renewal).await }).await
    }
}

async fn create(transaction: &DatabaseTransaction, new: &NewDevice) -> Result<RegisterOutcome, Error> {
    let holder = device::Entity::find()
        .filter(device::Column::TenantNo.eq(i64::from(new.tenant.0)))
        .filter(device::Column::UniqueCode.eq(&new.unique_code))
        .filter(device::Column::RetiredAtMs.is_null())
        .one(transaction)
        .await?;
    if holder.map(|row| row.device_no) != new.replaces.map(|no| to_row(no.0)) {
        return Ok(RegisterOutcome::Changed);
    }
    let of_account = device::Entity::find().filter(device::Column::AccountNo.eq(to_row(new.account.0)));
    let live = of_account
        .clone()
        .filter(device::Column::RetiredAtMs.is_null())
        .count(transaction)
        .await?;
    if live >= new.devices_max {
        return Ok(RegisterOutcome::TooMany);
    }
    if !ticket_is_good(transaction, &new.facts).await? {
        return Ok(RegisterOutcome::TicketSpent);
    }
    if let Some(former) = new.replaces {
        retire(transaction, former, new.facts.now_ms).await?;
    }
    let first = of_account.count(transaction).await? == 0;
    let row = first_row(new, first);
    let no = DeviceNo(from_row(
        device::Entity::insert(row).exec(transaction).await?.last_insert_id,
    )?);
    put_push_token(transaction, no, &new.facts).await?;
    Ok(RegisterOutcome::Done(no))
}

async fn renew(transaction: &DatabaseTransaction, renewal: &Renewal) -> Result<RegisterOutcome, Error> {
    let mut this = device::Entity::find_by_id(to_row(renewal.no.0))
        .filter(device::Column::AccountNo.eq(to_row(renewal.account.0)))
        .filter(device::Column::RetiredAtMs.is_null());
    if let Some(token_hash) = &renewal.token_hash {
        this = this.filter(device::Column::TokenHash.eq(token_hash.to_vec()));
    }
    if this.count(transaction).await? == 0 {
        return Ok(RegisterOutcome::Changed);
    }
    if !ticket_is_good(transaction, &renewal.facts).await? {
        return Ok(RegisterOutcome::TicketSpent);
    }
    let change = device::ActiveModel {
        next_token_hash: Set(Some(renewal.next_token_hash.to_vec())),
        ..told(&renewal.facts)
    };
    device::Entity::update_many()
        .set(change)
        .filter(device::Column::DeviceNo.eq(to_row(renewal.no.0)))
        .exec(transaction)
        .await?;
    put_push_token(transaction, renewal.no, &renewal.facts).await?;
    Ok(RegisterOutcome::Done(renewal.no))
}

async fn ticket_is_good(transaction: &DatabaseTransaction, facts: &DeviceFacts) -> Result<bool, Error> {
    match &facts.ticket_hash {
        Some(hash) => tickets::consume(transaction, hash, facts.now_ms).await,
        None => Ok(true),
    }
}

async fn put_push_token(transaction: &DatabaseTransaction, no: DeviceNo, facts: &DeviceFacts) -> Result<(), Error> {
    if facts.push.is_empty() {
        return Ok(());
    }
    push_tokens::put(transaction, no, &facts.push, facts.now_ms).await
}

fn told(facts: &DeviceFacts) -> device::ActiveModel {
    device::ActiveModel {
        os: Set(facts.os.number()),
        model: Set(facts.model.clone()),
        app_version: Set(facts.app_version.clone()),
        language: Set(facts.language.clone()),
        registered_at_ms: Set(to_row(facts.now_ms)),
        ..Default::default()
    }
}

fn first_row(new: &NewDevice, first_of_account: bool) -> device::ActiveModel {
    device::ActiveModel {
        device_id: Set(new.device_id.clone()),
        tenant_no: Set(i64::from(new.tenant.0)),
        account_no: Set(to_row(new.account.0)),
        unique_code: Set(new.unique_code.clone()),
        token_hash: Set(new.token_hash.to_vec()),
        next_token_hash: Set(None),
        first_of_account: Set(first_of_account),
        push_enabled: Set(true),
        created_at_ms: Set(to_row(new.facts.now_ms)),
        retired_at_ms: Set(None),
        ..told(&new.facts)
    }
}
