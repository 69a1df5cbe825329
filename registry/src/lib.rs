//! Who exists, who may, and who is where: tenants, apps, accounts, devices, push tokens, groups. Knows no message.
//!
//! [`Registry`] is the one door. Expected refusals are [`Error::Refused`]; everything else is [`Error::Failed`].
#![deny(missing_docs)]

mod account;
mod app;
mod device;
mod error;
mod group;
mod registry;
mod scope;
mod settings;
mod ticket;

pub use account::Account;
pub use app::{AccessToken, App, NewApp};
pub use device::{Device, Proof, PushToken, Registered, Registration};
pub use error::Error;
pub use group::{Change, Group, Member, NewGroup};
pub use registry::Registry;
pub use scope::{Scope, Scopes, UnknownScope};
pub use settings::{SecretCost, Settings};
pub use ticket::Ticket;
