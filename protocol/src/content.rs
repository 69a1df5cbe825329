//! What the content of each published type must hold, and what the platform reads out of it.
//!
//! The table itself (numbers, names, push classes) is [`MessageType`]; here is its last column.

mod call;
mod fields;

use godwit_model::{MessageKind, MessageType, PushClass, Refusal, Refused};

pub use call::{CALL_FIELDS, CALL_TYPE, CallSignal};
pub use fields::{Field, Rule};
use fields::{may, must, read};

const MEDIA: &[Field] = &[
    must("storageId", Rule::Id),
    may("fileName", Rule::Text),
    may("fileSize", Rule::Number),
    may("duration", Rule::Number),
    may("mimeType", Rule::Text),
    may("thumbnail", Rule::Text),
    may("thumbnailWidth", Rule::Number),
    may("thumbnailHeight", Rule::Number),
];

const CARD: &[Field] = &[
    must("title", Rule::Text),
    may("content", Rule::Text),
    may("action", Rule::Text),
    may("appid", Rule::Scalar),
    may("appName", Rule::Text),
    may("appLogo", Rule::Text),
    may("url", Rule::Text),
];

const TEXT: &[Field] = &[must("text", Rule::Text)];

const DATA: &[Field] = &[must("type", Rule::Scalar), may("content", Rule::Any)];

const LOCATION: &[Field] = &[
    must("latitude", Rule::Degrees(90)),
    must("longitude", Rule::Degrees(180)),
    may("name", Rule::Text),
    may("address", Rule::Text),
];

const ERROR_REPORT: &[Field] = &[
    must("message", Rule::Text),
    may("code", Rule::Scalar),
    may("detail", Rule::Any),
];

const GROUP_CHANGE: &[Field] = &[
    must("event", Rule::Id),
    must("groupId", Rule::Id),
    must("name", Rule::Text),
    must("by", Rule::Id),
    may("members", Rule::Any),
    may("role", Rule::Id),
];

const WITHDRAWN: &[Field] = &[
    must("serverId", Rule::Id),
    must("conv", Rule::Id),
    must("convSeq", Rule::Number),
    must("reason", Rule::Id),
];

/// The fields of a type's content; more may stand beside them and pass through.
///
/// `None` where the content may be any JSON.
pub fn schema(published: MessageType) -> Option<&'static [Field]> {
    Some(match published {
        MessageType::Unknown => return None,
        MessageType::Text => TEXT,
        MessageType::Image | MessageType::Voice | MessageType::Video | MessageType::File => MEDIA,
        MessageType::LinkCard | MessageType::AppCard | MessageType::PrescriptionCard => CARD,
        MessageType::Background | MessageType::CallElsewhere => DATA,
        MessageType::Location => LOCATION,
        MessageType::ErrorReport => ERROR_REPORT,
        MessageType::Custom => &[],
        MessageType::GroupChange => GROUP_CHANGE,
        MessageType::Withdrawn => WITHDRAWN,
    })
}

/// What the platform understands of a message's content.
#[derive(Clone, Copy, Debug)]
pub struct Meaning<'a> {
    /// How a vendor pushes it.
    pub push_class: PushClass,
    /// The call signal it carries.
    pub call: Option<CallSignal<'a>>,
}

/// Checks the content of a draft against its type, and says what it means. Borrows, and copies nothing.
///
/// # Errors
/// [`Refusal::InvalidField`] naming the field; [`Refusal::Forbidden`] for a type that only the platform sends.
pub fn check<'a>(kind: &MessageKind, content: &'a str) -> Result<Meaning<'a>, Refused> {
    let Some(published) = kind.published() else {
        return Ok(Meaning {
            push_class: PushClass::Notify,
            call: None,
        });
    };
    if published.is_platforms() {
        return Err(Refused::new(
            Refusal::Forbidden,
            format!("`type`: only the platform sends {kind} ({})", published.name()),
        ));
    }
    conforms(published, content)
}

/// As [`check`], whoever sends it.
///
/// # Errors
/// [`Refusal::InvalidField`] naming the field.
pub fn conforms(published: MessageType, content: &str) -> Result<Meaning<'_>, Refused> {
    let mut meaning = Meaning {
        push_class: published.push_class(),
        call: None,
    };
    let Some(fields) = schema(published) else {
        return Ok(meaning);
    };
    let found = read("content", content, fields)?;
    if let (MessageType::Background, [Some(CALL_TYPE), inner, ..]) = (published, found) {
        let call = CallSignal::read(inner)?;
        meaning.push_class = call.status.push_class();
        meaning.call = Some(call);
    }
    Ok(meaning)
}

#[cfg(test)]
mod tests;
