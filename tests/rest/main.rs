//! The REST door over a real socket, before a real registry and a real archive in memory.
#![expect(clippy::panic, reason = "a test that cannot go on ends")]

mod audiences;
mod audit;
mod broadcasts;
mod description;
mod devices;
mod groups;
mod house;
mod isolation;
mod limits;
mod messages;
mod organisation;
mod problems;
mod reading;
mod schedules;
mod token;
