//! Writes the bodies of frames.

use godwit_model::{AccountNo, ConversationKey, DeviceNo, ServerId};

use crate::device::DeviceState;
use crate::entry::DuplicateKey;
use crate::marks::Mark;
use crate::record::{Record, RecordKind};
use crate::segment::Location;
use crate::varint::{VARINT_BYTES_MAX, put};

pub(super) const HAS_CONVERSATION: u8 = 1;
pub(super) const HAS_DUPLICATE_KEY: u8 = 2;
pub(super) const HAS_EXPIRY: u8 = 4;
pub(super) const SEALED: u8 = 8;

/// Most bytes of a stored message besides its body and its recipients, its conversation's number once more included.
pub(crate) const MESSAGE_BYTES_MAX: usize = 176;

/// Most bytes of one mark.
pub(crate) const MARK_BYTES_MAX: usize = 16 + 1 + VARINT_BYTES_MAX;

/// Most bytes of one device's state.
pub(crate) const DEVICE_BYTES_MAX: usize = 48;

/// What stands before the recipients.
pub(crate) struct Front<'a> {
    pub(crate) record: &'a Record,
    pub(crate) key: Option<DuplicateKey>,
    /// Stands in the place of the record's body.
    pub(crate) sealed: Option<&'a [u8]>,
}

/// A message and the numbers its recipients got. Accounts ascend.
pub(crate) fn message(out: &mut Vec<u8>, front: &Front<'_>, numbers: &[(AccountNo, u64)]) {
    put_front(out, front);
    numbered(out, numbers);
}

/// A message and whom to number later. Accounts ascend.
pub(crate) fn intent(out: &mut Vec<u8>, front: &Front<'_>, recipients: &[AccountNo]) {
    put_front(out, front);
    put(out, recipients.len() as u64);
    let mut last = 0;
    for account in recipients {
        put(out, account.0 - last);
        last = account.0;
    }
}

fn put_front(out: &mut Vec<u8>, front: &Front<'_>) {
    let Front { record, key, sealed } = *front;
    let conversation = if record.conversation.is_some() {
        HAS_CONVERSATION
    } else {
        0
    };
    let duplicate = if key.is_some() { HAS_DUPLICATE_KEY } else { 0 };
    let expiry = if record.expires_at_ms.is_some() { HAS_EXPIRY } else { 0 };
    let cipher = if sealed.is_some() { SEALED } else { 0 };
    let flags = conversation | duplicate | expiry | cipher;
    out.extend_from_slice(&[flags, record.kind.byte(), record.form]);
    out.extend_from_slice(&record.server_id.0.to_le_bytes());
    put(out, record.sender.0);
    if let Some(conversation) = record.conversation {
        out.extend_from_slice(&conversation.0.to_le_bytes());
        put(out, record.conv_seq);
    }
    if let Some(key) = key {
        out.extend_from_slice(&key.key.to_le_bytes());
        out.extend_from_slice(&key.body.to_le_bytes());
    }
    if let Some(expires) = record.expires_at_ms {
        put(out, expires);
    }
    let body = sealed.unwrap_or(&record.body);
    put(out, body.len() as u64);
    out.extend_from_slice(body);
}

fn numbered(out: &mut Vec<u8>, numbers: &[(AccountNo, u64)]) {
    put(out, numbers.len() as u64);
    let mut last = 0;
    for (account, seq) in numbers {
        put(out, account.0 - last);
        put(out, *seq);
        last = account.0;
    }
}

/// What a chunk says besides its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkHead {
    /// Where the intent stands.
    pub(crate) intent: Location,
    /// Tag of its conversation.
    pub(crate) tag: u32,
    /// When these numbers were given.
    pub(crate) time_ms: u64,
    /// Index of the first of these recipients in the intent.
    pub(crate) start: u64,
    /// Whether these are the last ones.
    pub(crate) last: bool,
}

/// Numbers of some recipients of an intent. Accounts ascend.
pub(crate) fn chunk(out: &mut Vec<u8>, head: &ChunkHead, numbers: &[(AccountNo, u64)]) {
    put(out, head.intent.segment);
    put(out, u64::from(head.intent.offset));
    out.extend_from_slice(&head.tag.to_le_bytes());
    put(out, head.time_ms);
    put(out, head.start);
    out.push(u8::from(head.last));
    numbered(out, numbers);
}

/// One message that was taken back.
pub(crate) fn mark(out: &mut Vec<u8>, id: ServerId, mark: Mark) {
    out.extend_from_slice(&id.0.to_le_bytes());
    out.push(RecordKind::Gone(mark.reason).byte());
    put(out, mark.at_ms);
}

/// The highest numbers a commit gave, once more. Accounts ascend.
pub(crate) fn numbers<'a>(
    out: &mut Vec<u8>,
    accounts: &[(AccountNo, u64)],
    conversations: impl ExactSizeIterator<Item = (&'a ConversationKey, &'a u64)>,
) {
    numbered(out, accounts);
    put(out, conversations.len() as u64);
    for (conversation, seq) in conversations {
        for part in conversation_parts(*conversation) {
            put(out, part);
        }
        put(out, *seq);
    }
}

const PART_BITS: u32 = 60;
const PART: u128 = (1 << PART_BITS) - 1;

/// A conversation's key in three numbers, which are small for most.
fn conversation_parts(conversation: ConversationKey) -> [u64; 3] {
    [2 * PART_BITS, PART_BITS, 0].map(|shift| ((conversation.0 >> shift) & PART) as u64)
}

/// The key again.
pub(super) fn conversation_of(parts: [u64; 3]) -> Option<ConversationKey> {
    let fits = parts[0] >> (u128::BITS - 2 * PART_BITS) == 0 && parts.iter().all(|part| u128::from(*part) <= PART);
    let key = parts.iter().fold(0, |key, part| key << PART_BITS | u128::from(*part));
    fits.then_some(ConversationKey(key))
}

/// Bytes that mark a device's form.
pub(super) const FORGOTTEN: u8 = 0;
pub(super) const PLACE: u8 = 1;
pub(super) const PLACE_AND_SESSION: u8 = 2;

/// One device; `None` forgets it.
pub(crate) fn device(out: &mut Vec<u8>, device: DeviceNo, state: Option<&DeviceState>) {
    put(out, device.0);
    let Some(state) = state else {
        out.push(FORGOTTEN);
        return;
    };
    out.push(if state.session.is_some() {
        PLACE_AND_SESSION
    } else {
        PLACE
    });
    put(out, state.account.0);
    put(out, state.cursor);
    if let Some(session) = state.session {
        out.push(session.subscriptions);
        out.extend_from_slice(&session.expiry_s.to_le_bytes());
        put(out, session.ended_at_ms);
    }
}
