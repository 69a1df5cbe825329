//! The published table of message types: number, name, who may send one, and how a type is pushed.

use std::fmt;
use std::str::FromStr;

/// A type of the published table. What its content must hold is in `protocol`.
///
/// Numbers are for ever. −1, 0 and 256 are those of the document the platform was asked for with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// Said to be unknown; the content is anything.
    Unknown,
    /// A text.
    Text,
    /// A picture, by its storage id.
    Image,
    /// A recording of a voice, by its storage id.
    Voice,
    /// A video, by its storage id.
    Video,
    /// Any other file, by its storage id.
    File,
    /// A card that leads to a page.
    LinkCard,
    /// Data for the app, such as changes of an organisation; call signalling travels in it.
    Background,
    /// A card that leads into a sub-application.
    AppCard,
    /// A card that leads to a prescription.
    PrescriptionCard,
    /// A place.
    Location,
    /// An error a client tells of.
    ErrorReport,
    /// Whatever two clients agree on.
    Custom,
    /// From the platform: a call was answered or refused on another device of the account.
    CallElsewhere,
    /// From the platform: a group or its members changed.
    GroupChange,
    /// From the platform: a message was recalled by its sender, or erased.
    Withdrawn,
}

/// Whether a vendor's push follows a message its reader has not seen, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PushClass {
    /// A notification, unless the message is for the background.
    Notify,
    /// Rings, even where the message is for the background.
    Ring,
    /// Ends a ringing, even where the message is for the background.
    StopRinging,
    /// None.
    Quiet,
}

impl PushClass {
    /// As documents and settings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Ring => "ring",
            Self::StopRinging => "stopRinging",
            Self::Quiet => "quiet",
        }
    }
}

impl MessageType {
    /// All of them, in the order of the published table.
    pub const ALL: [Self; 16] = [
        Self::Unknown,
        Self::Text,
        Self::Image,
        Self::Voice,
        Self::Video,
        Self::File,
        Self::LinkCard,
        Self::Background,
        Self::AppCard,
        Self::PrescriptionCard,
        Self::Location,
        Self::ErrorReport,
        Self::Custom,
        Self::CallElsewhere,
        Self::GroupChange,
        Self::Withdrawn,
    ];

    /// The number; a type that has none goes by its name.
    pub fn number(self) -> Option<i32> {
        self.row().0
    }

    /// The name.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// How it is pushed; what a message of [`MessageType::Background`] says may be more urgent.
    pub fn push_class(self) -> PushClass {
        self.row().2
    }

    /// Whether only the platform sends it.
    pub fn is_platforms(self) -> bool {
        matches!(self, Self::CallElsewhere | Self::GroupChange | Self::Withdrawn)
    }

    /// The type with this number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|published| published.number() == Some(number))
    }

    /// The type with this name. Case matters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|published| published.name() == name)
    }

    fn row(self) -> (Option<i32>, &'static str, PushClass) {
        use PushClass::{Notify, Quiet, StopRinging};
        match self {
            Self::Unknown => (Some(-1), "unknown", Notify),
            Self::Text => (Some(0), "text", Notify),
            Self::Image => (Some(1), "image", Notify),
            Self::Voice => (Some(2), "voice", Notify),
            Self::Video => (Some(3), "video", Notify),
            Self::File => (Some(4), "file", Notify),
            Self::LinkCard => (Some(5), "linkCard", Notify),
            Self::Background => (Some(6), "background", Quiet),
            Self::AppCard => (Some(7), "appCard", Notify),
            Self::PrescriptionCard => (Some(8), "prescriptionCard", Notify),
            Self::Location => (Some(9), "location", Notify),
            Self::ErrorReport => (Some(10), "errorReport", Quiet),
            Self::Custom => (Some(11), "custom", Notify),
            Self::CallElsewhere => (Some(256), "callElsewhere", StopRinging),
            Self::GroupChange => (None, "groupChange", Quiet),
            Self::Withdrawn => (None, "withdrawn", Quiet),
        }
    }
}

/// What a call signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// From the platform: taken on another device of the account.
    OtherAnswer,
    /// From the platform: refused on another device of the account.
    OtherRefuse,
}

impl CallStatus {
    /// All of them, in the order of the published table.
    pub const ALL: [Self; 8] = [
        Self::Invite,
        Self::Answer,
        Self::Refuse,
        Self::Cancel,
        Self::Timeout,
        Self::Busy,
        Self::OtherAnswer,
        Self::OtherRefuse,
    ];

    /// As it is written in `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Answer => "answer",
            Self::Refuse => "refuse",
            Self::Cancel => "cancel",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::OtherAnswer => "other_answer",
            Self::OtherRefuse => "other_refuse",
        }
    }

    /// Only an invitation rings; everything else ends that.
    pub fn push_class(self) -> PushClass {
        match self {
            Self::Invite => PushClass::Ring,
            _ => PushClass::StopRinging,
        }
    }

    /// What the account's other devices are told when one of them says this: that they need not ring any more.
    pub fn told_to_own_devices(self) -> Option<Self> {
        match self {
            Self::Answer => Some(Self::OtherAnswer),
            Self::Refuse => Some(Self::OtherRefuse),
            _ => None,
        }
    }

    /// Whether only the platform says it.
    pub fn is_platforms(self) -> bool {
        matches!(self, Self::OtherAnswer | Self::OtherRefuse)
    }
}

/// The text is not a status of a call that clients may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `invite`, `answer`, `refuse`, `cancel`, `timeout` or `busy`")]
pub struct MalformedCallStatus;

impl FromStr for CallStatus {
    type Err = MalformedCallStatus;

    /// Reads what clients may send; the platform's own are refused.
    fn from_str(text: &str) -> Result<Self, MalformedCallStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text && !status.is_platforms())
            .ok_or(MalformedCallStatus)
    }
}

/// What a message is: a type of the published table, or one the platform does not know and passes through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// A type of the table.
    Published(MessageType),
    /// Another number or name: a JSON number or string, verbatim.
    Other(Box<str>),
}

impl MessageKind {
    /// The published type, if it is one.
    pub fn published(&self) -> Option<MessageType> {
        match self {
            Self::Published(published) => Some(*published),
            Self::Other(_) => None,
        }
    }
}

impl From<MessageType> for MessageKind {
    fn from(published: MessageType) -> Self {
        Self::Published(published)
    }
}

/// Prints the one spelling the platform answers with, as JSON: a number where the type has one, its quoted name
/// otherwise, and what is unknown as it came.
impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published(published) => match published.number() {
                Some(number) => write!(f, "{number}"),
                None => write!(f, "\"{}\"", published.name()),
            },
            Self::Other(verbatim) => f.write_str(verbatim),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_names_are_distinct_and_lead_back() {
        let names: HashSet<_> = MessageType::ALL.iter().map(|published| published.name()).collect();
        assert_eq!(names.len(), MessageType::ALL.len());
        for published in MessageType::ALL {
            assert_eq!(MessageType::from_name(published.name()), Some(published));
            if let Some(number) = published.number() {
                assert_eq!(MessageType::from_number(number), Some(published));
            }
        }
    }

    #[test]
    fn the_numbers_of_the_document_are_kept() {
        assert_eq!(MessageType::from_number(-1), Some(MessageType::Unknown));
        assert_eq!(MessageType::from_number(0), Some(MessageType::Text));
        assert_eq!(MessageType::from_number(256), Some(MessageType::CallElsewhere));
        assert_eq!(MessageType::from_number(12), None);
    }

    #[test]
    fn a_type_with_a_number_is_printed_as_the_number() {
        assert_eq!(MessageKind::from(MessageType::Text).to_string(), "0");
        assert_eq!(
            MessageKind::from(MessageType::GroupChange).to_string(),
            "\"groupChange\""
        );
        assert_eq!(MessageKind::Other("\"x\"".into()).to_string(), "\"x\"");
    }

    #[test]
    fn clients_may_not_say_what_the_platform_says() {
        assert_eq!("invite".parse(), Ok(CallStatus::Invite));
        for own in ["other_answer", "other_refuse", "", "INVITE"] {
            assert_eq!(own.parse::<CallStatus>(), Err(MalformedCallStatus), "{own}");
        }
    }
}
