//! Bytes to packets and back, for the server's side of MQTT 3.1.1 and MQTT 5.
//!
//! Decoding borrows: a [`Packet`] points into the bytes it was read from and allocates nothing. The size limit is
//! checked on the fixed header, before a body is waited for. Everything the specifications call malformed is a
//! [`DecodeError`] that knows its MQTT 5 reason code.

pub mod acknowledgement;
pub mod connect;
pub mod disconnect;
pub mod error;
pub mod frame;
pub mod properties;
pub mod publish;
mod read;
pub mod reason;
pub mod subscribe;
pub mod topic;
pub mod write;

pub use acknowledgement::Acknowledgement;
pub use connect::{Connect, Will};
pub use disconnect::Disconnect;
pub use error::DecodeError;
pub use frame::Frame;
pub use properties::UserProperties;
pub use publish::Publish;
pub use reason::Reason;
pub use subscribe::{Subscribe, Unsubscribe};

/// Which specification a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5, protocol level 5.
    V5,
}

/// How surely a message is handed over.
#[expect(clippy::enum_variant_names, reason = "the names of the specification")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QoS {
    /// 0: no answer.
    AtMostOnce,
    /// 1: PUBACK.
    AtLeastOnce,
    /// 2: PUBREC, PUBREL, PUBCOMP.
    ExactlyOnce,
}

impl QoS {
    /// From the two bits of the wire.
    ///
    /// # Errors
    /// `Malformed` for 3.
    pub fn from_bits(bits: u8) -> Result<Self, DecodeError> {
        match bits {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            _ => Err(DecodeError::Malformed("QoS 3")),
        }
    }

    /// The two bits of the wire.
    pub fn bits(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }
}

/// A packet a client may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Opens the session.
    Connect(Connect<'a>),
    /// A publication of the client.
    Publish(Publish<'a>),
    /// The client has a QoS 1 delivery.
    PubAck(Acknowledgement),
    /// First answer to a QoS 2 delivery.
    PubRec(Acknowledgement),
    /// The client releases the packet id of a QoS 2 publication.
    PubRel(Acknowledgement),
    /// Last answer to a QoS 2 delivery.
    PubComp(Acknowledgement),
    /// Asks for subscriptions.
    Subscribe(Subscribe<'a>),
    /// Gives subscriptions up.
    Unsubscribe(Unsubscribe<'a>),
    /// Shows that the client is there.
    PingReq,
    /// Ends the session in order.
    Disconnect(Disconnect),
    /// Extended authentication (MQTT 5).
    Auth,
}

/// Reads the packet inside `frame`. The version of a CONNECT is in the packet itself; `version` rules the others.
pub fn decode(frame: Frame<'_>, version: Version) -> Result<Packet<'_>, DecodeError> {
    let Frame { kind, flags, body, .. } = frame;
    check_flags(kind, flags)?;
    Ok(match kind {
        1 => Packet::Connect(connect::decode(body)?),
        3 => Packet::Publish(publish::decode(flags, body, version)?),
        4 => Packet::PubAck(acknowledgement::decode(body, version)?),
        5 => Packet::PubRec(acknowledgement::decode(body, version)?),
        6 => Packet::PubRel(acknowledgement::decode(body, version)?),
        7 => Packet::PubComp(acknowledgement::decode(body, version)?),
        8 => Packet::Subscribe(subscribe::decode(body, version)?),
        10 => Packet::Unsubscribe(subscribe::decode_unsubscribe(body, version)?),
        12 if body.is_empty() => Packet::PingReq,
        12 => return Err(DecodeError::Malformed("PINGREQ with a body")),
        14 => Packet::Disconnect(disconnect::decode(body, version)?),
        15 if version == Version::V5 => Packet::Auth,
        _ => return Err(DecodeError::Protocol("a packet type clients do not send")),
    })
}

/// The low four bits of the first byte are fixed for every packet but PUBLISH.
fn check_flags(kind: u8, flags: u8) -> Result<(), DecodeError> {
    let fixed = match kind {
        3 => return Ok(()),
        6 | 8 | 10 => 0b0010,
        _ => 0,
    };
    if flags == fixed {
        Ok(())
    } else {
        Err(DecodeError::Malformed("reserved flags of the fixed header"))
    }
}
