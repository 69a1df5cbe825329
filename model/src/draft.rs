//! What a sender asks for, understood but not yet permitted.

use crate::address::Address;
use crate::message_type::MessageKind;

/// A message as it was asked: addresses read, content untouched.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The sender's own id of the message; removes duplicates.
    pub id: String,
    /// Who it claims to be from; `None` when left out.
    pub from: Option<Address>,
    /// Whom it is for. One address from a device; an app may name a list.
    pub to: Vec<Address>,
    /// Receivers inside `to`; empty means all of them.
    pub target: Vec<Address>,
    /// What it is.
    pub kind: MessageKind,
    /// The content: JSON without insignificant white space, verbatim otherwise.
    pub content: String,
    /// The client's time in milliseconds; orders nothing.
    pub timestamp_ms: Option<i64>,
    /// Whether the message is for the app rather than for eyes.
    pub is_background: bool,
    /// When the content stops to be shown, in milliseconds since 1970; `None` is never. No part of the meaning: a draft
    /// that is sent again carries what is left of its time.
    pub expires_at_ms: Option<u64>,
    /// How long it is kept back before it is sent, in seconds. No part of the meaning.
    pub deliver_after_s: u32,
    /// How long its content is shown, in seconds from when it is sent; `expires_at_ms` goes before it. No part of the
    /// meaning.
    pub ttl_s: Option<u32>,
    /// Fields the platform does not know, as one JSON object; empty when there are none.
    pub ext: String,
}
