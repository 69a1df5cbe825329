//! What a phone is asked to show: finished words, for any vendor.

use std::fmt;

use reqwest::header::HeaderValue;
use serde::Deserialize;

/// Names a push for ever: every repeat carries it, so that a vendor, or the phone, can tell a repeat.
///
/// Becomes `apns-id`, `requestId`, `app_message_id`, `extra.jobkey` or what else the vendor has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PushId(pub [u8; 16]);

impl PushId {
    /// As a UUID in lower case with hyphens, 36 characters: what APNs wants.
    pub fn hyphenated(self) -> String {
        uuid::Uuid::from_bytes(self.0).hyphenated().to_string()
    }

    /// [`Self::hyphenated`] as a header.
    pub(crate) fn header(self) -> HeaderValue {
        let mut text = [0; 36];
        let text = uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).expect("digits and hyphens are a header")
    }

    /// As 32 lower-case hexadecimal digits.
    pub fn simple(self) -> String {
        uuid::Uuid::from_bytes(self.0).simple().to_string()
    }

    /// Reads either spelling.
    pub fn read(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(|id| Self(id.into_bytes()))
    }

    /// A number that is not negative, for vendors who name a notification by one: the same for every repeat.
    pub fn number(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d]) & 0x7FFF_FFFF
    }
}

impl fmt::Display for PushId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hyphenated())
    }
}

/// What a push does on the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Shows a notification.
    Alert,
    /// Rings: VoIP where the vendor has it, otherwise the highest priority; of no use after a minute.
    Call,
    /// Shows nothing; sets the badge, or wakes the app.
    Background,
    /// Takes back what [`Notification::collapse`] shows, where the vendor or the app can.
    Withdraw,
}

/// What a push is about. Settings map it to the vendor's channel, category or importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A message to one person.
    Chat,
    /// A call invitation.
    Call,
    /// A message that names its reader.
    Mention,
    /// A message in a group.
    Group,
    /// A word of the platform or of an app.
    System,
    /// Advertising; vendors count and limit it.
    Marketing,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Chat,
        Self::Call,
        Self::Mention,
        Self::Group,
        Self::System,
        Self::Marketing,
    ];

    /// As settings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Call => "call",
            Self::Mention => "mention",
            Self::Group => "group",
            Self::System => "system",
            Self::Marketing => "marketing",
        }
    }
}

/// What happens when the notification is tapped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tap {
    /// The app opens [`Notification::thread`].
    OpenConversation,
    /// The browser, or whoever answers the scheme, opens this address.
    Url(String),
    /// The app is started with this intent (Android) or action.
    Intent(String),
}

/// One notification, its words already chosen and in the reader's language. Each vendor cuts them to its limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Notification {
    /// Stable over every repeat.
    pub id: PushId,
    /// What it does.
    pub kind: Kind,
    /// What it is about.
    pub class: Class,
    /// First line; may be empty for [`Kind::Background`] and [`Kind::Withdraw`] only.
    pub title: String,
    /// The text under it.
    pub body: String,
    /// The account's unread count: `None` leaves the badge as it is, 0 clears it.
    pub badge: Option<u32>,
    /// Short stable key of the conversation or call, at most 32 of `A–Z a–z 0–9 _ -`: a later notification with the
    /// same key takes the place of the earlier.
    pub collapse: String,
    /// Name of a sound that the app brings; `None` is the system's.
    pub sound: Option<String>,
    /// Name or address of a small picture.
    pub icon: Option<String>,
    /// Address of a large picture.
    pub image: Option<String>,
    /// What a tap does.
    pub tap: Tap,
    /// The conversation it belongs to, as the app knows it.
    pub thread: String,
    /// What the app reads, in order; names must be unique. Those that mean something already (`pushId`, `collapse`,
    /// `thread`, `withdraw`, `badge`, `url`, `intent`, `title`, `body`, `image`, `aps`, `from`, `message_type`, or beginning
    /// with `google` or `gcm`) are left out.
    pub data: Vec<(String, String)>,
    /// When it is of no use any more, in milliseconds since 1970. A vendor is asked to keep it until then, or for the
    /// longest it can.
    pub expires_at_ms: u64,
}

impl Notification {
    /// Seconds it may still be kept, at least `least`, at most `most`.
    pub fn seconds_left(&self, now_ms: u64, least: u64, most: u64) -> u64 {
        (self.expires_at_ms.saturating_sub(now_ms) / 1000).clamp(least, most)
    }

    /// The collapse key as a number that is not negative, for vendors who replace by a number.
    pub fn collapse_number(&self) -> u32 {
        let [a, b, c, d, ..] = *blake3::hash(self.collapse.as_bytes()).as_bytes();
        u32::from_be_bytes([a, b, c, d]) & 0x7FFF_FFFF
    }

    /// Whether it shows something.
    pub fn is_shown(&self) -> bool {
        matches!(self.kind, Kind::Alert | Kind::Call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_spelled_as_a_uuid() {
        let id = PushId([0xFF; 16]);
        assert_eq!(id.hyphenated(), "ffffffff-ffff-ffff-ffff-ffffffffffff");
        assert_eq!(id.simple().len(), 32);
        assert_eq!(id.number(), 0x7FFF_FFFF);
    }
}
