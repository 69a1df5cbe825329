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
    /// When its content stops to be shown, in milliseconds since 1970; `None` is never.
    pub expires_at_ms: Option<u64>,
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

pub(crate) mod decode;
pub(crate) mod encode;

const GONE: u8 = 16;

impl RecordKind {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Message => 0,
            Self::Refused => 1,
            Self::Gone(GoneReason::Expired) => GONE,
            Self::Gone(GoneReason::Recalled) => GONE + 1,
            Self::Gone(GoneReason::Erased) => GONE + 2,
            Self::Gone(GoneReason::Quarantined) => GONE + 3,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [
            Self::Message,
            Self::Refused,
            Self::Gone(GoneReason::Expired),
            Self::Gone(GoneReason::Recalled),
            Self::Gone(GoneReason::Erased),
            Self::Gone(GoneReason::Quarantined),
        ]
        .into_iter()
        .find(|kind| kind.byte() == byte)
    }
}

impl GoneReason {
    /// The reasons a mark may state.
    pub(crate) fn is_mark(self) -> bool {
        matches!(self, Self::Recalled | Self::Erased)
    }
}

impl Record {
    /// What readers see once its content is gone: everything but the content.
    pub(crate) fn without_body(self, reason: GoneReason) -> Self {
        Self {
            kind: RecordKind::Gone(reason),
            body: Bytes::new(),
            ..self
        }
    }

    /// What readers see in the place of a record whose bytes are lost.
    pub(crate) fn quarantined(conversation: Option<ConversationKey>, conv_seq: u64, time_ms: u64) -> Self {
        Self {
            kind: RecordKind::Gone(GoneReason::Quarantined),
            form: 0,
            conversation,
            conv_seq,
            server_id: ServerId(0),
            server_time_ms: time_ms,
            expires_at_ms: None,
            sender: AccountNo(0),
            body: Bytes::new(),
        }
    }
}

const LOW: u128 = (1 << 64) - 1;

/// Thirty-two bits of a conversation, kept beside each number so that a filtered history reads no other bodies.
/// 0 is "none". The bits are stored, so the function must stay as it is.
pub(crate) fn conversation_tag(conversation: Option<ConversationKey>) -> u32 {
    let Some(ConversationKey(key)) = conversation else {
        return 0;
    };
    // Each half is a number by itself; an odd multiplier spreads both over the high bits.
    let folded = ((key & LOW) as u64) ^ ((key >> 64) as u64).rotate_left(29);
    ((folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32).max(1)
}
