//! What a session asks of the platform, and what it is answered.

use godwit_model::{ConversationKey, Refusal, Refused, ServerId};

use crate::codec::{QoS, UserProperties, Version};
use crate::session::Subscriptions;

/// Something only the platform can do. What is borrowed points into the bytes that were read.
#[derive(Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Check the credentials, then [`super::Session::authenticated`].
    Authenticate(Credentials<'a>),
    /// Do what was published, then [`super::Session::answer`].
    Publish(Publication<'a>),
    /// A publication was refused by the session itself; for the counters.
    Refused(Refusal),
    /// Store the subscriptions, then [`super::Session::subscribed`]. Nothing is read until then.
    Subscribe(SubscriptionChange),
    /// The client has this inbox entry.
    Delivered {
        /// Its number.
        seq: u64,
    },
}

/// Who the client says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The username.
    pub account: &'a str,
    /// The password.
    pub device_token: &'a str,
    /// The client id, to be compared with the device the token belongs to.
    pub device_id: &'a str,
    /// Whether an older session is to be forgotten.
    pub clean_start: bool,
}

/// What a client published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication<'a> {
    /// Names the publication in [`super::Session::answer`].
    pub ticket: u64,
    /// Where it goes.
    pub place: Place,
    /// The message.
    pub payload: &'a [u8],
    /// How surely the client hands it over.
    pub qos: QoS,
    /// Which specification the client speaks. A 3.1.1 client cannot be told a refusal in the acknowledgement: a
    /// permanent one has to be stored as an inbox entry before [`Answer::Accepted`].
    pub version: Version,
    /// On 3.1.1: why it has to be refused whatever it says.
    pub objection: Option<Refusal>,
    /// MQTT 5: where the reply of a request goes, instead of the reply topic.
    pub response_topic: Option<&'a str>,
    /// MQTT 5: what the reply carries back.
    pub correlation_data: Option<&'a [u8]>,
    /// MQTT 5: seconds after which a draft is no longer wanted.
    pub message_expiry_s: Option<u32>,
    /// MQTT 5: what a draft carries besides.
    pub user_properties: UserProperties<'a>,
}

/// Where a publication goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `im/{account}/outbox`: a draft.
    Outbox,
    /// `im/{account}/request`: a JSON-RPC request.
    Request,
    /// Any other topic; always refused.
    Elsewhere,
}

/// Where the message of a publication stands, for a client that does not get it back (No Local).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number in the client's own inbox.
    pub seq: u64,
    /// The platform's name of it.
    pub server_id: ServerId,
    /// When it was accepted, in milliseconds since 1970.
    pub server_time_ms: u64,
    /// Its conversation, and its number there.
    pub conversation: Option<(ConversationKey, u64)>,
}

/// What became of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Stored: it may be acknowledged.
    Accepted,
    /// The same, and an MQTT 5 client is told where it stands.
    Stored(Stored),
    /// Not stored. Told to an MQTT 5 client; on 3.1.1 it may only stand for a refusal that *was* stored.
    Refused(Refused),
}

/// The subscriptions a client would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionChange {
    /// All of them, after the change.
    pub subscriptions: Subscriptions,
    /// Whether the device's cursor moves to the head first: a clean start that subscribes its inbox.
    pub starts_at_head: bool,
}
