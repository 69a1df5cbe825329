//! The index of a finished segment: one immutable file of sorted tables, of which only fences and a filter are in memory.

use std::io;
use std::sync::Arc;

use godwit_model::{ConversationKey, ServerId};

use super::{Line, Posting, SegmentIndex, Window};
use crate::disk::DiskFile;
use crate::query::ReadError;
use crate::record::conversation_tag;
use crate::segment::{Location, Segment};

pub(crate) mod build;
mod filter;
mod open;
mod table;
pub(crate) mod verify;

use filter::Filter;
pub(crate) use open::{Opened, open};
use table::{BlockError, Table, TableWalk};

/// The name of a sealed index's file.
pub(crate) fn name(no: u64) -> String {
    format!("segment-{no:016x}.idx")
}

/// Whether a file of this name is a sealed index.
pub(crate) fn is_name(name: &str) -> bool {
    number(name).is_some()
}

/// The number in an index's file name.
pub(crate) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".idx")?;
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok())?
}

// Entries start with their key in big-endian, so that they sort as bytes.
/// account 8, seq 8, time 4, tag 4, offset 4, segments back 4.
const INBOX_WIDTH: usize = 32;
/// conversation 16, seq 8, time 4, offset 4.
const CONVERSATION_WIDTH: usize = 32;
/// server id or duplicate key 16, offset 4.
const POINT_WIDTH: usize = 20;

/// An open sealed index.
pub(crate) struct SealedIndex {
    segment: Segment,
    file: Arc<dyn DiskFile>,
    /// Times in the tables count from here.
    first_ms: u64,
    last_ms: u64,
    first_id: ServerId,
    last_id: ServerId,
    inboxes: Table,
    conversations: Table,
    messages: Table,
    originals: Table,
    filter: Filter,
}

/// How one kind of line is laid out in its table.
struct Layout<'a> {
    table: &'a Table,
    /// The line's key, with which its entries start.
    key: [u8; 16],
    key_bytes: usize,
    tag: u32,
}

impl Layout<'_> {
    fn key(&self) -> &[u8] {
        &self.key[..self.key_bytes]
    }

    /// `seq` and time of an entry.
    fn place(&self, entry: &[u8]) -> (u64, u32) {
        (big_u64(&entry[self.key_bytes..]), big_u32(&entry[self.key_bytes + 8..]))
    }
}

impl SealedIndex {
    fn layout(&self, line: Line) -> Layout<'_> {
        let mut key = [0; 16];
        match line {
            Line::Inbox(account) => {
                key[..8].copy_from_slice(&account.0.to_be_bytes());
                Layout {
                    table: &self.inboxes,
                    key,
                    key_bytes: 8,
                    tag: 0,
                }
            }
            Line::Conversation(conversation) => {
                key.copy_from_slice(&conversation.0.to_be_bytes());
                let tag = conversation_tag(Some(conversation));
                Layout {
                    table: &self.conversations,
                    key,
                    key_bytes: 16,
                    tag,
                }
            }
        }
    }

    fn posting(&self, layout: &Layout<'_>, entry: &[u8]) -> Posting {
        let (seq, time) = layout.place(entry);
        let rest = &entry[layout.key_bytes + 12..];
        let (tag, offset, back) = if layout.key_bytes == 8 {
            (little_u32(rest), little_u32(&rest[4..]), little_u32(&rest[8..]))
        } else {
            (layout.tag, little_u32(rest), 0)
        };
        let segment = self.segment.no.saturating_sub(u64::from(back));
        Posting {
            seq,
            time_ms: self.first_ms + u64::from(time),
            tag,
            location: Location { segment, offset },
        }
    }

    fn since(&self, window: &Window) -> u32 {
        u32::try_from(window.since_ms.saturating_sub(self.first_ms)).unwrap_or(u32::MAX)
    }

    fn forward(&self, layout: &Layout<'_>, window: &Window) -> Result<Vec<Posting>, BlockError> {
        let since = self.since(window);
        let mut walk = layout.table.walk(&*self.file);
        let mut position = walk.partition_point(|entry| {
            let (seq, time) = layout.place(entry);
            let key = &entry[..layout.key_bytes];
            key < layout.key() || (key == layout.key() && (seq < window.low || time < since))
        })?;
        let mut found = Vec::new();
        while found.len() < window.limit
            && let Some(posting) = self.at(layout, &mut walk, position)?
            && posting.seq <= window.high
        {
            if window.takes(&posting) {
                found.push(posting);
            }
            position += 1;
        }
        Ok(found)
    }

    fn backward(&self, layout: &Layout<'_>, window: &Window) -> Result<Vec<Posting>, BlockError> {
        let mut walk = layout.table.walk(&*self.file);
        let mut position = walk.partition_point(|entry| {
            let key = &entry[..layout.key_bytes];
            key < layout.key() || (key == layout.key() && layout.place(entry).0 <= window.high)
        })?;
        let mut found = Vec::new();
        while found.len() < window.limit && position > 0 {
            position -= 1;
            let Some(posting) = self.at(layout, &mut walk, position)? else {
                break;
            };
            if posting.seq < window.low || posting.time_ms < window.since_ms {
                break;
            }
            if window.takes(&posting) {
                found.push(posting);
            }
        }
        Ok(found)
    }

    /// The posting at a position, if it is still of this line.
    fn at(&self, layout: &Layout<'_>, walk: &mut TableWalk<'_>, position: u64) -> Result<Option<Posting>, BlockError> {
        let entry = walk
            .entry(position)?
            .filter(|entry| &entry[..layout.key_bytes] == layout.key());
        Ok(entry.map(|entry| self.posting(layout, entry)))
    }

    fn point(&self, table: &Table, key: u128) -> Result<Option<Location>, ReadError> {
        let key = key.to_be_bytes();
        let find = || {
            let mut walk = table.walk(&*self.file);
            let position = walk.partition_point(|entry| entry[..16] < key[..])?;
            let entry = walk.entry(position)?.filter(|entry| entry[..16] == key);
            Ok(entry.map(|entry| little_u32(&entry[16..])))
        };
        let offset = find().map_err(|error| self.read_error(error))?;
        Ok(offset.map(|offset| Location {
            segment: self.segment.no,
            offset,
        }))
    }

    fn read_error(&self, error: BlockError) -> ReadError {
        match error {
            BlockError::Disk(error) => ReadError::Disk(error),
            BlockError::Damaged => ReadError::IndexDamaged {
                segment: self.segment.no,
            },
        }
    }
}

impl SegmentIndex for SealedIndex {
    fn segment(&self) -> &Segment {
        &self.segment
    }

    fn last_ms(&self) -> u64 {
        self.last_ms
    }

    fn postings(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        if self.last_ms < window.since_ms {
            return Ok(Vec::new());
        }
        let layout = self.layout(line);
        let found = if window.forward {
            self.forward(&layout, window)
        } else {
            self.backward(&layout, window)
        };
        found.map_err(|error| self.read_error(error))
    }

    fn message(&self, id: ServerId) -> Result<Option<Location>, ReadError> {
        if id < self.first_id || id > self.last_id {
            return Ok(None);
        }
        self.point(&self.messages, id.0)
    }

    fn original(&self, key: u128) -> Result<Option<Location>, ReadError> {
        if self.filter.may_hold(key) {
            self.point(&self.originals, key)
        } else {
            Ok(None)
        }
    }
}

fn inbox_entry(account: u64, posting: &Posting, segment: u64, first_ms: u64) -> [u8; INBOX_WIDTH] {
    let mut entry = [0; INBOX_WIDTH];
    // An intent lies in the segment of its chunk or in an earlier one; 2^32 segments are out of reach.
    let back = u32::try_from(segment.saturating_sub(posting.location.segment)).unwrap_or(u32::MAX);
    entry[..8].copy_from_slice(&account.to_be_bytes());
    entry[8..16].copy_from_slice(&posting.seq.to_be_bytes());
    entry[16..20].copy_from_slice(&time_delta(posting, first_ms).to_be_bytes());
    entry[20..24].copy_from_slice(&posting.tag.to_le_bytes());
    entry[24..28].copy_from_slice(&posting.location.offset.to_le_bytes());
    entry[28..].copy_from_slice(&back.to_le_bytes());
    entry
}

fn conversation_entry(key: ConversationKey, posting: &Posting, first_ms: u64) -> [u8; CONVERSATION_WIDTH] {
    let mut entry = [0; CONVERSATION_WIDTH];
    entry[..16].copy_from_slice(&key.0.to_be_bytes());
    entry[16..24].copy_from_slice(&posting.seq.to_be_bytes());
    entry[24..28].copy_from_slice(&time_delta(posting, first_ms).to_be_bytes());
    entry[28..].copy_from_slice(&posting.location.offset.to_le_bytes());
    entry
}

fn point_entry(key: u128, offset: u32) -> [u8; POINT_WIDTH] {
    let mut entry = [0; POINT_WIDTH];
    entry[..16].copy_from_slice(&key.to_be_bytes());
    entry[16..].copy_from_slice(&offset.to_le_bytes());
    entry
}

/// Milliseconds since the segment's first; a segment that stays open for more than 49 days counts no further.
fn time_delta(posting: &Posting, first_ms: u64) -> u32 {
    u32::try_from(posting.time_ms.saturating_sub(first_ms)).unwrap_or(u32::MAX)
}

fn big_u64(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(first(bytes))
}

fn big_u32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(first(bytes))
}

fn little_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(first(bytes))
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes
        .first_chunk()
        .expect("entries are cut at the width of their table")
}

/// Whether an error of a read means that there is nothing to read.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
}
