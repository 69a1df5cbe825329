//! The packets the server sends, written to the end of a buffer.
//!
//! Lengths are known before the first byte is written, so nothing is moved and nothing is allocated beyond `out`.

mod connack;
mod delivery;

use crate::codec::{Reason, Version};
pub use connack::{Announcement, connack, connack_refusal};
pub use delivery::{Delivery, DeliveryProperties};

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
    /// More user properties, a [`UserPropertyBlock`].
    pub properties: &'a [u8],
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
            properties: &[],
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
            server_reference: "",
            properties: self.properties,
        }
    }
}

/// Why a connection ends or does not begin.
#[derive(Clone, Copy, Debug)]
pub struct Farewell<'a> {
    /// The reason code.
    pub reason: Reason,
    /// The reason string; empty is none.
    pub text: &'a str,
    /// Where the client should go instead; empty is nowhere.
    pub server_reference: &'a str,
}

impl<'a> Farewell<'a> {
    /// As much of it as fits a client that takes packets of `packet_bytes_max`: the text goes first.
    #[must_use]
    pub fn fitting(self, packet_bytes_max: usize) -> Self {
        let without_text = Self { text: "", ..self };
        let bare = Self {
            server_reference: "",
            ..without_text
        };
        // A CONNACK has one byte more than a DISCONNECT.
        let fits = |farewell: &Self| {
            let body = 2 + farewell.details().block_length();
            1 + variable_length(body) + body <= packet_bytes_max
        };
        [self, without_text].into_iter().find(fits).unwrap_or(bare)
    }

    fn details(&self) -> Details<'a> {
        Details {
            code: "",
            text: self.text,
            server_reference: self.server_reference,
            properties: &[],
        }
    }
}

/// SUBACK, with one code per filter. `text` explains on MQTT 5 those that are a no; empty is none.
pub fn suback(out: &mut Vec<u8>, version: Version, packet_id: u16, codes: &[Reason], text: &str) {
    out.push(0x90);
    put_codes(out, version, packet_id, codes, text);
}

/// UNSUBACK; codes and `text` are sent on MQTT 5 only.
pub fn unsuback(out: &mut Vec<u8>, version: Version, packet_id: u16, codes: &[Reason], text: &str) {
    out.push(0xB0);
    let codes = if version == Version::V5 { codes } else { &[] };
    put_codes(out, version, packet_id, codes, text);
}

/// Bytes of a whole SUBACK or UNSUBACK of MQTT 5.
pub fn codes_size(codes: &[Reason], text: &str) -> usize {
    let body = 2 + explanation(text).block_length() + codes.len();
    1 + variable_length(body) + body
}

fn explanation(text: &str) -> Details<'_> {
    Details {
        code: "",
        text,
        server_reference: "",
        properties: &[],
    }
}

fn put_codes(out: &mut Vec<u8>, version: Version, packet_id: u16, codes: &[Reason], text: &str) {
    let details = explanation(text);
    let property_bytes = match version {
        Version::V311 => 0,
        Version::V5 => details.block_length(),
    };
    put_variable(out, 2 + property_bytes + codes.len());
    out.extend_from_slice(&packet_id.to_be_bytes());
    if version == Version::V5 {
        details.put_block(out);
    }
    out.extend(codes.iter().map(|code| code.0));
}

/// PINGRESP.
pub fn pingresp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xD0, 0]);
}

/// DISCONNECT; only MQTT 5 lets a server send one.
pub fn disconnect(out: &mut Vec<u8>, farewell: &Farewell<'_>) {
    let details = farewell.details();
    out.push(0xE0);
    // The property length could be left out when it is 0, but rumqttc does not read that.
    put_variable(out, 1 + details.block_length());
    out.push(farewell.reason.0);
    details.put_block(out);
}

/// User properties as they stand in a packet.
#[derive(Clone, Debug, Default)]
pub struct UserPropertyBlock(pub(crate) Vec<u8>);

impl UserPropertyBlock {
    /// Adds one; name and value are cut at 65,535 bytes.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        self.0.push(0x26);
        put_binary(&mut self.0, name.as_bytes());
        put_binary(&mut self.0, value.as_bytes());
    }
}

/// The properties of an answer: the user property `code`, reason string and server reference that explain a "no", and
/// others, each left out when empty.
struct Details<'a> {
    code: &'a str,
    text: &'a str,
    server_reference: &'a str,
    properties: &'a [u8],
}

impl Details<'_> {
    /// Name of the user property that holds the code.
    const CODE: &'static str = "code";

    fn is_empty(&self) -> bool {
        self.property_length() == 0
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
        let text = |text: &str| if text.is_empty() { 0 } else { 3 + text.len() };
        code + text(self.text) + text(self.server_reference) + self.properties.len()
    }

    fn put_block(&self, out: &mut Vec<u8>) {
        put_variable(out, self.property_length());
        if !self.server_reference.is_empty() {
            out.push(0x1C);
            put_binary(out, self.server_reference.as_bytes());
        }
        if !self.text.is_empty() {
            out.push(0x1F);
            put_binary(out, self.text.as_bytes());
        }
        if !self.code.is_empty() {
            out.push(0x26);
            put_binary(out, Self::CODE.as_bytes());
            put_binary(out, self.code.as_bytes());
        }
        out.extend_from_slice(self.properties);
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
