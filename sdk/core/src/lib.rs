//! What an app puts in its phone: registration, an outbox that survives, a local table that equals the inbox.
//!
//! ```no_run
//! use godwit_sdk::{Client, Config, Draft, Event, Registration};
//!
//! # async fn start(ticket: String) -> Result<(), godwit_sdk::Error> {
//! let client = Client::open(Config::new("messages.db", "http://127.0.0.1:8080")).await?;
//! let mut events = client.events();
//! client.register(Registration::with_ticket(ticket)).await?;
//! client.connect()?;
//! client.send(Draft::text("bob", "hi")).await?;
//! while let Some(event) = events.next().await {
//!     if let Event::Message(message) = event {
//!         println!("{}: {:?}", message.sender, message.content);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What it promises:
//! - [`Client::send`] returns when the draft is on the phone's disk. It goes out as often as it takes, under one id,
//!   so the platform keeps it once. Drafts to one address keep their order.
//! - An entry of the inbox is acknowledged only after the commit that holds it. The local table holds every entry
//!   from where the device began, once each; what is missing is read from the inbox.
//! - [`Event`]s are a convenience: a slow app loses events and never data, because it can read the table.
#![deny(missing_docs)]

mod backoff;
mod catch_up;
mod client;
mod clock;
mod config;
mod connection;
mod content;
mod draft;
mod error;
mod event;
mod identity;
mod kind;
mod message;
mod outbox;
mod profile;
mod requests;
mod rest;
mod store;
mod tls;
mod wire;

pub use client::{Client, Group, Member, Registration};
pub use clock::{Clock, SystemClock};
pub use config::{Backlog, Backoff, Config, DeviceFacts, MqttVersion, Os, PushToken, Transport, Trust};
pub use content::{Call, CallStatus, Card, Content, ErrorReport, GroupChange, Location, Media, Scalar, Withdrawn};
pub use draft::Draft;
pub use error::Error;
pub use event::{ConnectionState, Event, Events};
pub use kind::Kind;
pub use message::{Conversation, Message, Outgoing, OutgoingState};
pub use profile::Profile;

/// The guide, so that its code is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/sdk.md")]
struct Guide;
