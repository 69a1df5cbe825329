//! What an app reads out of the local table.

use serde_json::Value;

use crate::content::Content;
use crate::kind::Kind;
use crate::wire::{Envelope, sides};

/// A message of the inbox, or the place of one whose content is gone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Its number in the inbox; messages are in its order.
    pub seq: u64,
    /// The sender's own id of it.
    pub id: String,
    /// The platform's id of it.
    pub server_id: String,
    /// Its conversation.
    pub conv: String,
    /// Its number in the conversation.
    pub conv_seq: u64,
    /// Who wrote it: in a group, the member.
    pub sender: String,
    /// Where an answer goes: the group, or the other side.
    pub address: String,
    /// Whether this account wrote it, on whichever device.
    pub is_mine: bool,
    /// What it says.
    pub content: Content,
    /// The sender's time, in milliseconds since 1970. It orders nothing.
    pub timestamp: Option<i64>,
    /// When it was accepted, in milliseconds since 1970.
    pub server_time: u64,
    /// For the app rather than for eyes.
    pub is_background: bool,
    /// Fields of the draft the platform does not know.
    pub ext: Option<Value>,
    /// Why the content is gone (`recalled`, `erased`, `expired`), if it is.
    pub gone: Option<String>,
}

/// What the local table holds of an entry beside its body.
pub(crate) struct Row {
    pub(crate) seq: u64,
    pub(crate) gone: bool,
    pub(crate) id: Option<String>,
    pub(crate) server_id: Option<String>,
    pub(crate) conv: Option<String>,
    pub(crate) conv_seq: u64,
    pub(crate) sender: Option<String>,
    pub(crate) body: String,
}

impl Message {
    /// Reads a body as it came. `None` if it is no envelope.
    pub(crate) fn read(body: &str, me: &str) -> Option<Self> {
        let envelope: Envelope = serde_json::from_str(body).ok()?;
        let target = envelope.target.into_vec();
        let (sender, address) = sides(&envelope.from, &envelope.to, &target, me);
        let kind = envelope.kind.unwrap_or(Kind::Number(-1));
        Some(Self {
            seq: envelope.seq,
            id: envelope.id,
            server_id: envelope.server_id.unwrap_or_default(),
            conv: envelope.conv,
            conv_seq: envelope.conv_seq,
            is_mine: sender == me,
            sender,
            address,
            content: Content::read(&kind, &envelope.content),
            timestamp: envelope.timestamp,
            server_time: envelope.server_time,
            is_background: envelope.is_background,
            ext: envelope.ext,
            gone: None,
        })
    }

    /// Reads a row: its body, or what is still known where the content is gone.
    pub(crate) fn of(row: Row, me: &str) -> Option<Self> {
        if !row.gone {
            return Self::read(&row.body, me);
        }
        let tombstone: Value = serde_json::from_str(&row.body).ok()?;
        let sender = row.sender.unwrap_or_default();
        Some(Self {
            seq: row.seq,
            id: row.id.unwrap_or_default(),
            server_id: row.server_id.unwrap_or_default(),
            conv: row.conv.unwrap_or_default(),
            conv_seq: row.conv_seq,
            is_mine: sender == me,
            sender,
            address: String::new(),
            content: Content::Other {
                kind: Kind::Number(-1),
                content: Value::Null,
            },
            timestamp: None,
            server_time: 0,
            is_background: false,
            ext: None,
            gone: Some(tombstone["gone"].as_str().unwrap_or("unknown").to_owned()),
        })
    }
}

/// A conversation as a list shows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Conversation {
    /// Its id.
    pub conv: String,
    /// Where a draft for it goes.
    pub address: String,
    /// Its newest message that is for eyes.
    pub last: Option<Message>,
    /// How many messages for eyes, of others, are newer than what was read here.
    pub unread: u64,
    /// Up to where it was read here.
    pub read_seq: u64,
}

/// A draft on its way.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outgoing {
    /// The local id, which is the message's id, too.
    pub id: String,
    /// Where it goes, in canonical spelling.
    pub address: String,
    /// What it says; `None` once it is accepted and stands among the messages.
    pub content: Option<Content>,
    /// When it was handed over, in milliseconds since 1970, by the device's clock.
    pub created_ms: u64,
    /// How far it got.
    pub state: OutgoingState,
}

/// How far a draft got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutgoingState {
    /// On this device's disk.
    Queued,
    /// On the platform's disk; its numbers are not known here yet. On MQTT 3.1.1 it may still turn out to be refused.
    Sent,
    /// A message, with its numbers.
    Accepted {
        /// The platform's id.
        server_id: String,
        /// Its conversation.
        conv: String,
        /// Its number there.
        conv_seq: u64,
        /// Its number in this account's inbox.
        seq: u64,
    },
    /// Refused. It is not sent again unless the app asks.
    Refused {
        /// The stable code.
        code: String,
        /// For people.
        detail: String,
    },
}
