//! The fields of the published types. What stands beside them is kept in `more`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// A number or a string: where the published table says so, both are taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
}

impl Scalar {
    /// As a number, also where it was written as a string.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// As a whole number, also where it was written as a string.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

impl From<u64> for Scalar {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Something that is stored elsewhere: a picture, a recording, a video, a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// Its id where it is stored.
    pub storage_id: String,
    /// Its name as a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<Scalar>,
    /// How long it plays, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Scalar>,
    /// Its MIME type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// A small picture of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
    /// The width of the small picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_width: Option<Scalar>,
    /// The height of the small picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_height: Option<Scalar>,
    /// What stands beside these fields.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Media {
    /// What is stored under this id.
    pub fn stored(storage_id: impl Into<String>) -> Self {
        Self {
            storage_id: storage_id.into(),
            ..Self::default()
        }
    }
}

/// A card that leads somewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Its title.
    pub title: String,
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What a tap does, as the apps agree on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The sub-application it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<Scalar>,
    /// Its name.
    #[serde(default, rename = "appName", skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// Its picture.
    #[serde(default, rename = "appLogo", skip_serializing_if = "Option::is_none")]
    pub app_logo: Option<String>,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What stands beside these fields.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Card {
    /// A card with this title.
    pub fn titled(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }
}

/// A place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north, −90 to 90.
    pub latitude: Scalar,
    /// Degrees east, −180 to 180.
    pub longitude: Scalar,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What stands beside these fields.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Location {
    /// The place at these degrees. `None` if one of them is not a finite number.
    pub fn at(latitude: f64, longitude: f64) -> Option<Self> {
        Some(Self {
            latitude: Scalar::Number(Number::from_f64(latitude)?),
            longitude: Scalar::Number(Number::from_f64(longitude)?),
            name: None,
            address: None,
            more: Map::new(),
        })
    }
}

/// An error a client tells of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// What happened.
    pub message: String,
    /// Its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Scalar>,
    /// Anything that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// What stands beside these fields.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// From the platform: a group or its members changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChange {
    /// `created`, `joined`, `left`, `roleChanged` or `dissolved`.
    pub event: String,
    /// The group.
    pub group_id: String,
    /// Its name.
    pub name: String,
    /// Who did it.
    pub by: String,
    /// Whom it concerns, at most 100 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// Their role from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What stands beside these fields.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// From the platform: a message was recalled by its sender, or erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Withdrawn {
    /// The message.
    pub server_id: String,
    /// Its conversation.
    pub conv: String,
    /// Its number there.
    pub conv_seq: u64,
    /// Why: `recalled` or `erased`.
    pub reason: String,
    /// What stands beside these fields.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
