//! Objects read by a list of fields: which must be there, and of which kind; nothing is copied.

use std::fmt;

use godwit_model::{Refusal, Refused};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::Text;

/// Most fields a list names.
pub(super) const FIELDS_MAX: usize = 8;

/// A field of a type's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub rule: Rule,
    /// Whether it must be there. `null` counts as absent.
    pub must: bool,
}

pub(super) const fn must(name: &'static str, rule: Rule) -> Field {
    Field { name, rule, must: true }
}

pub(super) const fn may(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        rule,
        must: false,
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A string.
    Text,
    /// A string that is not empty.
    Id,
    /// A number from 0 on, or a string that holds one or nothing.
    Number,
    /// A number or a string.
    Scalar,
    /// A number, or a string that holds one, at most this far from 0.
    Degrees(u8),
    /// Any JSON.
    Any,
}

impl Rule {
    /// As the published table calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Id => "id",
            Self::Number => "number",
            Self::Scalar => "scalar",
            Self::Degrees(_) => "degrees",
            Self::Any => "any",
        }
    }

    /// Whether a JSON value fits.
    fn fits(self, json: &str) -> bool {
        let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let is_number = json.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match self {
            Self::Text => text.is_some(),
            Self::Id => text.is_some_and(|text| !text.is_empty()),
            Self::Number => text == Some("") || number(text.unwrap_or(json)).is_some_and(|number| number >= 0.0),
            Self::Scalar => text.is_some() || is_number,
            Self::Degrees(most) => number(text.unwrap_or(json)).is_some_and(|degrees| degrees.abs() <= f64::from(most)),
            Self::Any => true,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a string"),
            Self::Id => f.write_str("a string that is not empty"),
            Self::Number => f.write_str("a number from 0 on, or a string that holds one"),
            Self::Scalar => f.write_str("a number or a string"),
            Self::Degrees(most) => write!(f, "a number from -{most} to {most}, or a string that holds one"),
            Self::Any => f.write_str("any JSON"),
        }
    }
}

/// A finite number; `parse` alone would read words such as `inf`, too.
fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|number| plain && number.is_finite())
}

/// Reads the object `json`, which stands at `place`, by its fields. Answers their values in the order of the list;
/// other fields are passed over.
pub(super) fn read<'a>(place: &str, json: &'a str, fields: &[Field]) -> Result<[Option<&'a str>; FIELDS_MAX], Refused> {
    if !json.starts_with('{') {
        return Err(Refused::new(
            Refusal::InvalidField,
            format!("`{place}` must be an object"),
        ));
    }
    let mut found = [None; FIELDS_MAX];
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let object = Object {
        fields,
        found: &mut found,
    };
    object
        .deserialize(&mut deserializer)
        .map_err(|error| Refused::new(Refusal::InvalidField, format!("`{place}`: {error}")))?;
    for (field, value) in fields.iter().zip(&found) {
        let fault = match value {
            Some(value) => (!field.rule.fits(value)).then_some("must be"),
            None => field.must.then_some("is missing:"),
        };
        if let Some(fault) = fault {
            let Field { name, rule, .. } = field;
            return Err(Refused::new(
                Refusal::InvalidField,
                format!("`{place}.{name}` {fault} {rule}"),
            ));
        }
    }
    Ok(found)
}

struct Object<'f, 'a> {
    fields: &'f [Field],
    found: &'f mut [Option<&'a str>; FIELDS_MAX],
}

impl<'a> DeserializeSeed<'a> for Object<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Object<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        // A name that stands twice would mean one thing here and another where it is read.
        let mut seen = 0_u32;
        while let Some(Text(key)) = map.next_key()? {
            let value: &'a RawValue = map.next_value()?;
            let Some(at) = self.fields.iter().position(|field| field.name == key) else {
                continue;
            };
            if seen & (1 << at) != 0 {
                return Err(M::Error::custom(format_args!("`{key}` stands twice")));
            }
            seen |= 1 << at;
            self.found[at] = Some(value.get()).filter(|value| *value != "null");
        }
        Ok(())
    }
}
