//! Devices: what a registration says and what comes of it.

use std::sync::Arc;

use godwit_model::{DeviceNo, OsKind};

use crate::account::Account;

/// A live device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The dense internal number: the owner of one cursor.
    pub no: DeviceNo,
    /// The public id: 26 characters of lower-case base32.
    pub device_id: Box<str>,
    /// Whose device it is.
    pub account: Arc<Account>,
    /// Its operating system.
    pub os: OsKind,
    /// Whether it is the first device the account ever had; its cursor starts at the floor, later ones at head.
    pub first_of_account: bool,
}

/// What a device says of itself when it registers.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// What tells this installation from all others of the tenant: 1 to 255 bytes without control characters.
    pub unique_code: String,
    /// Its operating system.
    pub os: OsKind,
    /// The model, for people; at most 255 bytes, may be empty.
    pub model: String,
    /// The version of the app on it; at most 255 bytes, may be empty.
    pub app_version: String,
    /// Its language (BCP 47).
    pub language: Option<String>,
    /// Where the vendor reaches it. `None` leaves what is stored as it is.
    pub push: Option<PushToken>,
    /// The token of the record that holds this unique code for another user: proof that the device moves.
    pub previous_token: Option<String>,
}

/// A vendor's address of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushToken {
    /// The vendor's short name, such as `apns` or `fcm`.
    pub vendor: String,
    /// The token as the vendor gave it.
    pub token: String,
}

/// Who registers.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A ticket; it is used up by a registration that succeeds.
    Ticket(String),
    /// The device's own token: it registers again.
    DeviceToken(String),
}

/// What a registration made.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The live record.
    pub device: Arc<Device>,
    /// A fresh token, shown this once. An older one works until this one is first used.
    pub device_token: String,
    /// Whether the record is new; otherwise the device kept its id and its cursor.
    pub created: bool,
    /// Records that this registration retired; the caller closes their sessions.
    pub retired: Vec<DeviceNo>,
}
