//! Why bytes are not a packet, and which reason code says so.

use crate::codec::reason::Reason;

/// The bytes are not a packet this server reads. The connection ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not parseable according to the specification.
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    /// Parseable, but not allowed here.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// Larger than the limit; known from the fixed header alone.
    #[error("a packet of {size} bytes, the limit is {max}")]
    TooLarge {
        /// Bytes of the whole packet.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A protocol level other than 4 and 5.
    #[error("protocol level {0} is not supported")]
    UnsupportedVersion(u8),
    /// A topic name with wildcards.
    #[error("not a topic name")]
    TopicName,
    /// A topic alias that is 0 or above the announced maximum.
    #[error("a topic alias outside the announced range")]
    TopicAlias,
}

impl DecodeError {
    /// One sentence for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Malformed(what) | Self::Protocol(what) => what,
            Self::TooLarge { .. } => "larger than the announced Maximum Packet Size",
            Self::UnsupportedVersion(_) => "only MQTT 3.1.1 and 5 are spoken here",
            Self::TopicName => "not a topic name",
            Self::TopicAlias => "a topic alias outside the announced range",
        }
    }

    /// The MQTT 5 reason code.
    pub fn reason(self) -> Reason {
        match self {
            Self::Malformed(_) => Reason::MALFORMED_PACKET,
            Self::Protocol(_) => Reason::PROTOCOL_ERROR,
            Self::TooLarge { .. } => Reason::PACKET_TOO_LARGE,
            Self::UnsupportedVersion(_) => Reason::UNSUPPORTED_PROTOCOL_VERSION,
            Self::TopicName => Reason::TOPIC_NAME_INVALID,
            Self::TopicAlias => Reason::TOPIC_ALIAS_INVALID,
        }
    }
}
