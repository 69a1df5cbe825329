//! How postings lie in the tables of a sealed index. Times and segments are absolute, so that a merge copies bytes.

use godwit_model::{AccountNo, ConversationKey, ServerId};

use crate::index::Posting;
use crate::segment::Location;
use crate::sorted::table::Table;

// Entries start with their key in big-endian, so that they sort as bytes.
/// account 8, seq 6, time 6, segment 4, offset 4, tag 4.
pub(super) const INBOX_WIDTH: usize = 32;
/// conversation 16, seq 6, time 6, segment 4, offset 4.
pub(super) const CONVERSATION_WIDTH: usize = 36;
/// server id or duplicate key 16, segment 4, offset 4.
pub(super) const POINT_WIDTH: usize = 24;
/// Bytes of an entry that name its line.
pub(super) const INBOX_KEY: usize = 8;
pub(super) const CONVERSATION_KEY: usize = 16;

/// How one kind of line is laid out in its table.
pub(super) struct Layout<'a> {
    pub(super) table: &'a Table,
    /// The line's key, with which its entries start.
    pub(super) key: [u8; 16],
    pub(super) key_bytes: usize,
    /// Tag of the line's records, if they all have the same.
    pub(super) tag: u32,
}

impl Layout<'_> {
    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.key_bytes]
    }

    pub(super) fn key_of<'a>(&self, entry: &'a [u8]) -> &'a [u8] {
        &entry[..self.key_bytes]
    }

    pub(super) fn seq(&self, entry: &[u8]) -> u64 {
        big_48(&entry[self.key_bytes..])
    }

    pub(super) fn time_ms(&self, entry: &[u8]) -> u64 {
        big_48(&entry[self.key_bytes + 6..])
    }

    pub(super) fn posting(&self, entry: &[u8]) -> Posting {
        let rest = &entry[self.key_bytes + 12..];
        let tag = if self.key_bytes == INBOX_KEY {
            big_32(&rest[8..])
        } else {
            self.tag
        };
        Posting {
            seq: self.seq(entry),
            time_ms: self.time_ms(entry),
            tag,
            location: location(rest),
        }
    }
}

pub(super) fn inbox(account: u64, posting: &Posting) -> [u8; INBOX_WIDTH] {
    let mut entry = [0; INBOX_WIDTH];
    entry[..8].copy_from_slice(&account.to_be_bytes());
    put_place(&mut entry[8..], posting);
    entry[28..].copy_from_slice(&posting.tag.to_be_bytes());
    entry
}

pub(super) fn conversation(key: ConversationKey, posting: &Posting) -> [u8; CONVERSATION_WIDTH] {
    let mut entry = [0; CONVERSATION_WIDTH];
    entry[..16].copy_from_slice(&key.0.to_be_bytes());
    put_place(&mut entry[16..], posting);
    entry
}

pub(super) fn point(key: u128, location: Location) -> [u8; POINT_WIDTH] {
    let mut entry = [0; POINT_WIDTH];
    entry[..16].copy_from_slice(&key.to_be_bytes());
    put_location(&mut entry[16..], location);
    entry
}

/// Whose number an inbox entry is.
pub(super) fn account(entry: &[u8]) -> AccountNo {
    let first = entry.first_chunk();
    AccountNo(u64::from_be_bytes(
        *first.expect("entries are cut at the width of their table"),
    ))
}

/// Which message a point entry names.
pub(super) fn point_id(entry: &[u8]) -> ServerId {
    let first = entry.first_chunk();
    ServerId(u128::from_be_bytes(
        *first.expect("entries are cut at the width of their table"),
    ))
}

/// Where the record of a point entry is.
pub(super) fn point_location(entry: &[u8]) -> Location {
    location(&entry[16..])
}

fn put_place(out: &mut [u8], posting: &Posting) {
    // 48 bits are enough for the time of a UUIDv7, and for more numbers than one line will ever have.
    out[..6].copy_from_slice(&posting.seq.to_be_bytes()[2..]);
    out[6..12].copy_from_slice(&posting.time_ms.to_be_bytes()[2..]);
    put_location(&mut out[12..], posting.location);
}

fn put_location(out: &mut [u8], location: Location) {
    // 2^32 segments are out of reach.
    let segment = u32::try_from(location.segment).unwrap_or(u32::MAX);
    out[..4].copy_from_slice(&segment.to_be_bytes());
    out[4..8].copy_from_slice(&location.offset.to_be_bytes());
}

fn location(bytes: &[u8]) -> Location {
    Location {
        segment: big_32(bytes).into(),
        offset: big_32(&bytes[4..]),
    }
}

fn big_48(bytes: &[u8]) -> u64 {
    let mut whole = [0; 8];
    whole[2..].copy_from_slice(&bytes[..6]);
    u64::from_be_bytes(whole)
}

fn big_32(bytes: &[u8]) -> u32 {
    let first = bytes.first_chunk();
    u32::from_be_bytes(*first.expect("entries are cut at the width of their table"))
}
