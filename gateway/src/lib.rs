//! The REST door and the browser pages. Thin: decode, authorise, call the dispatcher, encode.
//!
//! Read [`router`] first: it names every resource, one file each. What goes wrong becomes a `Problem` (`problem.rs`),
//! and one middleware (`frame.rs`) writes it. Who calls is settled in `auth.rs`, once per route.
#![deny(missing_docs)]

mod apps;
mod audit;
mod auth;
mod body;
mod broadcasts;
mod client_versions;
mod conversations;
mod description;
mod devices;
mod docs_page;
mod door;
mod envelope;
mod etag;
mod events;
mod frame;
mod groups;
mod health;
mod history;
mod hooks;
mod idempotency;
mod inbox;
mod listing;
mod messages;
mod oauth;
mod page;
mod problem;
mod push_receipts;
mod push_templates;
mod pushes;
mod rate_limit;
mod reading;
mod resolver;
mod rosters;
mod routes;
mod schedules;
mod settings;
mod tenants;
mod tickets;
mod try_page;
mod users;
mod webhooks;
mod withdrawals;

pub use door::{Gateway, LookAtPhone, MqttAddresses, SimulatedNotification, SimulatedPhone, SocketAddresses};
pub use routes::{openapi, router};
pub use settings::{Rate, Settings};
