//! Others are told what happens: by webhooks that survive receivers of every kind, and by asking.

#![expect(clippy::unwrap_used, reason = "a helper of tests asserts too")]

mod hooks;
mod house;
mod judge;
mod kill;
mod kinds;
mod listen;
mod pull;
mod receiver;
mod resolver;
mod trouble;
mod webhooks;
