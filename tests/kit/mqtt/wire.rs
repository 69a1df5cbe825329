//! The client's side of MQTT 3.1.1 and 5 on the wire: just the packets stories need (OASIS MQTT 3.1.1 and 5.0).

use bytes::{Buf as _, BytesMut};

use super::Login;

/// The protocol's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1.
    V4,
    /// 5.
    V5,
}

/// A packet from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The answer to CONNECT.
    ConnAck { code: u8, session_present: bool },
    /// A delivery.
    Publish {
        topic: String,
        payload: Vec<u8>,
        id: u16,
        qos: u8,
        dup: bool,
    },
    /// QoS 1 publish taken or refused (0 on version 3.1.1).
    PubAck { id: u16, reason: u8 },
    /// QoS 2, first half.
    PubRec { id: u16, reason: u8 },
    /// QoS 2, end.
    PubComp { id: u16 },
    /// The answer to a subscription of one filter.
    SubAck { id: u16, code: u8 },
    /// The answer to UNSUBSCRIBE.
    UnsubAck { id: u16 },
    /// The answer to PINGREQ.
    Pong,
    /// Goodbye with a reason (version 5).
    Disconnect { reason: u8 },
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
    out.extend(text);
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut left = body.len();
    loop {
        let byte = u8::try_from(left % 128).expect("below 128");
        left /= 128;
        out.push(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            break;
        }
    }
    out.extend(body);
    out
}

pub(super) fn connect(login: &Login) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, b"MQTT");
    body.push(if login.version == Version::V4 { 4 } else { 5 });
    body.push(0xc0 | u8::from(login.clean) << 1);
    body.extend(login.keep_alive_s.to_be_bytes());
    if login.version == Version::V5 {
        let mut properties = vec![0x11];
        properties.extend(login.expiry_s.to_be_bytes());
        if login.receive_max > 0 {
            properties.push(0x21);
            properties.extend(login.receive_max.to_be_bytes());
        }
        body.push(u8::try_from(properties.len()).expect("short"));
        body.extend(properties);
    }
    for part in [&login.client_id, &login.username, &login.password] {
        text(&mut body, part.as_bytes());
    }
    packet(0x10, &body)
}

pub(super) fn subscribe(version: Version, id: u16, filter: &str, qos: u8) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    text(&mut body, filter.as_bytes());
    body.push(qos);
    packet(0x82, &body)
}

pub(super) fn publish(version: Version, (topic, qos): (&str, u8), id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic.as_bytes());
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(payload);
    packet(0x30 | qos << 1, &body)
}

/// A publication of QoS 1 on version 5 with a Message Expiry Interval.
pub(super) fn publish_expiring(topic: &str, id: u16, payload: &[u8], seconds: u32) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic.as_bytes());
    body.extend(id.to_be_bytes());
    body.extend([5, 2]);
    body.extend(seconds.to_be_bytes());
    body.extend(payload);
    packet(0x32, &body)
}

pub(super) fn puback(id: u16) -> Vec<u8> {
    packet(0x40, &id.to_be_bytes())
}

fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// Takes one packet off the buffer, if it is there whole.
pub(super) fn decode(version: Version, buffer: &mut BytesMut) -> Option<Event> {
    let (length, size) = varint(buffer.get(1..)?)?;
    if buffer.len() < 1 + size + length {
        return None;
    }
    let first = buffer[0];
    buffer.advance(1 + size);
    let body = buffer.split_to(length);
    Some(read(version, first, &body))
}

fn read(version: Version, first: u8, body: &[u8]) -> Event {
    let id = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    let reason = || body.get(2).copied().unwrap_or_default();
    match first >> 4 {
        2 => Event::ConnAck {
            session_present: body[0] & 1 == 1,
            code: body[1],
        },
        3 => read_publish(version, first, body),
        4 => Event::PubAck {
            id: id(0),
            reason: reason(),
        },
        5 => Event::PubRec {
            id: id(0),
            reason: reason(),
        },
        7 => Event::PubComp { id: id(0) },
        9 => Event::SubAck {
            id: id(0),
            code: *body.last().expect("a code"),
        },
        11 => Event::UnsubAck { id: id(0) },
        13 => Event::Pong,
        14 => Event::Disconnect {
            reason: body.first().copied().unwrap_or_default(),
        },
        other => panic!("a server never sends packet type {other}"),
    }
}

fn read_publish(version: Version, first: u8, body: &[u8]) -> Event {
    let qos = first >> 1 & 3;
    let topic_length = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let mut at = 2 + topic_length;
    let topic = String::from_utf8(body[2..at].to_vec()).expect("topics are UTF-8");
    let mut id = 0;
    if qos > 0 {
        id = u16::from_be_bytes([body[at], body[at + 1]]);
        at += 2;
    }
    if version == Version::V5 {
        let (length, size) = varint(&body[at..]).expect("properties");
        at += size + length;
    }
    Event::Publish {
        topic,
        payload: body[at..].to_vec(),
        id,
        qos,
        dup: first & 8 != 0,
    }
}
