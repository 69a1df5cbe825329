//! Wakes phones through their vendors: one file per vendor behind one trait, and strict simulators of them.
//!
//! A finished [`Notification`] and a [`Target`] go in, one [`Outcome`] comes out. Who is owed a push, when, and with
//! what words is decided elsewhere; this room knows no message.
//!
//! Read [`outcome`] first, then [`vendor`], then [`lane`], which stands between the two in daily use: [`Vendors`] holds
//! one [`Lane`] for each vendor that an app has configured. What vendors say later, when they call back, is read by
//! [`receipt`] and taken by [`Receipts`]. [`simulator`] has a strict stand-in for each of them.
#![deny(missing_docs)]

mod address_guard;
mod app_data;
mod base64url;
pub mod call;
pub mod cut;
mod door;
mod hexadecimal;
mod jwt;
pub mod lane;
pub mod notification;
mod oauth;
pub mod outcome;
pub mod receipt;
mod receipts;
pub mod settings;
pub mod simulator;
mod token;
pub mod vendor;
mod vendors;

pub use call::{Call, CallAnswer, CallSettings, Caller, NoAnswer};
pub use lane::Lane;
pub use notification::{Class, Kind, Notification, PushId, Tap};
pub use outcome::{Outcome, Scope};
pub use receipts::{Receipts, Report};
pub use settings::{Secret, Settings, SettingsError};
pub use vendor::external::{ExternalService, NotHeard};
pub use vendor::{BoxFuture, CheckError, Limits, Target, Vendor, VendorName};
pub use vendors::{KeptVendors, Vendors};
