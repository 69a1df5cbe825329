//! CONNACK: what the server offers, or why it does not.

use super::{Farewell, put_binary, put_variable};
use crate::codec::{Reason, Version};

/// What a CONNACK with success announces on MQTT 5; on 3.1.1 only `session_present` is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement<'a> {
    /// Whether the server still had the session.
    pub session_present: bool,
    /// Publications of QoS 1 and 2 the server takes unacknowledged.
    pub receive_maximum: u16,
    /// Bytes of the largest packet the server takes.
    pub maximum_packet_size: u32,
    /// Topic aliases the server takes.
    pub topic_alias_maximum: u16,
    /// Seconds of session expiry, when not what the client asked for.
    pub session_expiry_s: Option<u32>,
    /// Seconds of keep-alive, when not what the client asked for.
    pub server_keep_alive_s: Option<u16>,
    /// The topic answers come to, when the client asked for it.
    pub response_information: Option<&'a str>,
}

/// CONNACK with success.
pub fn connack(out: &mut Vec<u8>, version: Version, announcement: &Announcement<'_>) {
    let mut properties = Vec::new();
    if version == Version::V5 {
        announcement.put(&mut properties);
    }
    let property_bytes = match version {
        Version::V311 => 0,
        Version::V5 => super::variable_length(properties.len()) + properties.len(),
    };
    out.push(0x20);
    put_variable(out, 2 + property_bytes);
    out.push(u8::from(announcement.session_present));
    out.push(Reason::SUCCESS.0);
    if version == Version::V5 {
        put_variable(out, properties.len());
        out.extend_from_slice(&properties);
    }
}

impl Announcement<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        if let Some(seconds) = self.session_expiry_s {
            out.push(0x11);
            out.extend_from_slice(&seconds.to_be_bytes());
        }
        out.push(0x21);
        out.extend_from_slice(&self.receive_maximum.to_be_bytes());
        // Retain, wildcards, subscription identifiers and shared subscriptions are unavailable.
        out.extend_from_slice(&[0x25, 0, 0x28, 0, 0x29, 0, 0x2A, 0, 0x27]);
        out.extend_from_slice(&self.maximum_packet_size.to_be_bytes());
        out.push(0x22);
        out.extend_from_slice(&self.topic_alias_maximum.to_be_bytes());
        if let Some(seconds) = self.server_keep_alive_s {
            out.push(0x13);
            out.extend_from_slice(&seconds.to_be_bytes());
        }
        if let Some(topic) = self.response_information {
            out.push(0x1A);
            put_binary(out, topic.as_bytes());
        }
    }
}

/// CONNACK that refuses: `farewell` on MQTT 5, `code` on 3.1.1.
pub fn connack_refusal(out: &mut Vec<u8>, version: Version, code: u8, farewell: &Farewell<'_>) {
    match version {
        Version::V311 => out.extend_from_slice(&[0x20, 2, 0, code]),
        Version::V5 => {
            let details = farewell.details();
            out.push(0x20);
            put_variable(out, 2 + details.block_length());
            out.extend_from_slice(&[0, farewell.reason.0]);
            details.put_block(out);
        }
    }
}
