//! Accounts: a user's identity on the platform, the owner of one inbox.

use godwit_model::{AccountNo, TenantNo, UserId};

/// An account. Immutable: once made, none of this changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The dense internal number.
    pub no: AccountNo,
    /// The opaque public id: 26 characters of lower-case base32.
    pub account_id: Box<str>,
    /// Whose user it is.
    pub tenant: TenantNo,
    /// The user inside the tenant.
    pub user: UserId,
}
