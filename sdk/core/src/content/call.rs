//! Call signalling: what two devices say to each other before and after a call.

use serde::{Deserialize, Serialize};

use super::Scalar;

/// The inner type of background data that is call signalling.
pub(super) const TYPE: &str = "call";

/// A call signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// What it says.
    pub status: CallStatus,
    /// The room the call is in.
    pub room_id: Scalar,
    /// Whether it is of sound or of pictures, as the apps agree on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub av_type: Option<Scalar>,
    /// Who invites, for the other side's screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Scalar>,
    /// When, by the sender's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Scalar>,
    /// How long it took, in seconds, by the sender's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_time: Option<Scalar>,
    /// The key of the room at the provider of sound and pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agora_key: Option<Scalar>,
    /// From the platform: the device that answered or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
}

impl Call {
    /// A signal of a room, with nothing else in it.
    pub fn new(status: CallStatus, room_id: impl Into<Scalar>) -> Self {
        Self {
            status,
            room_id: room_id.into(),
            av_type: None,
            uid: None,
            timestamp: None,
            use_time: None,
            agora_key: None,
            device_id: None,
        }
    }
}

/// What a call signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Calls somebody.
    Invite,
    /// The called one takes it.
    Answer,
    /// The called one does not take it.
    Refuse,
    /// The caller gives up.
    Cancel,
    /// Nobody took it in time.
    Timeout,
    /// The called one is in another call.
    Busy,
    /// From the platform: taken on another device of the account. Stop ringing.
    OtherAnswer,
    /// From the platform: refused on another device of the account. Stop ringing.
    OtherRefuse,
}
