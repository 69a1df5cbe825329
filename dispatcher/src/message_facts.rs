//! What a stored message says that matters to whoever counts it or is woken by it.

use godwit_archive::{Record, RecordKind};
use godwit_model::{CallStatus, MessageKind, MessageType, PushClass, UserId};
use godwit_protocol::body::FORM_FROM_APP;
use godwit_protocol::{content, message_kind};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a sender may say about the push of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PushOptions {
    /// No push at all.
    pub(crate) off: bool,
    /// Words in the place of the template's; an app's only.
    pub(crate) title: Option<String>,
    /// The same for the text under it.
    pub(crate) body: Option<String>,
    /// Name of a sound the app brings.
    pub(crate) sound: Option<String>,
    /// How long it is of use, in seconds.
    pub(crate) ttl_seconds: Option<u64>,
    /// Whether it is advertising; an app's only.
    pub(crate) marketing: bool,
}

/// A call that a message speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallFacts {
    pub(crate) status: CallStatus,
    pub(crate) room: String,
}

/// What a message says.
#[derive(Clone, Debug)]
pub(crate) struct MessageFacts {
    /// The name of its type; what the sender wrote where it is no published one.
    pub(crate) type_name: String,
    pub(crate) class: PushClass,
    pub(crate) is_background: bool,
    pub(crate) call: Option<CallFacts>,
    /// Whom readers see as its author: a user, or an app.
    pub(crate) author: String,
    /// The group it was said in.
    pub(crate) group: Option<String>,
    pub(crate) content: Value,
    pub(crate) options: PushOptions,
    pub(crate) is_from_app: bool,
    mentions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored<'a> {
    #[serde(default)]
    from: String,
    #[serde(default)]
    target: Value,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    is_background: bool,
    #[serde(default)]
    ext: Ext,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ext {
    mentions: Value,
    push: Value,
}

impl MessageFacts {
    /// `None` for what is no message any more, or never was one.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        if record.kind != RecordKind::Message {
            return None;
        }
        let text = format!("{{{}}}", std::str::from_utf8(&record.body).ok()?);
        let stored: Stored<'_> = serde_json::from_str(&text).ok()?;
        let kind = message_kind::read(stored.kind?.get())?;
        let content = stored.content.map_or("null", RawValue::get);
        let (class, call) = meaning(&kind, content);
        let is_group = stored.from.starts_with("g:");
        let author = match &stored.target {
            Value::String(sender) if is_group => sender.clone(),
            _ => stored.from.clone(),
        };
        Some(Self {
            type_name: kind
                .published()
                .map_or_else(|| kind.to_string(), |known| known.name().to_owned()),
            class,
            is_background: stored.is_background,
            call,
            author,
            group: is_group.then(|| stored.from.clone()),
            content: serde_json::from_str(content).unwrap_or_default(),
            options: serde_json::from_value(stored.ext.push).unwrap_or_default(),
            is_from_app: record.form & FORM_FROM_APP != 0,
            mentions: names(&stored.ext.mentions),
        })
    }

    /// Whether it names this reader.
    pub(crate) fn mentions(&self, user: &UserId) -> bool {
        self.mentions.iter().any(|name| name == "all" || name == user.as_str())
    }

    /// The message that it says was taken back, by its number in the conversation.
    pub(crate) fn withdrawn(&self) -> Option<u64> {
        let is_notice = self.type_name == MessageType::Withdrawn.name();
        let number = self.content.get("convSeq").and_then(Value::as_u64);
        number.filter(|_| is_notice)
    }

    /// Whether it counts as unread at those who did not write it.
    pub(crate) fn counts(&self) -> bool {
        self.class == PushClass::Notify && !self.is_background
    }
}

fn names(said: &Value) -> Vec<String> {
    match said {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn meaning(kind: &MessageKind, text: &str) -> (PushClass, Option<CallFacts>) {
    let Some(published) = kind.published() else {
        return (PushClass::Notify, None);
    };
    // What was accepted conforms; what an older version accepted may not, and goes by its type.
    let class = content::conforms(published, text).map_or(published.push_class(), |meaning| meaning.push_class);
    let call = matches!(class, PushClass::Ring | PushClass::StopRinging).then(|| call(text));
    (class, call.flatten())
}

fn call(text: &str) -> Option<CallFacts> {
    let said: Value = serde_json::from_str(text).ok()?;
    let signal = said.get("content")?;
    let room = match signal.get("roomId")? {
        Value::String(room) => room.clone(),
        other => other.to_string(),
    };
    let status = signal.get("status")?.as_str()?.parse().ok()?;
    Some(CallFacts { status, room })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use bytes::Bytes;
    use godwit_model::{AccountNo, ConversationKey, ServerId};

    /// A message of account 1 to account 2.
    pub(crate) fn record(body: &str) -> Record {
        Record {
            kind: RecordKind::Message,
            form: 0,
            conversation: Some(ConversationKey::single(AccountNo(1), AccountNo(2))),
            conv_seq: 7,
            server_id: ServerId(1),
            server_time_ms: 1_000,
            expires_at_ms: None,
            sender: AccountNo(1),
            body: Bytes::from(body.to_owned()),
        }
    }

    #[test]
    fn a_group_message_has_its_sender_as_author_and_says_whom_it_names() {
        let body = r#""id":"1","from":"g:team","target":"ann","type":0,"content":{"text":"hi"},
            "isBackground":false,"ext":{"mentions":["bob"],"push":{"off":true,"later":1}}"#;
        let facts = MessageFacts::of(&record(body)).unwrap();
        assert_eq!((facts.author.as_str(), facts.group.as_deref()), ("ann", Some("g:team")));
        assert_eq!((facts.type_name.as_str(), facts.counts()), ("text", true));
        assert!(facts.mentions(&"bob".parse().unwrap()) && !facts.mentions(&"ann".parse().unwrap()));
        assert!(facts.options.off);
    }

    #[test]
    fn a_call_rings_although_it_is_for_the_background() {
        let body = r#""id":"1","from":"ann","to":"bob","target":"","type":6,"isBackground":true,
            "content":{"type":"call","content":{"status":"invite","roomId":77}}"#;
        let facts = MessageFacts::of(&record(body)).unwrap();
        let room = "77".to_owned();
        let status = CallStatus::Invite;
        assert_eq!(
            (facts.class, facts.call),
            (PushClass::Ring, Some(CallFacts { status, room }))
        );
    }

    #[test]
    fn an_unknown_type_counts_and_other_bytes_are_no_message() {
        let body = r#""id":"1","from":"ann","type":"order/new","content":1,"isBackground":false"#;
        let facts = MessageFacts::of(&record(body)).unwrap();
        assert!(facts.counts() && facts.type_name.contains("order/new"), "{facts:?}");
        assert!(MessageFacts::of(&record("not json")).is_none());
    }
}
