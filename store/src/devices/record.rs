//! A live device as it is read.

use godwit_model::{DeviceNo, OsKind};

use super::device;
use crate::accounts::account;
use crate::number::{from_row, hash_from_row};
use crate::{AccountRecord, Error};

/// A device, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Its number.
    pub no: DeviceNo,
    /// Its public id.
    pub device_id: String,
    /// Whose device it is.
    pub account: AccountRecord,
    /// What tells this installation from all others of the tenant.
    pub unique_code: String,
    /// Its operating system.
    pub os: OsKind,
    /// The hash of its token.
    pub token_hash: [u8; 32],
    /// The hash of the token that takes over when it is first used.
    pub next_token_hash: Option<[u8; 32]>,
    /// Whether it is the first the account ever had.
    pub first_of_account: bool,
    /// Its language (BCP 47), if it said one.
    pub language: Option<String>,
    /// Whether push is on.
    pub push_enabled: bool,
}

impl TryFrom<(device::Model, Option<account::Model>)> for DeviceRecord {
    type Error = Error;

    fn try_from((row, account): (device::Model, Option<account::Model>)) -> Result<Self, Error> {
        let account = account.ok_or_else(|| Error::Corrupt(format!("device {} has no account", row.device_no)))?;
        Ok(Self {
            no: DeviceNo(from_row(row.device_no)?),
            device_id: row.device_id,
            account: account.try_into()?,
            unique_code: row.unique_code,
            os: OsKind::from_number(row.os),
            token_hash: hash_from_row(&row.token_hash)?,
            next_token_hash: row.next_token_hash.as_deref().map(hash_from_row).transpose()?,
            first_of_account: row.first_of_account,
            language: row.language,
            push_enabled: row.push_enabled,
        })
    }
}
