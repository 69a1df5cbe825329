//! The MQTT door: MQTT 3.1.1 and 5 over TCP, TLS and WebSocket.
//!
//! [`codec`] turns bytes into packets and back. [`session`] is the state machine of one connection, without I/O:
//! read it first, everything else only carries bytes to it and performs what it asks. [`Broker`] is the handle.
#![deny(missing_docs)]

pub mod codec;
mod connection;
mod door;
mod listener;
mod paper;
mod places;
pub mod session;
mod settings;
mod threads;
mod unconfirmed;
mod wills;

pub use door::Broker;
pub use listener::tls::Tls;
pub use session::Session;
pub use settings::Settings;
