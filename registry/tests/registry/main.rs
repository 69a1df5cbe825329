//! The registry through its public door, on SQLite in memory.

mod apps;
mod devices;
mod groups;
mod house;
mod push_tokens;
mod registration;
mod staleness;
mod tickets;
