//! The JSON envelope: a draft read from bytes, an inbox entry written for one reader.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::{self, Write as _};

use godwit_model::limits::{
    DELIVER_AFTER_S_MAX, DRAFT_BYTES_MAX, JSON_NESTING_MAX, MESSAGE_ID_BYTES_MAX, TARGETS_MAX, TTL_S_MAX,
};
use godwit_model::{Address, ConversationKey, Draft, MessageKind, Refusal, Refused, ServerId};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Text, minify, nesting, push_number, push_string};
use crate::message_kind;

/// What the platform adds to a message when it is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The server's id.
    pub server_id: ServerId,
    /// The server's time in milliseconds since 1970.
    pub server_time_ms: u64,
    /// The conversation and the message's number in it.
    pub conversation: Option<(ConversationKey, u64)>,
}

/// Reads a draft. `id` may be missing only where the door makes one up.
///
/// # Errors
/// [`Refusal::TooLarge`], [`Refusal::Malformed`] (not JSON, a field twice) or [`Refusal::InvalidField`] naming the field.
pub fn decode_draft(bytes: &[u8]) -> Result<Draft, Refused> {
    if bytes.len() > DRAFT_BYTES_MAX {
        let detail = format!("{} bytes; the limit is {DRAFT_BYTES_MAX}", bytes.len());
        return Err(Refused::new(Refusal::TooLarge, detail));
    }
    let depth = nesting(bytes);
    if depth > JSON_NESTING_MAX {
        return Err(Refused::new(
            Refusal::Malformed,
            format!("nested {depth} deep; the limit is {JSON_NESTING_MAX}"),
        ));
    }
    decode_stored_draft(bytes)
}

/// Reads a draft that was judged before, as [`crate::stored_draft::encode`] wrote it: it may have become larger.
///
/// # Errors
/// As [`decode_draft`], but for the bounds.
pub fn decode_stored_draft(bytes: &[u8]) -> Result<Draft, Refused> {
    let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|e| Refused::new(Refusal::Malformed, e.to_string()))?;
    wire.into_draft()
}

/// The draft's id if the bytes are readable enough to have one: what a refusal refers to.
pub fn peek_id(bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct OnlyId {
        id: String,
    }
    let only: OnlyId = serde_json::from_slice(bytes.get(..bytes.len().min(DRAFT_BYTES_MAX))?).ok()?;
    (only.id.len() <= MESSAGE_ID_BYTES_MAX).then_some(only.id)
}

#[derive(Default)]
struct Wire<'a> {
    id: Option<Cow<'a, str>>,
    from: Option<Cow<'a, str>>,
    to: Option<OneOrMany<'a>>,
    target: Option<OneOrMany<'a>>,
    kind: Option<&'a RawValue>,
    content: Option<&'a RawValue>,
    timestamp: Option<i64>,
    is_background: bool,
    deliver_after: Option<u64>,
    ttl_seconds: Option<u64>,
    ext: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// Fields that a draft has.
const DRAFT_FIELDS: [&str; 10] = [
    "id",
    "from",
    "to",
    "target",
    "type",
    "content",
    "timestamp",
    "isBackground",
    "deliverAfter",
    "ttlSeconds",
];

/// Fields only the platform writes, and the sender's tenant, which its credentials decide: dropped on input.
const PLATFORM_FIELDS: [&str; 9] = [
    "seq",
    "serverId",
    "serverTime",
    "conv",
    "convSeq",
    "tenantNo",
    "gone",
    "refused",
    "tooLarge",
];

/// Which fields were there already. Drafts seldom have others than the known ones, and then this takes no memory.
#[derive(Default)]
struct Seen {
    known: u32,
    others: HashSet<String>,
}

impl Seen {
    /// `false` if the field stands there a second time.
    fn insert(&mut self, key: &str) -> bool {
        let known = DRAFT_FIELDS
            .iter()
            .chain(&PLATFORM_FIELDS)
            .position(|field| *field == key);
        let Some(at) = known else {
            return self.others.insert(key.to_owned());
        };
        let before = self.known;
        self.known |= 1 << at;
        self.known != before
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Wire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Wire<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `id`, `to`, `type` and `content`")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut wire = Wire::default();
                let mut seen = Seen::default();
                while let Some(Text(key)) = map.next_key()? {
                    if !seen.insert(&key) {
                        return Err(M::Error::custom(format_args!("field `{key}` stands twice")));
                    }
                    wire.read_field(key, &mut map)?;
                }
                Ok(wire)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'a> Wire<'a> {
    fn read_field<M: MapAccess<'a>>(&mut self, key: Cow<'a, str>, map: &mut M) -> Result<(), M::Error> {
        match &*key {
            "id" => self.id = map.next_value::<Option<Text<'a>>>()?.map(|text| text.0),
            "from" => self.from = map.next_value::<Option<Text<'a>>>()?.map(|text| text.0),
            "to" => self.to = map.next_value()?,
            "target" => self.target = map.next_value()?,
            "type" => self.kind = map.next_value()?,
            "content" => self.content = map.next_value()?,
            "timestamp" => self.timestamp = map.next_value()?,
            "isBackground" => self.is_background = map.next_value::<Option<bool>>()?.unwrap_or_default(),
            "deliverAfter" => self.deliver_after = map.next_value()?,
            "ttlSeconds" => self.ttl_seconds = map.next_value()?,
            platform if PLATFORM_FIELDS.contains(&platform) => {
                map.next_value::<IgnoredAny>()?;
            }
            _ => self.ext.push((key, map.next_value()?)),
        }
        Ok(())
    }

    fn into_draft(self) -> Result<Draft, Refused> {
        let id = self.id.unwrap_or_default();
        if id.len() > MESSAGE_ID_BYTES_MAX {
            return Err(invalid(format!(
                "`id` has {} bytes; the limit is {MESSAGE_ID_BYTES_MAX}",
                id.len()
            )));
        }
        let from = self
            .from
            .filter(|from| !from.is_empty())
            .map(|from| address("from", &from))
            .transpose()?;
        Ok(Draft {
            from,
            to: addresses("to", self.to)?,
            target: addresses("target", self.target)?,
            kind: kind(self.kind)?,
            content: self
                .content
                .map_or_else(|| "{}".to_owned(), |content| minify(content.get())),
            timestamp_ms: self.timestamp,
            is_background: self.is_background,
            expires_at_ms: None,
            deliver_after_s: seconds("deliverAfter", self.deliver_after, (0, DELIVER_AFTER_S_MAX))?.unwrap_or_default(),
            ttl_s: seconds("ttlSeconds", self.ttl_seconds, (1, TTL_S_MAX))?,
            ext: ext(&self.ext),
            id: id.into_owned(),
        })
    }
}

fn invalid(detail: impl Into<Cow<'static, str>>) -> Refused {
    Refused::new(Refusal::InvalidField, detail)
}

fn seconds(field: &str, given: Option<u64>, (least, most): (u32, u32)) -> Result<Option<u32>, Refused> {
    let Some(given) = given else { return Ok(None) };
    let fitting = u32::try_from(given)
        .ok()
        .filter(|seconds| (least..=most).contains(seconds));
    let fitting = fitting.ok_or_else(|| invalid(format!("`{field}` is {least} to {most} seconds, not {given}")))?;
    Ok(Some(fitting))
}

fn address(field: &str, text: &str) -> Result<Address, Refused> {
    text.parse()
        .map_err(|e| invalid(format!("`{field}`: {text:?} is not a userId or an address: {e}")))
}

fn addresses(field: &str, given: Option<OneOrMany<'_>>) -> Result<Vec<Address>, Refused> {
    let given = match given {
        None => return Ok(Vec::new()),
        Some(OneOrMany::One(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(OneOrMany::One(text)) => return Ok(vec![address(field, &text)?]),
        Some(OneOrMany::Many(given)) => given,
    };
    if given.len() > TARGETS_MAX {
        return Err(invalid(format!(
            "`{field}` has {} names; the limit is {TARGETS_MAX}",
            given.len()
        )));
    }
    given
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| address(field, text))
        .collect()
}

fn kind(raw: Option<&RawValue>) -> Result<MessageKind, Refused> {
    raw.and_then(|raw| message_kind::read(raw.get()))
        .ok_or_else(|| invalid("`type` must be the number or the name of a message type, for example 0 or \"text\""))
}

/// Unknown fields as one object. A client's own `ext` object, as a resend of a received message has it, is not nested again.
fn ext(fields: &[(Cow<'_, str>, &RawValue)]) -> String {
    let mut out = String::new();
    for (key, value) in fields {
        let value = minify(value.get());
        out.push(if out.is_empty() { '{' } else { ',' });
        match value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            // Beside other fields it stays nested: two members of one name would be ambiguous.
            Some(inner) if key == "ext" && fields.len() == 1 && !inner.is_empty() => out.push_str(inner),
            _ => {
                push_string(&mut out, key);
                out.push(':');
                out.push_str(&value);
            }
        }
    }
    if !out.is_empty() {
        out.push('}');
    }
    out
}

enum OneOrMany<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

impl<'de: 'a, 'a> Deserialize<'de> for OneOrMany<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = OneOrMany<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<S: serde::de::SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let mut names = Vec::new();
                while let Some(Text(name)) = seq.next_element()? {
                    names.push(name);
                }
                Ok(OneOrMany::Many(names))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

/// Writes a message as one reader sees it. `reader` is given for messages rebuilt per member: it becomes `to`.
/// `seq` is left out where nobody's inbox is being read (whole conversations).
pub fn render_message(body: &str, reader: Option<&str>, seq: Option<u64>, stamp: &Stamp) -> String {
    let mut out = String::with_capacity(body.len() + 192);
    out.push('{');
    if let Some(reader) = reader {
        out.push_str("\"to\":");
        push_string(&mut out, reader);
        out.push(',');
    }
    out.push_str(body);
    push_stamp(&mut out, seq, stamp);
    out
}

/// Writes the numbered entry that tells a sender of a refused draft. `body` is what [`crate::body::refused`] made.
pub fn render_refused(body: &str, seq: u64, stamp: &Stamp) -> String {
    let mut out = String::with_capacity(body.len() + 160);
    out.push_str("{\"refused\":");
    out.push_str(body);
    push_stamp(&mut out, Some(seq), stamp);
    out
}

/// Writes the tombstone of a slot whose content is gone: under its number in the inbox that is being read, or under its
/// number in the conversation where a whole one is.
pub fn render_gone(reason: &str, seq: Option<u64>, conv_seq: u64) -> String {
    let mut out = match seq {
        Some(seq) => format!("{{\"seq\":{seq},\"gone\":"),
        None => format!("{{\"convSeq\":{conv_seq},\"gone\":"),
    };
    push_string(&mut out, reason);
    out.push('}');
    out
}

/// Writes the notice that stands for an entry of `bytes` bytes, where a client takes only smaller ones.
pub fn render_too_large(seq: u64, bytes: usize) -> String {
    format!("{{\"seq\":{seq},\"tooLarge\":{{\"bytes\":{bytes}}}}}")
}

/// Writes the entry that stands for a range of the inbox that is no longer kept.
pub fn render_gap(from: u64, to: u64) -> String {
    format!("{{\"seq\":{to},\"gap\":{{\"from\":{from},\"to\":{to}}}}}")
}

fn push_stamp(out: &mut String, seq: Option<u64>, stamp: &Stamp) {
    if let Some(seq) = seq {
        out.push_str(",\"seq\":");
        push_number(out, seq);
    }
    // Writing to a string cannot fail.
    let _ = write!(out, ",\"serverId\":\"{}\",\"serverTime\":", stamp.server_id);
    push_number(out, stamp.server_time_ms);
    if let Some((conversation, conv_seq)) = stamp.conversation {
        let _ = write!(out, ",\"conv\":\"{conversation}\",\"convSeq\":");
        push_number(out, conv_seq);
    }
    out.push('}');
}

#[cfg(test)]
mod tests;
