//! Who this installation is: what the registration answered.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who this installation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The account's opaque id.
    pub account: String,
    /// The user.
    pub user_id: String,
    /// The tenant, a decimal number.
    pub tenant_no: String,
    /// The device's id.
    pub device_id: String,
}

/// Where the platform listens, as URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tcp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ws: Option<String>,
}

/// A registered account with its credential. `no` is its number in the local table.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) no: i64,
    pub(crate) profile: Profile,
    pub(crate) token: String,
    pub(crate) addresses: Addresses,
}

impl Account {
    pub(crate) fn topic(&self, channel: &str) -> String {
        format!("im/{}/{channel}", self.profile.account)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}
