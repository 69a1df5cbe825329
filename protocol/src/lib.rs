//! What clients and platform say to each other: topics, the JSON envelope, the types of messages, JSON-RPC.
//!
//! Wire shapes stay in here; model types go in and come out. Start with [`topic::Topic`] and [`envelope`].
#![deny(missing_docs)]

pub mod body;
pub mod content;
pub mod envelope;
pub mod fingerprint;
pub mod json;
pub mod message_kind;
pub mod properties;
pub mod rpc;
pub mod stored_draft;
pub mod topic;

pub use body::Body;
pub use envelope::Stamp;
pub use topic::{Channel, Topic};
