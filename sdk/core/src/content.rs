//! What messages say: one shape for each published type, and an open one for the rest.

mod call;
mod shapes;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use call::{Call, CallStatus};
pub use shapes::{Card, ErrorReport, GroupChange, Location, Media, Scalar, Withdrawn};

use crate::kind::Kind;

/// What a message says.
///
/// Reading never fails: content that does not fit its type is [`Content::Other`], untouched.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// A text.
    Text(String),
    /// A picture, by its storage id.
    Image(Media),
    /// A recording of a voice, by its storage id.
    Voice(Media),
    /// A video, by its storage id.
    Video(Media),
    /// Any other file, by its storage id.
    File(Media),
    /// A card that leads to a page.
    LinkCard(Card),
    /// Data for the app: a type of its own, and what belongs to it.
    Background {
        /// What the data is.
        kind: Scalar,
        /// The data.
        data: Value,
    },
    /// Call signalling. It travels as background data.
    Call(Call),
    /// From the platform: a call was answered or refused on another device of the account.
    CallElsewhere(Call),
    /// A card that leads into a sub-application.
    AppCard(Card),
    /// A card that leads to a prescription.
    PrescriptionCard(Card),
    /// A place.
    Location(Location),
    /// An error a client tells of.
    ErrorReport(ErrorReport),
    /// Whatever two clients agree on: a JSON object.
    Custom(Value),
    /// From the platform: a group or its members changed.
    GroupChange(GroupChange),
    /// From the platform: a message was recalled by its sender, or erased.
    Withdrawn(Withdrawn),
    /// A type that is in no table, or content that does not fit its type.
    Other {
        /// The type.
        kind: Kind,
        /// The content.
        content: Value,
    },
}

impl Content {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The `type` it travels under.
    pub fn kind(&self) -> Kind {
        Kind::named(match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Voice(_) => "voice",
            Self::Video(_) => "video",
            Self::File(_) => "file",
            Self::LinkCard(_) => "linkCard",
            Self::Background { .. } | Self::Call(_) => "background",
            Self::CallElsewhere(_) => "callElsewhere",
            Self::AppCard(_) => "appCard",
            Self::PrescriptionCard(_) => "prescriptionCard",
            Self::Location(_) => "location",
            Self::ErrorReport(_) => "errorReport",
            Self::Custom(_) => "custom",
            Self::GroupChange(_) => "groupChange",
            Self::Withdrawn(_) => "withdrawn",
            Self::Other { kind, .. } => return kind.clone(),
        })
    }

    /// Whether it is for the app rather than for eyes, unless the draft says otherwise.
    pub fn is_for_background(&self) -> bool {
        matches!(self, Self::Background { .. } | Self::Call(_) | Self::ErrorReport(_))
    }

    /// The JSON of `content`.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!({ "text": text }),
            Self::Image(media) | Self::Voice(media) | Self::Video(media) | Self::File(media) => plain(media),
            Self::LinkCard(card) | Self::AppCard(card) | Self::PrescriptionCard(card) => plain(card),
            Self::Background { kind, data } => json!({ "type": kind, "content": data }),
            Self::Call(call) | Self::CallElsewhere(call) => json!({ "type": call::TYPE, "content": call }),
            Self::Location(location) => plain(location),
            Self::ErrorReport(report) => plain(report),
            Self::GroupChange(change) => plain(change),
            Self::Withdrawn(withdrawn) => plain(withdrawn),
            Self::Custom(content) | Self::Other { content, .. } => content.clone(),
        }
    }

    /// Reads `type` and `content` of a message.
    pub fn read(kind: &Kind, content: &Value) -> Self {
        let read = kind.published().and_then(|name| published(name, content));
        read.unwrap_or_else(|| Self::Other {
            kind: kind.clone(),
            content: content.clone(),
        })
    }
}

fn plain(shape: &impl Serialize) -> Value {
    serde_json::to_value(shape).expect("plain fields with names as keys are JSON")
}

fn shape<T: DeserializeOwned>(content: &Value) -> Option<T> {
    T::deserialize(content).ok()
}

fn published(name: &str, content: &Value) -> Option<Content> {
    Some(match name {
        "text" => Content::Text(content.get("text")?.as_str()?.to_owned()),
        "image" => Content::Image(shape(content)?),
        "voice" => Content::Voice(shape(content)?),
        "video" => Content::Video(shape(content)?),
        "file" => Content::File(shape(content)?),
        "linkCard" => Content::LinkCard(shape(content)?),
        "background" => background(content)?,
        "callElsewhere" => Content::CallElsewhere(call(content)?),
        "appCard" => Content::AppCard(shape(content)?),
        "prescriptionCard" => Content::PrescriptionCard(shape(content)?),
        "location" => Content::Location(shape(content)?),
        "errorReport" => Content::ErrorReport(shape(content)?),
        "custom" => Content::Custom(content.clone()),
        "groupChange" => Content::GroupChange(shape(content)?),
        "withdrawn" => Content::Withdrawn(shape(content)?),
        _ => return None,
    })
}

fn call(content: &Value) -> Option<Call> {
    if content.get("type")? != call::TYPE {
        return None;
    }
    shape(content.get("content")?)
}

fn background(content: &Value) -> Option<Content> {
    if let Some(call) = call(content) {
        return Some(Content::Call(call));
    }
    Some(Content::Background {
        kind: shape(content.get("type")?)?,
        data: content.get("content").cloned().unwrap_or(Value::Null),
    })
}

#[cfg(test)]
mod tests;
