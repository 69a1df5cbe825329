//! TLS of the doors, as clients and operators meet it.
#![expect(clippy::panic, reason = "a helper of tests asserts too")]

mod clients;
mod doors;
mod files;
mod renewal;
mod sdk;
