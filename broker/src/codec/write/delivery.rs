//! PUBLISH, as the server sends it.

use super::{put_binary, put_variable, variable_length};
use crate::codec::{QoS, Version};

/// A PUBLISH to a client.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Topic name; empty where the alias is known to the client.
    pub topic: &'a str,
    /// Packet id and duplicate flag of a QoS 1 delivery; `None` is QoS 0.
    pub acknowledged: Option<(u16, bool)>,
    /// The payload, in pieces that are written one behind the other.
    pub payload: &'a [&'a [u8]],
    /// What MQTT 5 adds; on 3.1.1 it is left out.
    pub properties: DeliveryProperties<'a>,
}

/// The properties of a delivery.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeliveryProperties<'a> {
    /// The number that stands for the topic.
    pub topic_alias: Option<u16>,
    /// Seconds after which the message is no longer wanted.
    pub message_expiry_s: Option<u32>,
    /// What the asking PUBLISH carried.
    pub correlation_data: Option<&'a [u8]>,
    /// Name and value; each at most 65,535 bytes.
    pub user: &'a [(String, String)],
}

impl DeliveryProperties<'_> {
    fn length(&self) -> usize {
        let user: usize = self.user.iter().map(|(name, value)| 5 + name.len() + value.len()).sum();
        self.topic_alias.map_or(0, |_| 3)
            + self.message_expiry_s.map_or(0, |_| 5)
            + self.correlation_data.map_or(0, |data| 3 + data.len())
            + user
    }

    fn put(&self, out: &mut Vec<u8>) {
        if let Some(seconds) = self.message_expiry_s {
            out.push(0x02);
            out.extend_from_slice(&seconds.to_be_bytes());
        }
        if let Some(data) = self.correlation_data {
            out.push(0x09);
            put_binary(out, data);
        }
        if let Some(alias) = self.topic_alias {
            out.push(0x23);
            out.extend_from_slice(&alias.to_be_bytes());
        }
        for (name, value) in self.user {
            out.push(0x26);
            put_binary(out, name.as_bytes());
            put_binary(out, value.as_bytes());
        }
    }
}

impl Delivery<'_> {
    /// Bytes of the whole packet, to be compared with what the client takes.
    pub fn size(&self, version: Version) -> usize {
        let body = self.body_length(version);
        1 + variable_length(body) + body
    }

    fn body_length(&self, version: Version) -> usize {
        let id = if self.acknowledged.is_some() { 2 } else { 0 };
        let properties = match version {
            Version::V311 => 0,
            Version::V5 => variable_length(self.properties.length()) + self.properties.length(),
        };
        let payload: usize = self.payload.iter().map(|piece| piece.len()).sum();
        2 + self.topic.len() + id + properties + payload
    }

    /// Writes the packet. Topic and correlation data longer than 65,535 bytes do not exist: they came in a packet.
    pub fn put(&self, out: &mut Vec<u8>, version: Version) {
        let body = self.body_length(version);
        out.reserve(1 + variable_length(body) + body);
        let (qos, duplicate) = match self.acknowledged {
            Some((_, duplicate)) => (QoS::AtLeastOnce, duplicate),
            None => (QoS::AtMostOnce, false),
        };
        out.push(0x30 | u8::from(duplicate) << 3 | qos.bits() << 1);
        put_variable(out, body);
        put_binary(out, self.topic.as_bytes());
        if let Some((packet_id, _)) = self.acknowledged {
            out.extend_from_slice(&packet_id.to_be_bytes());
        }
        if version == Version::V5 {
            put_variable(out, self.properties.length());
            self.properties.put(out);
        }
        for piece in self.payload {
            out.extend_from_slice(piece);
        }
    }
}
