//! The client's side of MQTT on the wire, borrowed both ways (OASIS MQTT 3.1.1 and 5.0). On 5 it sends no properties and
//! reads over those it gets.

use std::io;

use super::{PACKET_MAX, Packet, broken};

/// PINGREQ is never needed: no run is longer than this.
pub(crate) const KEEP_ALIVE_S: u16 = 900;

/// DISCONNECT.
pub(super) const DISCONNECT: &[u8] = &[0xe0, 0];

/// Which MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V311,
    V5,
}

/// How to connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connect<'a> {
    pub(crate) client_id: &'a str,
    /// User name and password.
    pub(crate) credentials: Option<(&'a str, &'a str)>,
    pub(crate) clean: bool,
    pub(crate) version: Version,
}

/// Appends CONNECT.
pub(crate) fn connect(out: &mut Vec<u8>, connect: &Connect<'_>) {
    let mut body = Vec::with_capacity(256);
    text(&mut body, "MQTT");
    body.push(match connect.version {
        Version::V311 => 4,
        Version::V5 => 5,
    });
    let with_credentials = if connect.credentials.is_some() { 0xc0 } else { 0 };
    body.push(with_credentials | u8::from(connect.clean) << 1);
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    no_properties(&mut body, connect.version);
    text(&mut body, connect.client_id);
    if let Some((username, password)) = connect.credentials {
        text(&mut body, username);
        text(&mut body, password);
    }
    packet(out, 0x10, &body);
}

fn no_properties(body: &mut Vec<u8>, version: Version) {
    if version == Version::V5 {
        body.push(0);
    }
}

/// Appends SUBSCRIBE of one filter with QoS 1, on 5 with No Local.
pub(crate) fn subscribe(out: &mut Vec<u8>, filter: &str, version: Version) {
    let mut body = vec![0, 1];
    no_properties(&mut body, version);
    text(&mut body, filter);
    body.push(match version {
        Version::V311 => 1,
        Version::V5 => 0b101,
    });
    packet(out, 0x82, &body);
}

/// A PUBLISH with QoS 1, and where its packet id and its payload begin.
pub(crate) fn publish(topic: &str, payload: &[u8], version: Version) -> (Vec<u8>, usize, usize) {
    let mut body = Vec::new();
    text(&mut body, topic);
    body.extend([0, 0]);
    no_properties(&mut body, version);
    let mut out = Vec::new();
    let header = body.len();
    body.extend(payload);
    packet(&mut out, 0x32, &body);
    let payload_at = out.len() - payload.len();
    debug_assert!(payload_at >= header, "the payload follows the header");
    let id_bytes = if version == Version::V5 { 3 } else { 2 };
    (out, payload_at - id_bytes, payload_at)
}

/// Appends PUBACK; nothing for 0, which needs none.
pub(crate) fn puback(out: &mut Vec<u8>, id: u16) {
    if id == 0 {
        return;
    }
    let [high, low] = id.to_be_bytes();
    out.extend([0x40, 2, high, low]);
}

fn text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend(&text.as_bytes()[..usize::from(length)]);
}

fn packet(out: &mut Vec<u8>, first: u8, body: &[u8]) {
    out.push(first);
    let mut left = body.len();
    loop {
        let byte = (left & 0x7f).to_le_bytes()[0];
        left >>= 7;
        out.push(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            break;
        }
    }
    out.extend(body);
}

/// The first packet of the bytes and how many bytes it takes; `None` while it is not whole.
///
/// # Errors
/// `InvalidData` when the bytes are no MQTT.
pub(super) fn decode(bytes: &[u8], version: Version) -> io::Result<Option<(Packet<'_>, usize)>> {
    let Some((length, size)) = remaining_length(bytes)? else {
        return Ok(None);
    };
    let end = 1 + size + length;
    let Some(body) = bytes.get(1 + size..end) else {
        return Ok(None);
    };
    let packet = read(bytes[0], body, version).ok_or_else(|| broken("a packet is too short"))?;
    Ok(Some((packet, end)))
}

/// The length of a property block and how many bytes say it.
fn property_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

fn remaining_length(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let mut value = 0;
    for (at, byte) in bytes.iter().skip(1).take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return if value > PACKET_MAX {
                Err(broken("a packet is too long"))
            } else {
                Ok(Some((value, at + 1)))
            };
        }
    }
    if bytes.len() > 4 {
        return Err(broken("a packet's length has no end"));
    }
    Ok(None)
}

fn read(first: u8, body: &[u8], version: Version) -> Option<Packet<'_>> {
    let number = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let after_properties = |at: usize| match version {
        Version::V311 => Some(at),
        Version::V5 => {
            let (length, size) = property_length(body.get(at..)?)?;
            Some(at + size + length)
        }
    };
    Some(match first >> 4 {
        2 => Packet::ConnAck { code: *body.get(1)? },
        3 => {
            let topic_end = 2 + usize::from(number(0)?);
            let (id, payload_at) = if first & 0b110 == 0 {
                (0, topic_end)
            } else {
                (number(topic_end)?, topic_end + 2)
            };
            Packet::Publish {
                id,
                payload: body.get(after_properties(payload_at)?..)?,
            }
        }
        4 => Packet::PubAck { id: number(0)? },
        9 => Packet::SubAck {
            code: *body.get(after_properties(2)?)?,
        },
        _ => Packet::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_reads_back_with_id_and_payload_where_they_were_promised() {
        let versions = [Version::V311, Version::V5];
        let cases = versions.map(|version| [0, 1, 90, 200, 20_000].map(|length| (version, length)));
        for (version, length) in cases.concat() {
            let payload = vec![b'x'; length];
            let (mut bytes, id_at, payload_at) = publish("u/1", &payload, version);
            bytes[id_at..id_at + 2].copy_from_slice(&513_u16.to_be_bytes());
            assert_eq!(bytes[payload_at..], payload);
            let (packet, end) = decode(&bytes, version).expect("MQTT").expect("whole");
            assert_eq!(end, bytes.len());
            assert_eq!(
                packet,
                Packet::Publish {
                    id: 513,
                    payload: &payload
                }
            );
            assert_eq!(decode(&bytes[..bytes.len() - 1], version).expect("MQTT"), None);
        }
    }

    #[test]
    fn answers_are_read_and_nonsense_is_refused() {
        let two = [0x20, 2, 1, 0, 0x90, 3, 0, 1, 0x80];
        let (packet, end) = decode(&two, Version::V311).expect("MQTT").expect("whole");
        assert_eq!(packet, Packet::ConnAck { code: 0 });
        let (packet, _) = decode(&two[end..], Version::V311).expect("MQTT").expect("whole");
        assert_eq!(packet, Packet::SubAck { code: 0x80 });
        assert!(decode(&[0x30, 0xff, 0xff, 0xff, 0xff], Version::V311).is_err());
        assert!(decode(&[0x40, 1, 0], Version::V311).is_err());
        let (packet, _) = decode(&[0x90, 5, 0, 1, 1, 0x1f, 1], Version::V5)
            .expect("MQTT")
            .expect("whole");
        assert_eq!(packet, Packet::SubAck { code: 1 });
    }
}
