//! The packets the server sends, written to the end of a buffer.
//!
//! Lengths are known before the first byte is written, so nothing is moved and nothing is allocated beyond `out`.

use crate::codec::{QoS, Reason, Version};

/// What a CONNACK with success announces on MQTT 5; on 3.1.1 only `session_present` is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Whether the server still had the session.
    pub session_present: bool,
    /// Publications of QoS 1 and 2 the server takes unacknowledged.
    pub receive_maximum: u16,
    /// Bytes of the largest packet the server takes.
    pub maximum_packet_size: u32,
    /// Seconds of session expiry, when not what the client asked for.
    pub session_expiry_s: Option<u32>,
    /// Seconds of keep-alive, when not what the client asked for.
    pub server_keep_alive_s: Option<u16>,
}

/// A PUBLISH to a client.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Topic name.
    pub topic: &'a str,
    /// Packet id and duplicate flag of a QoS 1 delivery; `None` is QoS 0.
    pub acknowledged: Option<(u16, bool)>,
    /// MQTT 5: what the asking PUBLISH carried.
    pub correlation_data: Option<&'a [u8]>,
    /// The payload, in pieces that are written one behind the other.
    pub payload: &'a [&'a [u8]],
}

/// Which acknowledgement.
#[expect(clippy::enum_variant_names, reason = "the names of the specification")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcknowledgementKind {
    /// Of a QoS 1 publication.
    PubAck,
    /// First of a QoS 2 publication.
    PubRec,
    /// Last of a QoS 2 publication.
    PubComp,
}

/// What an acknowledgement says on MQTT 5.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The reason code.
    pub reason: Reason,
    /// The stable code of a refusal, sent as the user property `code`; empty is none.
    pub code: &'a str,
    /// The reason string; empty is none.
    pub text: &'a str,
}

/// CONNACK with success.
pub fn connack(out: &mut Vec<u8>, version: Version, announcement: &Announcement) {
    let mut properties = [0_u8; 40];
    let length = if version == Version::V5 {
        announcement.write(&mut properties)
    } else {
        0
    };
    let properties = properties.get(..length).unwrap_or_default();
    out.push(0x20);
    let property_bytes = if version == Version::V5 {
        1 + properties.len()
    } else {
        0
    };
    put_variable(out, 2 + property_bytes);
    out.push(u8::from(announcement.session_present));
    out.push(Reason::SUCCESS.0);
    if version == Version::V5 {
        put_variable(out, properties.len());
        out.extend_from_slice(properties);
    }
}

impl Announcement {
    fn write(&self, mut room: &mut [u8]) -> usize {
        let before = room.len();
        let mut put = |bytes: &[u8]| {
            if let Some((here, rest)) = std::mem::take(&mut room).split_at_mut_checked(bytes.len()) {
                here.copy_from_slice(bytes);
                room = rest;
            }
        };
        if let Some(seconds) = self.session_expiry_s {
            put(&[0x11]);
            put(&seconds.to_be_bytes());
        }
        put(&[0x21]);
        put(&self.receive_maximum.to_be_bytes());
        // Retain, wildcards, subscription identifiers and shared subscriptions are unavailable.
        put(&[0x25, 0, 0x28, 0, 0x29, 0, 0x2A, 0, 0x27]);
        put(&self.maximum_packet_size.to_be_bytes());
        if let Some(seconds) = self.server_keep_alive_s {
            put(&[0x13]);
            put(&seconds.to_be_bytes());
        }
        before - room.len()
    }
}

/// CONNACK that refuses: `reason` on MQTT 5, `code` on 3.1.1.
pub fn connack_refusal(out: &mut Vec<u8>, version: Version, refusal: (Reason, u8), text: &str) {
    let (reason, code) = refusal;
    match version {
        Version::V311 => out.extend_from_slice(&[0x20, 2, 0, code]),
        Version::V5 => {
            let details = Details { code: "", text };
            out.push(0x20);
            put_variable(out, 2 + details.block_length());
            out.extend_from_slice(&[0, reason.0]);
            details.put_block(out);
        }
    }
}

/// PUBACK, PUBREC or PUBCOMP. On 3.1.1 only the packet id is sent.
pub fn acknowledgement(
    out: &mut Vec<u8>,
    version: Version,
    kind: AcknowledgementKind,
    packet_id: u16,
    outcome: &Outcome<'_>,
) {
    out.push(match kind {
        AcknowledgementKind::PubAck => 0x40,
        AcknowledgementKind::PubRec => 0x50,
        AcknowledgementKind::PubComp => 0x70,
    });
    let body = match version {
        Version::V311 => 2,
        Version::V5 => outcome.body_length(),
    };
    put_variable(out, body);
    out.extend_from_slice(&packet_id.to_be_bytes());
    if body > 2 {
        out.push(outcome.reason.0);
    }
    if body > 3 {
        outcome.details().put_block(out);
    }
}

impl<'a> Outcome<'a> {
    /// A bare reason code.
    pub fn of(reason: Reason) -> Self {
        Self {
            reason,
            code: "",
            text: "",
        }
    }

    /// Bytes of the whole MQTT 5 packet, to be compared with what the client takes.
    pub fn size(&self) -> usize {
        let body = self.body_length();
        1 + variable_length(body) + body
    }

    /// What says nothing is left out: first the properties, then the reason.
    fn body_length(&self) -> usize {
        if !self.details().is_empty() {
            3 + self.details().block_length()
        } else if self.reason == Reason::SUCCESS {
            2
        } else {
            3
        }
    }

    fn details(&self) -> Details<'a> {
        Details {
            code: self.code,
            text: self.text,
        }
    }
}

/// SUBACK, with one code per filter.
pub fn suback(out: &mut Vec<u8>, version: Version, packet_id: u16, codes: &[Reason]) {
    out.push(0x90);
    put_codes(out, version, packet_id, codes);
}

/// UNSUBACK; codes are sent on MQTT 5 only.
pub fn unsuback(out: &mut Vec<u8>, version: Version, packet_id: u16, codes: &[Reason]) {
    out.push(0xB0);
    put_codes(
        out,
        version,
        packet_id,
        if version == Version::V5 { codes } else { &[] },
    );
}

fn put_codes(out: &mut Vec<u8>, version: Version, packet_id: u16, codes: &[Reason]) {
    let property_bytes = usize::from(version == Version::V5);
    put_variable(out, 2 + property_bytes + codes.len());
    out.extend_from_slice(&packet_id.to_be_bytes());
    if version == Version::V5 {
        out.push(0);
    }
    out.extend(codes.iter().map(|code| code.0));
}

/// PINGRESP.
pub fn pingresp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xD0, 0]);
}

/// DISCONNECT; only MQTT 5 lets a server send one.
pub fn disconnect(out: &mut Vec<u8>, reason: Reason, text: &str) {
    let details = Details { code: "", text };
    out.push(0xE0);
    // The property length could be left out when it is 0, but rumqttc does not read that.
    put_variable(out, 1 + details.block_length());
    out.push(reason.0);
    details.put_block(out);
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
            Version::V5 => variable_length(self.property_length()) + self.property_length(),
        };
        let payload: usize = self.payload.iter().map(|piece| piece.len()).sum();
        2 + self.topic.len() + id + properties + payload
    }

    fn property_length(&self) -> usize {
        self.correlation_data.map_or(0, |data| 3 + data.len())
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
            put_variable(out, self.property_length());
            if let Some(data) = self.correlation_data {
                out.push(0x09);
                put_binary(out, data);
            }
        }
        for piece in self.payload {
            out.extend_from_slice(piece);
        }
    }
}

/// The properties that explain a "no": user property `code` and reason string, each left out when empty.
struct Details<'a> {
    code: &'a str,
    text: &'a str,
}

impl Details<'_> {
    /// Name of the user property that holds the code.
    const CODE: &'static str = "code";

    fn is_empty(&self) -> bool {
        self.code.is_empty() && self.text.is_empty()
    }

    /// Bytes of the property block, its length field included.
    fn block_length(&self) -> usize {
        let properties = self.property_length();
        variable_length(properties) + properties
    }

    fn property_length(&self) -> usize {
        let code = if self.code.is_empty() {
            0
        } else {
            5 + Self::CODE.len() + self.code.len()
        };
        let text = if self.text.is_empty() { 0 } else { 3 + self.text.len() };
        code + text
    }

    fn put_block(&self, out: &mut Vec<u8>) {
        put_variable(out, self.property_length());
        if !self.text.is_empty() {
            out.push(0x1F);
            put_binary(out, self.text.as_bytes());
        }
        if !self.code.is_empty() {
            out.push(0x26);
            put_binary(out, Self::CODE.as_bytes());
            put_binary(out, self.code.as_bytes());
        }
    }
}

fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes.get(..usize::from(length)).unwrap_or(bytes));
}

fn variable_length(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

fn put_variable(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0x7f);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}
