//! Packets as bytes: what a client writes, and what it finds on its socket.

use godwit_broker::codec::{QoS, Version};

pub(crate) const BOTH: [Version; 2] = [Version::V311, Version::V5];

/// A packet of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    ConnAck {
        present: bool,
        code: u8,
    },
    Publish {
        topic: String,
        qos: u8,
        dup: bool,
        id: u16,
        payload: Vec<u8>,
    },
    PubAck(u16, u8),
    PubRec(u16, u8),
    PubComp(u16, u8),
    SubAck(u16, Vec<u8>),
    UnsubAck(u16, Vec<u8>),
    PingResp,
    Disconnect(u8),
}

pub(crate) fn see(bytes: &[u8], version: Version) -> (Seen, usize) {
    let (mut length, mut at) = (0, 1);
    loop {
        length |= usize::from(bytes[at] & 0x7f) << (7 * (at - 1));
        at += 1;
        if bytes[at - 1] & 0x80 == 0 {
            break;
        }
    }
    let body = &bytes[at..at + length];
    let two = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    let reason = || body.get(2).copied().unwrap_or(0);
    let five = version == Version::V5;
    let seen = match bytes[0] >> 4 {
        2 => Seen::ConnAck {
            present: body[0] == 1,
            code: body[1],
        },
        3 => see_publish(bytes[0], body, five),
        4 => Seen::PubAck(two(0), reason()),
        5 => Seen::PubRec(two(0), reason()),
        7 => Seen::PubComp(two(0), reason()),
        9 => Seen::SubAck(two(0), codes(body, five)),
        11 => Seen::UnsubAck(two(0), codes(body, five)),
        13 => Seen::PingResp,
        14 => Seen::Disconnect(body[0]),
        other => panic!("packet type {other}"),
    };
    (seen, at + length)
}

/// The codes behind the packet id, and on 5 behind the properties.
fn codes(body: &[u8], five: bool) -> Vec<u8> {
    let properties = if five { 1 + usize::from(body[2]) } else { 0 };
    body[2 + properties..].to_vec()
}

fn see_publish(first: u8, body: &[u8], five: bool) -> Seen {
    let topic_end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
    let topic = String::from_utf8(body[2..topic_end].to_vec()).expect("UTF-8");
    let qos = first >> 1 & 0b11;
    let mut at = topic_end;
    let id = if qos == 0 {
        0
    } else {
        u16::from_be_bytes([body[at], body[at + 1]])
    };
    at += if qos == 0 { 0 } else { 2 };
    at += if five { 1 + usize::from(body[at]) } else { 0 };
    Seen::Publish {
        topic,
        qos,
        dup: first & 8 != 0,
        id,
        payload: body[at..].to_vec(),
    }
}

/// What a CONNECT says.
pub(crate) struct Connect {
    pub(crate) clean_start: bool,
    pub(crate) keep_alive_s: u16,
    pub(crate) client_id: &'static str,
    pub(crate) login: Option<(&'static str, &'static [u8])>,
    pub(crate) properties: Vec<u8>,
    pub(crate) will: bool,
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            clean_start: true,
            keep_alive_s: 60,
            client_id: "phone",
            login: Some(("ann", b"token")),
            properties: Vec::new(),
            will: false,
        }
    }
}

impl Connect {
    pub(crate) fn bytes(&self, version: Version) -> Vec<u8> {
        let five = version == Version::V5;
        let mut body = b"\x00\x04MQTT".to_vec();
        body.push(if five { 5 } else { 4 });
        let flags = u8::from(self.clean_start) << 1 | u8::from(self.will) << 2;
        body.push(flags | if self.login.is_some() { 0xc0 } else { 0 });
        body.extend(self.keep_alive_s.to_be_bytes());
        if five {
            body.push(u8::try_from(self.properties.len()).expect("short"));
            body.extend(&self.properties);
        }
        put(&mut body, self.client_id.as_bytes());
        if self.will {
            if five {
                body.push(0);
            }
            put(&mut body, b"im/ann/outbox");
            put(&mut body, b"gone");
        }
        if let Some((user, password)) = self.login {
            put(&mut body, user.as_bytes());
            put(&mut body, password);
        }
        packet(0x10, &body)
    }
}

pub(crate) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u16::try_from(bytes.len()).expect("short").to_be_bytes());
    out.extend(bytes);
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut length = body.len();
    loop {
        let low = u8::try_from(length & 0x7f).expect("seven bits");
        length >>= 7;
        out.push(if length == 0 { low } else { low | 0x80 });
        if length == 0 {
            break;
        }
    }
    out.extend(body);
    out
}

/// PUBLISH; `flags` are added to the first byte.
pub(crate) fn publish(version: Version, topic: &str, qos: QoS, id: u16, flags: u8) -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, topic.as_bytes());
    if qos != QoS::AtMostOnce {
        body.extend(id.to_be_bytes());
    }
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(format!("message {id}").bytes());
    packet(0x30 | qos.bits() << 1 | flags, &body)
}

pub(crate) fn draft(version: Version, qos: QoS, id: u16) -> Vec<u8> {
    publish(version, "im/ann/outbox", qos, id, 0)
}

pub(crate) fn subscribe(version: Version, id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    for (filter, qos) in filters {
        put(&mut body, filter.as_bytes());
        body.push(*qos);
    }
    packet(0x82, &body)
}

pub(crate) fn unsubscribe(version: Version, id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    for filter in filters {
        put(&mut body, filter.as_bytes());
    }
    packet(0xa2, &body)
}

pub(crate) fn puback(id: u16) -> Vec<u8> {
    packet(0x40, &id.to_be_bytes())
}

pub(crate) fn pubrel(id: u16) -> Vec<u8> {
    packet(0x62, &id.to_be_bytes())
}

pub(crate) const PINGREQ: [u8; 2] = [0xc0, 0];
pub(crate) const DISCONNECT: [u8; 2] = [0xe0, 0];
