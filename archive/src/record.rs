//! A message as it is stored, and as a reader of an inbox or a conversation sees it.

use std::sync::Arc;

use bytes::Bytes;
use godwit_model::{AccountNo, ConversationKey, ServerId};

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A message with its body.
    Message,
    /// A permanent "no" to the sender of a draft, kept as a numbered entry.
    Refused,
    /// A number whose content is not there any more.
    Gone(GoneReason),
}

/// Why the content of a number is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoneReason {
    /// Its time to live has passed.
    Expired,
    /// The sender took it back.
    Recalled,
    /// It was erased on demand.
    Erased,
    /// The bytes on the disk do not match their checksum.
    Quarantined,
}

/// One stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: RecordKind,
    /// How the body is encoded; a number the archive only keeps.
    pub form: u8,
    /// The conversation it is numbered in, if any.
    pub conversation: Option<ConversationKey>,
    /// Its number in the conversation, from 1; 0 without a conversation.
    pub conv_seq: u64,
    /// The server's name of it, a UUIDv7 that carries `server_time_ms`.
    pub server_id: ServerId,
    /// When it was accepted, in milliseconds since 1970; never goes back.
    pub server_time_ms: u64,
    /// Who sent it; 0 is nobody.
    pub sender: AccountNo,
    /// The content; bytes the archive only keeps.
    pub body: Bytes,
}

/// One entry of an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its number in the inbox, from 1 without gaps.
    pub seq: u64,
    /// What stands there.
    pub record: Arc<Record>,
}
