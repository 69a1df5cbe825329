//! One event: from a message of the log, or as it was noted; and how a receiver reads it.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use godwit_archive::{Record, RecordKind};
use godwit_model::{MessageKind, MessageType, ServerId, TenantNo};
use godwit_protocol::message_kind;
use godwit_registry::{Delivery, StoredEvent};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::kind::EventKind;
use crate::{new_message_id, render};

/// Where an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A message of the log.
    Message(ServerId),
    /// It was noted.
    Noted,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The same for every repeat.
    pub(crate) id: String,
    pub(crate) kind: EventKind,
    pub(crate) at_ms: u64,
    /// JSON.
    pub(crate) data: String,
    /// Events with the same one are told in their order.
    pub(crate) key: u64,
    pub(crate) origin: Origin,
}

/// An event for whoever asked for it.
#[derive(Clone, Debug)]
pub struct PulledEvent {
    /// The same for every repeat.
    pub id: String,
    /// What a webhook would be sent: JSON with `type`, `timestamp` and `data`.
    pub body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said<'a> {
    #[serde(borrow, default)]
    tenant_no: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

fn with_said<T>(record: &Record, look: impl FnOnce(&Said<'_>) -> Option<T>) -> Option<T> {
    if record.kind != RecordKind::Message {
        return None;
    }
    let text = format!("{{{}}}", std::str::from_utf8(&record.body).ok()?);
    look(&serde_json::from_str(&text).ok()?)
}

fn kind_of(said: &Said<'_>) -> EventKind {
    match said.kind.and_then(|kind| message_kind::read(kind.get())) {
        Some(MessageKind::Published(MessageType::GroupChange)) => EventKind::GroupChanged,
        Some(MessageKind::Published(MessageType::Withdrawn)) => EventKind::MessageWithdrawn,
        _ => EventKind::MessageAccepted,
    }
}

/// Whose a stored message is, and which kind of event; `None` for what is no message any more, or never was one.
pub(crate) fn classify(record: &Record) -> Option<(TenantNo, EventKind)> {
    with_said(record, |said| {
        Some((TenantNo(said.tenant_no.parse().ok()?), kind_of(said)))
    })
}

/// The event of a stored message.
pub(crate) fn of_record(record: &Record, kind: EventKind) -> Event {
    let data = match kind {
        EventKind::GroupChanged => group_change(record).to_string(),
        _ => format!("{{\"message\":{}}}", render::in_conversation(record)),
    };
    Event {
        id: format!("msg_{}", record.server_id),
        kind,
        at_ms: record.server_time_ms,
        data,
        key: record.conversation.map_or(0, |conversation| hash(&conversation.0)),
        origin: Origin::Message(record.server_id),
    }
}

fn group_change(record: &Record) -> Value {
    let said = with_said(record, |said| serde_json::from_str::<Value>(said.content?.get()).ok());
    let mut said = said.filter(Value::is_object).unwrap_or_else(|| json!({}));
    said["conv"] = record.conversation.map(|conversation| conversation.to_string()).into();
    said["convSeq"] = record.conv_seq.into();
    said["serverId"] = record.server_id.to_string().into();
    said
}

/// The event that was noted; `None` where a newer platform noted what this one does not know.
pub(crate) fn of_stored(stored: StoredEvent) -> Option<Event> {
    Some(Event {
        kind: stored.kind.parse().ok()?,
        key: key_of(&stored.data, &stored.id),
        id: stored.id,
        at_ms: stored.at_ms,
        data: stored.data,
        origin: Origin::Noted,
    })
}

/// The event that waits, if it was noted.
pub(crate) fn of_delivery(delivery: &Delivery) -> Option<Event> {
    let data = delivery.data.clone()?;
    Some(Event {
        id: delivery.event_id.clone(),
        kind: delivery.kind.parse().ok()?,
        at_ms: delivery.event_at_ms,
        key: key_of(&data, &delivery.event_id),
        data,
        origin: Origin::Noted,
    })
}

/// What is about the same user is told in its order.
fn key_of(data: &str, id: &str) -> u64 {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct About<'a> {
        #[serde(borrow)]
        user_id: Cow<'a, str>,
    }
    match serde_json::from_str::<About<'_>>(data) {
        Ok(about) => hash(&about.user_id),
        Err(_) => hash(&id),
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// An event to be noted. With a key it is the same one, whenever it is noted. `None` where the host gives no randomness.
pub(crate) fn stored(
    tenant: TenantNo,
    kind: EventKind,
    (at_ms, key): (u64, Option<&str>),
    data: String,
) -> Option<StoredEvent> {
    let id = match key {
        Some(key) => {
            let hash = blake3::hash(format!("{tenant} {kind} {key}").as_bytes()).to_hex();
            format!("evt_{}", hash.get(..32).unwrap_or_default())
        }
        None => format!("evt_{}", new_message_id(at_ms).ok()?),
    };
    Some(StoredEvent {
        no: 0,
        id,
        tenant,
        kind: kind.as_str().to_owned(),
        at_ms,
        data,
    })
}

impl Event {
    /// As it is sent.
    pub(crate) fn body(&self) -> String {
        body(self.kind.as_str(), self.at_ms, &self.data)
    }

    pub(crate) fn pulled(&self) -> PulledEvent {
        PulledEvent {
            body: self.body(),
            id: self.id.clone(),
        }
    }
}

/// What a receiver gets: the form that the Standard Webhooks specification suggests.
pub(crate) fn body(kind: &str, at_ms: u64, data: &str) -> String {
    format!(
        "{{\"type\":\"{kind}\",\"timestamp\":\"{}\",\"data\":{data}}}",
        time(at_ms)
    )
}

/// A time as ISO 8601 writes it, in UTC.
fn time(at_ms: u64) -> String {
    let at = i64::try_from(at_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", at.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_facts::tests::record;

    #[test]
    fn a_message_is_an_event_of_its_tenant() {
        let body = r#""id":"1","from":"ann","to":"bob","tenantNo":"3","target":"","type":0,"content":{"text":"hi"}"#;
        let record = record(body);
        assert_eq!(classify(&record), Some((TenantNo(3), EventKind::MessageAccepted)));
        let event = of_record(&record, EventKind::MessageAccepted);
        let sent: Value = serde_json::from_str(&event.body()).unwrap();
        assert_eq!(sent["type"], "message.accepted");
        assert_eq!(sent["timestamp"], "1970-01-01T00:00:01.000Z");
        assert_eq!(sent["data"]["message"]["content"]["text"], "hi");
        assert_eq!(event.id, "msg_00000000-0000-0000-0000-000000000001");
    }

    #[test]
    fn a_change_of_a_group_says_what_changed() {
        let body = r#""id":"1","from":"g:team","tenantNo":"3","target":"ann","type":"groupChange",
            "content":{"event":"joined","groupId":"team","members":["bob"]}"#;
        let record = record(body);
        assert_eq!(classify(&record), Some((TenantNo(3), EventKind::GroupChanged)));
        let data: Value = serde_json::from_str(&of_record(&record, EventKind::GroupChanged).data).unwrap();
        assert_eq!((&data["event"], &data["convSeq"]), (&json!("joined"), &json!(7)));
    }

    #[test]
    fn what_is_noted_twice_under_a_key_is_one_event() {
        let note = |key| {
            stored(TenantNo(1), EventKind::ReceiptRead, (5, key), "{}".to_owned())
                .unwrap()
                .id
        };
        assert_eq!(note(Some("a")), note(Some("a")));
        assert_ne!(note(Some("a")), note(Some("b")));
        assert_ne!(note(None), note(None));
    }
}
