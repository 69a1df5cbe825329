//! What client and server say to one another, in MQTT or in XMPP, borrowed both ways.

mod mqtt;
pub(crate) mod xmpp;

use std::io;

pub(crate) use mqtt::{Connect, KEEP_ALIVE_S, Version, connect, puback, publish, subscribe};

/// Largest packet a server may send us; more is a broken stream.
const PACKET_MAX: usize = 8 << 20;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Mqtt,
    /// MQTT 5, subscribing with No Local.
    Mqtt5,
    Xmpp,
}

/// What comes from the server in one piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// The answer to CONNECT.
    ConnAck { code: u8 },
    /// A delivery; `id` is 0 when it is not to be acknowledged. In XMPP the payload is the whole `<message/>`.
    Publish { id: u16, payload: &'a [u8] },
    /// The answer to a publication with QoS 1.
    PubAck { id: u16 },
    /// The answer to a subscription of one filter.
    SubAck { code: u8 },
    /// A `<message/>` of type `error`: the server did not take what was sent.
    Refused,
    /// An element of an XMPP stream that is no message.
    Element(&'a [u8]),
    /// Anything else.
    Other,
}

impl Language {
    /// The first packet of the bytes and how many bytes it takes; `None` while it is not whole.
    ///
    /// # Errors
    /// `InvalidData` when the bytes are nothing in this language.
    pub(crate) fn decode(self, bytes: &[u8]) -> io::Result<Option<(Packet<'_>, usize)>> {
        match self {
            Self::Mqtt => mqtt::decode(bytes, Version::V311),
            Self::Mqtt5 => mqtt::decode(bytes, Version::V5),
            Self::Xmpp => xmpp::decode(bytes),
        }
    }

    /// The same with No Local, where there is that.
    pub(crate) fn with_no_local(self, no_local: bool) -> Self {
        if no_local && self == Self::Mqtt {
            Self::Mqtt5
        } else {
            self
        }
    }

    /// What is said last.
    pub(crate) fn goodbye(self) -> &'static [u8] {
        match self {
            Self::Mqtt | Self::Mqtt5 => mqtt::DISCONNECT,
            Self::Xmpp => xmpp::GOODBYE,
        }
    }

    /// Whether a sender learns that its message was taken. In XMPP there are no acknowledgements unless they are asked for
    /// (XEP-0198), and they are not.
    pub(crate) fn acknowledges(self) -> bool {
        self != Self::Xmpp
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
