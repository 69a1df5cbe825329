//! The words of a type of message: an app's own template, or the one that comes with the platform, in the device's
//! language as near as there is one.

mod built_in;

use godwit_push::Tap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest text of a template, in bytes.
const TEXT_BYTES_MAX: usize = 1_024;

/// The words of a notification, with placeholders: `{sender}`, `{group}`, `{text}`, `{title}`, `{name}`, `{count}`, and
/// `{content.x}` for the field `x` of the content. What is missing becomes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// First line.
    pub title: String,
    /// The text under it.
    pub body: String,
    /// What a tap does: `conversation`, an address with a scheme, or `intent:` with what starts the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tap: Option<String>,
    /// Name of a sound the app brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// Name or address of a small picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// A template as it is kept: whose, for what, in which language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptTemplate {
    /// The package of the app on the device; left out for every app of the tenant.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub package: String,
    /// The name of a type, or `call`.
    #[serde(rename = "type")]
    pub message_type: String,
    /// BCP 47 in lower case, or `*`.
    pub language: String,
    /// The words.
    #[serde(flatten)]
    pub words: Template,
}

/// What is wrong with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing would be shown.
    #[error("`title` and `body` must not both be empty")]
    Empty,
    /// Too many bytes.
    #[error("a text has at most 1024 bytes")]
    TooLong,
    /// The tap is none of the three.
    #[error("`tap` must be `conversation`, an address with a scheme, or begin with `intent:`")]
    Tap,
}

/// What placeholders stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    pub(crate) sender: &'a str,
    pub(crate) group: &'a str,
    pub(crate) count: u32,
    pub(crate) content: &'a Value,
}

impl Template {
    /// Whether it may be kept.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), TemplateError> {
        if self.title.trim().is_empty() && self.body.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let others = [&self.tap, &self.sound, &self.icon].into_iter().flatten();
        if [&self.title, &self.body]
            .into_iter()
            .chain(others)
            .any(|text| text.len() > TEXT_BYTES_MAX)
        {
            return Err(TemplateError::TooLong);
        }
        let tap = self.tap.as_deref().unwrap_or("conversation");
        if tap != "conversation" && !tap.contains(':') {
            return Err(TemplateError::Tap);
        }
        Ok(())
    }

    /// The one that comes with the platform.
    pub(crate) fn built_in(type_name: &str, language: &str) -> Self {
        built_in::template(type_name, is_chinese(language))
    }

    /// What a tap does; placeholders are filled in.
    pub(crate) fn tap(&self, values: &Values<'_>) -> Tap {
        match self.tap.as_deref() {
            None | Some("conversation" | "") => Tap::OpenConversation,
            Some(text) => match text.strip_prefix("intent:") {
                Some(intent) => Tap::Intent(fill(intent, values)),
                None => Tap::Url(fill(text, values)),
            },
        }
    }
}

/// Whether Chinese words are nearer than English ones.
pub(crate) fn is_chinese(language: &str) -> bool {
    primary(language) == "zh"
}

/// The part of a language before its region, in lower case.
pub(crate) fn primary(language: &str) -> String {
    let first = language.split(['-', '_']).next().unwrap_or_default();
    first.to_ascii_lowercase()
}

/// Puts values in the place of placeholders. A brace that begins none stays.
pub(crate) fn fill(text: &str, values: &Values<'_>) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let filled = after.split_once('}');
        let filled = filled.and_then(|(name, after)| Some((value(name, values)?, after)));
        if let Some((value, after)) = filled {
            out.push_str(&value);
            rest = after;
        } else {
            out.push('{');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn value(name: &str, values: &Values<'_>) -> Option<String> {
    let of_content = |field: &str| match values.content.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    Some(match name {
        "sender" => values.sender.to_owned(),
        "group" => values.group.to_owned(),
        "count" => values.count.to_string(),
        "text" | "title" | "name" => of_content(name),
        _ => of_content(name.strip_prefix("content.")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let content = json!({"text": "hi {sender}", "n": 3, "deep": {}});
        let values = Values {
            sender: "ann",
            group: "Team",
            count: 2,
            content: &content,
        };
        for (text, filled) in [
            ("{sender}: {text}", "ann: hi {sender}"),
            ("[{count}] {group}", "[2] Team"),
            ("{content.n}{content.deep}{content.none}", "3"),
            ("{unknown} { {", "{unknown} { {"),
        ] {
            assert_eq!(fill(text, &values), filled);
        }
        let tap = |tap: &str| Template {
            tap: Some(tap.to_owned()),
            ..Template::default()
        };
        assert_eq!(
            tap("https://x/{sender}").tap(&values),
            Tap::Url("https://x/ann".to_owned())
        );
        assert_eq!(tap("intent:#open").tap(&values), Tap::Intent("#open".to_owned()));
        assert_eq!(Template::default().tap(&values), Tap::OpenConversation);
    }

    #[test]
    fn every_published_type_has_words_in_both_languages() {
        for published in godwit_model::MessageType::ALL {
            for language in ["zh-CN", "en"] {
                let template = Template::built_in(published.name(), language);
                assert_eq!(template.check(), Ok(()), "{} {language}", published.name());
            }
        }
        assert_ne!(Template::built_in("image", "zh_TW"), Template::built_in("image", "fr"));
    }
}
