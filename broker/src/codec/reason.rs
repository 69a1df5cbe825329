//! The reason codes of MQTT 5 (OASIS MQTT 5.0, 2.4) this server sends.

/// One byte that says how something ended; 0x80 and above is a no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason(pub u8);

impl Reason {
    /// Done; for SUBACK also "granted QoS 0", for DISCONNECT "normal".
    pub const SUCCESS: Self = Self(0x00);
    /// UNSUBACK: there was no such subscription.
    pub const NO_SUBSCRIPTION_EXISTED: Self = Self(0x11);
    /// No reason given.
    pub const UNSPECIFIED: Self = Self(0x80);
    /// The bytes are not a packet.
    pub const MALFORMED_PACKET: Self = Self(0x81);
    /// A packet that is not allowed here.
    pub const PROTOCOL_ERROR: Self = Self(0x82);
    /// Valid, but this server does not take it.
    pub const IMPLEMENTATION_SPECIFIC: Self = Self(0x83);
    /// The protocol level is not supported.
    pub const UNSUPPORTED_PROTOCOL_VERSION: Self = Self(0x84);
    /// The client id is not the device id.
    pub const CLIENT_IDENTIFIER_NOT_VALID: Self = Self(0x85);
    /// Not allowed, or not who it claims to be.
    pub const NOT_AUTHORIZED: Self = Self(0x87);
    /// The server cannot take the connection now.
    pub const SERVER_UNAVAILABLE: Self = Self(0x88);
    /// The server is going down.
    pub const SERVER_SHUTTING_DOWN: Self = Self(0x8B);
    /// No such extended authentication.
    pub const BAD_AUTHENTICATION_METHOD: Self = Self(0x8C);
    /// Nothing was heard for one and a half keep-alive intervals.
    pub const KEEP_ALIVE_TIMEOUT: Self = Self(0x8D);
    /// Another connection of the same device.
    pub const SESSION_TAKEN_OVER: Self = Self(0x8E);
    /// The filter is not one.
    pub const TOPIC_FILTER_INVALID: Self = Self(0x8F);
    /// The topic name is not one.
    pub const TOPIC_NAME_INVALID: Self = Self(0x90);
    /// PUBCOMP: the packet id is not in use.
    pub const PACKET_IDENTIFIER_NOT_FOUND: Self = Self(0x92);
    /// More publications in flight than the server announced.
    pub const RECEIVE_MAXIMUM_EXCEEDED: Self = Self(0x93);
    /// A topic alias that is 0 or above the announced maximum.
    pub const TOPIC_ALIAS_INVALID: Self = Self(0x94);
    /// Larger than the announced limit.
    pub const PACKET_TOO_LARGE: Self = Self(0x95);
    /// A limit is used up.
    pub const QUOTA_EXCEEDED: Self = Self(0x97);
    /// Ended by an administrator or by the account's owner.
    pub const ADMINISTRATIVE_ACTION: Self = Self(0x98);
    /// The payload is not what its format says.
    pub const PAYLOAD_FORMAT_INVALID: Self = Self(0x99);
    /// Retained messages are announced as unavailable.
    pub const RETAIN_NOT_SUPPORTED: Self = Self(0x9A);
    /// The server reference names where to go.
    pub const USE_ANOTHER_SERVER: Self = Self(0x9C);
    /// Shared subscriptions are announced as unavailable.
    pub const SHARED_SUBSCRIPTIONS_NOT_SUPPORTED: Self = Self(0x9E);
    /// Subscription identifiers are announced as unavailable.
    pub const SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED: Self = Self(0xA1);
    /// Wildcards are announced as unavailable.
    pub const WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED: Self = Self(0xA2);

    /// Whether this is a no.
    pub fn is_error(self) -> bool {
        self.0 >= 0x80
    }

    /// The nearest code that PUBACK and PUBREC may carry (OASIS MQTT 5.0, 3.4.2.1).
    #[must_use]
    pub fn for_publication(self) -> Self {
        match self.0 {
            0x00 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99 => self,
            _ => Self::IMPLEMENTATION_SPECIFIC,
        }
    }
}
