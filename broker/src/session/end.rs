//! Why a session ends or does not begin, and which code says so.

use crate::codec::{DecodeError, Reason};

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client said goodbye.
    Disconnected,
    /// The socket closed or failed.
    Lost,
    /// No CONNECT in time.
    ConnectTimeout,
    /// The CONNECT was answered with a no.
    Refused(ConnectRefusal),
    /// The client sent what the specification does not allow.
    Undecodable(DecodeError),
    /// Nothing was heard for one and a half keep-alive intervals.
    KeepAliveTimeout,
    /// The device connected again.
    TakenOver,
    /// The server goes down.
    ShuttingDown,
    /// The device was retired or its token replaced.
    Retired,
    /// More unacknowledged publications than announced.
    ReceiveMaximumExceeded,
    /// A retained publication, although that is announced as unavailable.
    RetainNotSupported,
    /// A subscription identifier, although that is announced as unavailable.
    SubscriptionIdentifier,
    /// The client takes packets so small that not even the notice of an entry, or an answer, fits.
    ClientTooSmall,
    /// The platform failed.
    Failed,
}

impl End {
    /// The code of the DISCONNECT; `None` when none is sent.
    pub fn reason(self) -> Option<Reason> {
        Some(match self {
            Self::Disconnected | Self::Lost | Self::ConnectTimeout | Self::Refused(_) => return None,
            Self::Undecodable(error) => error.reason(),
            Self::KeepAliveTimeout => Reason::KEEP_ALIVE_TIMEOUT,
            Self::TakenOver => Reason::SESSION_TAKEN_OVER,
            Self::ShuttingDown => Reason::SERVER_SHUTTING_DOWN,
            Self::Retired => Reason::ADMINISTRATIVE_ACTION,
            Self::ReceiveMaximumExceeded => Reason::RECEIVE_MAXIMUM_EXCEEDED,
            Self::RetainNotSupported => Reason::RETAIN_NOT_SUPPORTED,
            Self::SubscriptionIdentifier => Reason::SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
            Self::ClientTooSmall => Reason::PACKET_TOO_LARGE,
            Self::Failed => Reason::UNSPECIFIED,
        })
    }

    /// One sentence for people; empty where no DISCONNECT is sent.
    pub fn text(self) -> &'static str {
        match self {
            Self::Disconnected | Self::Lost | Self::ConnectTimeout | Self::Refused(_) => "",
            Self::Undecodable(error) => error.text(),
            Self::KeepAliveTimeout => "nothing was heard for one and a half keep-alive intervals",
            Self::TakenOver => "the device connected again",
            Self::ShuttingDown => "the server stops; connect again",
            Self::Retired => "the device was retired; register again",
            Self::ReceiveMaximumExceeded => "more unacknowledged publications than the announced receive maximum",
            Self::RetainNotSupported => "nothing is retained",
            Self::SubscriptionIdentifier => "there are no subscription identifiers",
            Self::ClientTooSmall => "what must be sent is larger than the Maximum Packet Size of CONNECT",
            Self::Failed => "the platform failed; connect again",
        }
    }

    /// The name in metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Lost => "lost",
            Self::ConnectTimeout => "connect_timeout",
            Self::Refused(refusal) => refusal.label(),
            Self::Undecodable(DecodeError::TooLarge { .. }) => "packet_too_large",
            Self::Undecodable(_) => "malformed",
            Self::KeepAliveTimeout => "keep_alive_timeout",
            Self::TakenOver => "taken_over",
            Self::ShuttingDown => "shutting_down",
            Self::Retired => "retired",
            Self::ReceiveMaximumExceeded => "receive_maximum_exceeded",
            Self::RetainNotSupported => "retain_not_supported",
            Self::SubscriptionIdentifier => "subscription_identifier",
            Self::ClientTooSmall => "client_too_small",
            Self::Failed => "failed",
        }
    }
}

/// Why a CONNECT was answered with a no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectRefusal {
    /// Neither MQTT 3.1.1 nor 5.
    UnsupportedVersion,
    /// No such account, or not a token of it.
    WrongCredentials,
    /// The client id is not the device id the token belongs to.
    WrongClientId,
    /// An extended authentication, of which there is none.
    AuthenticationMethod,
    /// A will that is to be retained.
    RetainedWill,
    /// A will to another topic than the account's own outbox.
    WillTopic,
    /// The client takes packets so small that the CONNACK does not fit.
    ClientTooSmall,
    /// The server goes down.
    Closing,
    /// Too many connections of this account.
    TooManyConnections,
    /// The platform cannot check the credentials now.
    Unavailable,
}

impl ConnectRefusal {
    /// The code of MQTT 5 and the one of 3.1.1.
    pub fn codes(self) -> (Reason, u8) {
        match self {
            Self::UnsupportedVersion => (Reason::UNSUPPORTED_PROTOCOL_VERSION, 1),
            Self::WrongCredentials | Self::WillTopic => (Reason::NOT_AUTHORIZED, 5),
            Self::WrongClientId => (Reason::CLIENT_IDENTIFIER_NOT_VALID, 2),
            Self::AuthenticationMethod => (Reason::BAD_AUTHENTICATION_METHOD, 5),
            Self::RetainedWill => (Reason::RETAIN_NOT_SUPPORTED, 5),
            Self::ClientTooSmall => (Reason::PACKET_TOO_LARGE, 3),
            Self::TooManyConnections => (Reason::QUOTA_EXCEEDED, 3),
            Self::Closing | Self::Unavailable => (Reason::SERVER_UNAVAILABLE, 3),
        }
    }

    /// One sentence for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::UnsupportedVersion => "only MQTT 3.1.1 and 5 are spoken here",
            Self::WrongCredentials => "username must be the account and password a valid device token of it",
            Self::WrongClientId => "the client id must be the device id of the token",
            Self::AuthenticationMethod => "there is no extended authentication",
            Self::RetainedWill => "nothing is retained",
            Self::WillTopic => "a will is a draft: its topic must be im/{account}/outbox",
            Self::ClientTooSmall => "",
            Self::Closing => "the server stops",
            Self::TooManyConnections => "too many connections of this account",
            Self::Unavailable => "try again later",
        }
    }

    /// The name in metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::UnsupportedVersion => "unsupported_version",
            Self::WrongCredentials => "wrong_credentials",
            Self::WrongClientId => "wrong_client_id",
            Self::AuthenticationMethod => "authentication_method",
            Self::RetainedWill => "retained_will",
            Self::WillTopic => "will_topic",
            Self::ClientTooSmall => "client_too_small",
            Self::Closing => "closing",
            Self::TooManyConnections => "too_many_connections",
            Self::Unavailable => "unavailable",
        }
    }
}
