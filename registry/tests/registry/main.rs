//! The registry through its public door, on SQLite in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod apps;
mod devices;
mod groups;
mod house;
mod push_tokens;
mod registration;
mod staleness;
mod tickets;
