//! How far each device has walked along its account's inbox, and its stored session.

use godwit_model::AccountNo;

pub(crate) mod states;
pub(crate) mod table;

/// A device's place and session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// Whose inbox it walks.
    pub account: AccountNo,
    /// End of the contiguous prefix it has acknowledged.
    pub cursor: u64,
    /// Its stored session, if it has one.
    pub session: Option<SessionState>,
}

/// A session that outlives its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Bits whose meaning is the door's.
    pub subscriptions: u8,
    /// How long it is kept after the connection ended, in seconds; `u32::MAX` is for ever.
    pub expiry_s: u32,
    /// When the connection ended, in milliseconds since 1970; 0 while connected.
    pub ended_at_ms: u64,
}
