//! What is said: one chat envelope, built once per sender, in which only an id changes; and that id found again.

use std::fs;

use crate::wire::{self, Language, Version, xmpp};

/// Text of a message, in bytes.
pub(crate) const BODY_BYTES: usize = 200;
const TAG: usize = 8;
const SENDER: usize = 6;
const NUMBER: usize = 8;
/// `tag-sender-number`, all hexadecimal.
const ID: usize = TAG + 1 + SENDER + 1 + NUMBER;

/// Tells the messages of one run from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag([u8; TAG + 1]);

impl Tag {
    /// One that was never used.
    pub(crate) fn fresh() -> anyhow::Result<Self> {
        let uuid = fs::read("/proc/sys/kernel/random/uuid")?;
        let mut tag = [b'-'; TAG + 1];
        let digits = uuid
            .get(..TAG)
            .ok_or_else(|| anyhow::anyhow!("the kernel gives no random number"))?;
        tag[..TAG].copy_from_slice(digits);
        Ok(Self(tag))
    }
}

/// Who says it, to whom, in which language, and by which topic: in XMPP the address of the receiver or the room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address<'a> {
    pub(crate) language: Language,
    pub(crate) topic: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

/// A PUBLISH or a `<message/>` ready to be sent again and again under other ids.
#[derive(Debug)]
pub(crate) struct Draft {
    packet: Vec<u8>,
    /// XMPP has none.
    packet_id_at: Option<usize>,
    number_at: usize,
}

impl Draft {
    /// The draft of the sender with this index.
    pub(crate) fn new(tag: Tag, sender: usize, address: &Address<'_>) -> Self {
        let tag = String::from_utf8_lossy(&tag.0);
        let id = format!("{tag}{sender:06x}-{:08x}", 0);
        let text: String = ('a'..='z').cycle().take(BODY_BYTES).collect();
        match address.language {
            Language::Mqtt => Self::envelope(&id, &text, (address, Version::V311)),
            Language::Mqtt5 => Self::envelope(&id, &text, (address, Version::V5)),
            Language::Xmpp => Self::message(&id, &text, address.topic),
        }
    }

    fn message(id: &str, text: &str, to: &str) -> Self {
        let packet = xmpp::message(to, id, text);
        // The id stands nowhere else: it begins with a random tag.
        let id_at = packet.find(id).unwrap_or_default();
        Self {
            packet: packet.into_bytes(),
            packet_id_at: None,
            number_at: id_at + ID - NUMBER,
        }
    }

    fn envelope(id: &str, text: &str, (address, version): (&Address<'_>, Version)) -> Self {
        let Address { topic, from, to, .. } = address;
        let before = "{\"id\":\"";
        let payload = format!(
            "{before}{id}\",\"from\":\"{from}\",\"to\":\"{to}\",\"target\":\"\",\"type\":0,\
             \"content\":{{\"text\":\"{text}\"}},\"timestamp\":1700000000000,\"isBackground\":false}}"
        );
        let (packet, packet_id_at, payload_at) = wire::publish(topic, payload.as_bytes(), version);
        Self {
            packet,
            packet_id_at: Some(packet_id_at),
            number_at: payload_at + before.len() + ID - NUMBER,
        }
    }

    /// The packet that carries this number of its sender.
    pub(crate) fn numbered(&mut self, number: u32) -> &[u8] {
        if let Some(at) = self.packet_id_at {
            // Packet ids go around without 0; nobody has 65,535 in flight.
            let id = u16::try_from(number % 65_535 + 1).unwrap_or(1);
            self.packet[at..at + 2].copy_from_slice(&id.to_be_bytes());
        }
        let digits = &mut self.packet[self.number_at..self.number_at + NUMBER];
        for (at, digit) in digits.iter_mut().rev().enumerate() {
            let nibble = (number >> (4 * at)).to_le_bytes()[0] & 0xf;
            *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        }
        &self.packet
    }

    /// Bytes of the payload as it is sent.
    #[cfg(test)]
    fn payload(&self) -> &[u8] {
        &self.packet[self.packet_id_at.map_or(0, |at| at + 2)..]
    }
}

/// Sender and number in a payload of this run; `None` for anything else.
pub(crate) fn find(tag: Tag, payload: &[u8]) -> Option<(usize, u32)> {
    // The id is among the first fields with every server, so this looks at a few bytes only.
    let at = payload.windows(TAG + 1).position(|window| window == tag.0)?;
    let id = payload.get(at..at + ID)?;
    let sender = hexadecimal(&id[TAG + 1..TAG + 1 + SENDER])?;
    let number = hexadecimal(&id[ID - NUMBER..])?;
    Some((usize::try_from(sender).ok()?, number))
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | digit)
    })
}

/// Whether an entry says that the platform refused a draft of its reader.
pub(crate) fn is_refusal(payload: &[u8]) -> bool {
    let mark = b"\"refused\"";
    payload.windows(mark.len()).any(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_found_again_and_the_envelope_stays_json() {
        let tag = Tag::fresh().expect("a random number");
        let address = Address {
            language: Language::Mqtt,
            topic: "im/x/outbox",
            from: "a",
            to: "b",
        };
        let mut draft = Draft::new(tag, 0x1234, &address);
        for number in [0, 1, 15, 16, 65_534, 65_535, 0xdead_beef] {
            draft.numbered(number);
            assert_eq!(find(tag, draft.payload()), Some((0x1234, number)));
            let value: serde_json::Value = serde_json::from_slice(draft.payload()).expect("JSON");
            assert_eq!(value["content"]["text"].as_str().map(str::len), Some(BODY_BYTES));
        }
        assert!(!is_refusal(draft.payload()));
        assert!(is_refusal(br#"{"seq":3,"refused":{"id":"1"}}"#));
        let other = Tag(*b"zzzzzzzz-");
        assert_eq!(find(other, draft.payload()), None);
    }

    #[test]
    fn every_number_is_found_again_in_an_xmpp_message() {
        let tag = Tag::fresh().expect("a random number");
        let address = Address {
            language: Language::Xmpp,
            topic: "bench-000001@localhost",
            from: "bench-000000",
            to: "bench-000001",
        };
        let mut draft = Draft::new(tag, 7, &address);
        for number in [0, 0xabc, u32::MAX] {
            let stanza = draft.numbered(number);
            assert_eq!(find(tag, stanza), Some((7, number)));
            assert_eq!(xmpp::attribute(stanza, b"to"), Some(&b"bench-000001@localhost"[..]));
        }
    }
}
