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
    /// A topic alias, although none is announced.
    #[error("topic aliases are not available")]
    TopicAlias,
}

impl DecodeError {
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
