//! The door with everything behind it, over real sockets: an archive on a simulated disk and a store in memory.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper of tests asserts too")]

mod arriving;
mod closing;
mod groups;
mod house;
mod instructions;
mod no_local;
#[path = "../../broker/tests/session/packets.rs"]
#[expect(dead_code, reason = "the session's tests need more of it")]
mod packets;
mod properties;
mod refusals;
mod stock_clients;
mod travelling;
mod vanishing;
mod websocket;
