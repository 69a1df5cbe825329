//! The session from both sides, in memory and in virtual time.
#![expect(clippy::panic, reason = "a helper of tests asserts too")]

mod aliases;
mod client;
mod connecting;
mod delivering;
mod interleaving;
mod packets;
mod publishing;
mod subscribing;
mod timing;
mod wills;
