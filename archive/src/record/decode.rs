//! Reads the bodies of frames; whatever the bytes are, the answer is a value or `None`.

use std::ops::Range;

use bytes::Bytes;
use godwit_model::{AccountNo, ConversationKey, DeviceNo, ServerId};

use super::encode::{
    ChunkHead, FORGOTTEN, HAS_CONVERSATION, HAS_DUPLICATE_KEY, HAS_EXPIRY, PLACE, PLACE_AND_SESSION, SEALED,
    conversation_of,
};
use crate::device::{DeviceState, SessionState};
use crate::entry::DuplicateKey;
use crate::marks::Mark;
use crate::record::{Record, RecordKind};
use crate::seal::{self, KeyRing};
use crate::segment::Location;
use crate::varint::Scan;

/// Where the byte of the kind stands in a message or an intent.
pub(crate) const KIND_OFFSET: usize = 1;

/// A stored message.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) record: Record,
    pub(crate) key: Option<DuplicateKey>,
    /// Whether the record's body is encrypted; [`Stored::opened`] opens it.
    pub(crate) sealed: bool,
    /// How many recipients follow.
    pub(crate) recipients: usize,
    /// Where the content stands in the frame's body, zeros included.
    pub(crate) content: Range<usize>,
    /// The recipients' bytes.
    rest: Bytes,
}

/// Reads a message or an intent; the record's body shares the memory of `body`.
pub(crate) fn stored(body: &Bytes) -> Option<Stored> {
    let mut scan = Scan::new(body);
    let flags = scan.u8()?;
    let kind = RecordKind::from_byte(scan.u8()?)?;
    let form = scan.u8()?;
    let server_id = ServerId(scan.u128()?);
    let sender = AccountNo(scan.varint()?);
    let (mut conversation, mut conv_seq, mut key) = (None, 0, None);
    if flags & HAS_CONVERSATION != 0 {
        conversation = Some(ConversationKey(scan.u128()?));
        conv_seq = scan.varint()?;
    }
    if flags & HAS_DUPLICATE_KEY != 0 {
        key = Some(DuplicateKey {
            key: scan.u128()?,
            body: scan.u128()?,
        });
    }
    let expires_at_ms = if flags & HAS_EXPIRY == 0 {
        None
    } else {
        Some(scan.varint()?)
    };
    let length = scan.count()?;
    let start = scan.position();
    scan.bytes(length)?;
    let content = start..start + length;
    // What is gone has zeros where its body was.
    let shown = if matches!(kind, RecordKind::Gone(_)) { 0 } else { length };
    let recipients = scan.count()?;
    let record = Record {
        kind,
        form,
        conversation,
        conv_seq,
        server_id,
        server_time_ms: time_of(server_id),
        expires_at_ms,
        sender,
        body: body.slice(start..start + shown),
    };
    Some(Stored {
        sealed: flags & SEALED != 0 && !matches!(kind, RecordKind::Gone(_)),
        content,
        record,
        key,
        recipients,
        rest: body.slice(scan.position()..),
    })
}

/// The time a UUIDv7 carries, in milliseconds.
pub(crate) fn time_of(id: ServerId) -> u64 {
    // 48 bits remain.
    (id.0 >> 80) as u64
}

impl Stored {
    /// With its body in the clear, or gone if no key opens it.
    pub(crate) fn opened(self, keys: Option<&KeyRing>) -> Self {
        if !self.sealed {
            return self;
        }
        Self {
            record: seal::opened(keys, self.record),
            sealed: false,
            ..self
        }
    }

    /// The recipients of a message with their numbers.
    pub(crate) fn numbers(&self) -> Option<Vec<(AccountNo, u64)>> {
        numbered(&mut Scan::new(&self.rest), self.recipients)
    }

    /// The recipients of an intent.
    pub(crate) fn accounts(&self) -> Option<Vec<AccountNo>> {
        let mut scan = Scan::new(&self.rest);
        let mut accounts = Vec::with_capacity(self.recipients.min(self.rest.len()));
        let mut last = 0_u64;
        for _ in 0..self.recipients {
            last = last.checked_add(scan.varint()?)?;
            accounts.push(AccountNo(last));
        }
        Some(accounts)
    }
}

fn numbered(scan: &mut Scan<'_>, count: usize) -> Option<Vec<(AccountNo, u64)>> {
    let mut numbers = Vec::with_capacity(count.min(scan.left()));
    let mut last = 0_u64;
    for _ in 0..count {
        last = last.checked_add(scan.varint()?)?;
        numbers.push((AccountNo(last), scan.varint()?));
    }
    Some(numbers)
}

/// Reads a chunk.
pub(crate) fn chunk(body: &[u8]) -> Option<(ChunkHead, Vec<(AccountNo, u64)>)> {
    let mut scan = Scan::new(body);
    let intent = Location {
        segment: scan.varint()?,
        offset: u32::try_from(scan.varint()?).ok()?,
    };
    let head = ChunkHead {
        intent,
        tag: scan.u32()?,
        time_ms: scan.varint()?,
        start: scan.varint()?,
        last: scan.u8()? != 0,
    };
    let count = scan.count()?;
    Some((head, numbered(&mut scan, count)?))
}

/// Reads one device.
pub(crate) fn device(scan: &mut Scan<'_>) -> Option<(DeviceNo, Option<DeviceState>)> {
    let device = DeviceNo(scan.varint()?);
    let form = scan.u8()?;
    if form == FORGOTTEN {
        return Some((device, None));
    }
    let account = AccountNo(scan.varint()?);
    let cursor = scan.varint()?;
    let session = match form {
        PLACE => None,
        PLACE_AND_SESSION => Some(SessionState {
            subscriptions: scan.u8()?,
            expiry_s: scan.u32()?,
            ended_at_ms: scan.varint()?,
        }),
        _ => return None,
    };
    Some((
        device,
        Some(DeviceState {
            account,
            cursor,
            session,
        }),
    ))
}

/// Reads all devices of a frame.
pub(crate) fn devices(body: &[u8]) -> Option<Vec<(DeviceNo, Option<DeviceState>)>> {
    let mut scan = Scan::new(body);
    let mut devices = Vec::new();
    while scan.left() > 0 {
        devices.push(device(&mut scan)?);
    }
    Some(devices)
}

/// Reads one mark.
pub(crate) fn mark(scan: &mut Scan<'_>) -> Option<(ServerId, Mark)> {
    let id = ServerId(scan.u128()?);
    let RecordKind::Gone(reason) = RecordKind::from_byte(scan.u8()?)? else {
        return None;
    };
    let at_ms = scan.varint()?;
    reason.is_mark().then_some((id, Mark { reason, at_ms }))
}

/// Numbers that a commit gave to accounts and to conversations.
pub(crate) type Numbers = (Vec<(AccountNo, u64)>, Vec<(ConversationKey, u64)>);

/// Reads the highest numbers a commit gave.
pub(crate) fn numbers(body: &[u8]) -> Option<Numbers> {
    let mut scan = Scan::new(body);
    let count = scan.count()?;
    let accounts = numbered(&mut scan, count)?;
    let mut conversations = Vec::new();
    for _ in 0..scan.count()? {
        let conversation = conversation_of([scan.varint()?, scan.varint()?, scan.varint()?])?;
        conversations.push((conversation, scan.varint()?));
    }
    Some((accounts, conversations))
}

/// Reads all marks of a frame.
pub(crate) fn marks(body: &[u8]) -> Option<Vec<(ServerId, Mark)>> {
    let mut scan = Scan::new(body);
    let mut marks = Vec::new();
    while scan.left() > 0 {
        marks.push(mark(&mut scan)?);
    }
    Some(marks)
}

#[cfg(test)]
#[path = "decode/tests.rs"]
mod tests;
