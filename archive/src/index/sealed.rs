//! The index of finished segments: one immutable file of sorted tables, of which fences and filters are in memory.

use std::sync::{Arc, PoisonError, RwLock};

use godwit_model::{ConversationKey, ServerId};

use super::{Index, Line, Posting, Window};
use crate::disk::DiskFile;
use crate::marks::Mark;
use crate::query::ReadError;
use crate::record::conversation_tag;
use crate::segment::open_files::OpenFiles;
use crate::segment::{Location, Segment};
use crate::sorted::Format;
use crate::sorted::filter::Filter;
use crate::sorted::stream::Stream;
use crate::sorted::table::{BlockError, Table, TableWalk};
use crate::state::{Map, Standing};

pub(crate) mod build;
mod entry;
mod filters;
pub(crate) mod merge;
mod meta;
mod open;
pub(crate) mod verify;

use entry::{CONVERSATION_KEY, INBOX_KEY, Layout};
pub(crate) use filters::bound_filters;
use meta::Meta;
pub(crate) use meta::{SealedSegment, is_name, name, range};
pub(crate) use open::open;

const FORMAT: Format = Format {
    magic: b"GODWITIX",
    version: 2,
};

/// An open sealed index.
pub(crate) struct SealedIndex {
    meta: Meta,
    files: Arc<OpenFiles>,
    file: Arc<dyn DiskFile>,
    bytes: u64,
    inboxes: Table,
    conversations: Table,
    messages: Table,
    originals: Table,
    accounts: Table,
    devices: Table,
    conversation_filter: Filter,
    /// `None` once its memory was given back: then the table is asked.
    original_filter: RwLock<Option<Filter>>,
}

impl SealedIndex {
    /// How often it was merged: 0 for the index of one segment.
    pub(crate) fn level(&self) -> u8 {
        self.meta.level
    }

    /// The segments it covers, ascending.
    pub(crate) fn segments(&self) -> &[SealedSegment] {
        &self.meta.segments
    }

    /// The segment with this number, if it covers it.
    pub(crate) fn segment(&self, no: u64) -> Option<Segment> {
        let at = self
            .meta
            .segments
            .binary_search_by_key(&no, |segment| segment.no)
            .ok()?;
        let segment = &self.meta.segments[at];
        Some(Segment::sealed(segment.no, segment.salt, &self.files))
    }

    /// The name of its file.
    pub(crate) fn name(&self) -> String {
        name(self.range())
    }

    /// Bytes of its file.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was under way after its last segment.
    pub(crate) fn standing(&self) -> &Standing {
        &self.meta.standing
    }

    /// Messages that were taken back in its segments.
    pub(crate) fn marks(&self) -> &Map<ServerId, Mark> {
        &self.meta.marks
    }

    /// The heads of the accounts it numbered.
    pub(crate) fn accounts(&self) -> Stream<'_> {
        self.stream(&self.accounts)
    }

    /// The devices that changed in it, as they were after its last segment.
    pub(crate) fn devices(&self) -> Stream<'_> {
        self.stream(&self.devices)
    }

    fn stream<'a>(&'a self, table: &Table) -> Stream<'a> {
        Stream::new(&*self.file, table.extent, table.width)
    }

    /// The postings of all conversations; entries start with the conversation's key and the number.
    pub(crate) fn conversation_postings(&self) -> Stream<'_> {
        self.stream(&self.conversations)
    }

    /// Gives the memory of the filter of duplicate keys back.
    fn forget_originals(&self) {
        *self.original_filter.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Bytes of the filter of duplicate keys.
    fn originals_bytes(&self) -> usize {
        let originals = self.original_filter.read().unwrap_or_else(PoisonError::into_inner);
        originals.as_ref().map_or(0, |filter| filter.bytes().len())
    }

    /// Bytes it takes in memory.
    pub(crate) fn memory(&self) -> usize {
        let tables = [&self.inboxes, &self.conversations, &self.messages, &self.originals];
        let fences: usize = tables.into_iter().map(Table::memory).sum();
        fences + self.conversation_filter.bytes().len() + self.originals_bytes()
    }

    fn layout(&self, line: Line) -> Layout<'_> {
        let mut key = [0; 16];
        match line {
            Line::Inbox(account) => {
                key[..INBOX_KEY].copy_from_slice(&account.0.to_be_bytes());
                Layout {
                    table: &self.inboxes,
                    key,
                    key_bytes: INBOX_KEY,
                    tag: 0,
                }
            }
            Line::Conversation(conversation) => {
                key.copy_from_slice(&conversation.0.to_be_bytes());
                Layout {
                    table: &self.conversations,
                    key,
                    key_bytes: CONVERSATION_KEY,
                    tag: conversation_tag(Some(conversation)),
                }
            }
        }
    }

    fn forward(&self, layout: &Layout<'_>, window: &Window) -> Result<Vec<Posting>, BlockError> {
        let mut walk = layout.table.walk(&*self.file);
        let mut position = walk.partition_point(|entry| {
            let key = layout.key_of(entry);
            key < layout.key()
                || (key == layout.key() && (layout.seq(entry) < window.low || layout.time_ms(entry) < window.since_ms))
        })?;
        let mut found = Vec::new();
        while found.len() < window.limit
            && let Some(posting) = at(layout, &mut walk, position)?
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
            let key = layout.key_of(entry);
            key < layout.key() || (key == layout.key() && layout.seq(entry) <= window.high)
        })?;
        let mut found = Vec::new();
        while found.len() < window.limit && position > 0 {
            position -= 1;
            let Some(posting) = at(layout, &mut walk, position)? else {
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

    fn point(&self, table: &Table, key: u128) -> Result<Option<Location>, ReadError> {
        let key = key.to_be_bytes();
        let find = || {
            let mut walk = table.walk(&*self.file);
            let position = walk.partition_point(|entry| entry[..16] < key[..])?;
            let entry = walk.entry(position)?.filter(|entry| entry[..16] == key);
            Ok(entry.map(entry::point_location))
        };
        find().map_err(|error| self.read_error(error))
    }

    fn read_error(&self, error: BlockError) -> ReadError {
        match error {
            BlockError::Disk(error) => ReadError::Disk(error),
            BlockError::Damaged => ReadError::IndexDamaged {
                segment: self.range().0,
            },
        }
    }
}

/// The posting at a position, if it is still of this line.
fn at(layout: &Layout<'_>, walk: &mut TableWalk<'_>, position: u64) -> Result<Option<Posting>, BlockError> {
    let entry = walk
        .entry(position)?
        .filter(|entry| layout.key_of(entry) == layout.key());
    Ok(entry.map(|entry| layout.posting(entry)))
}

impl Index for SealedIndex {
    fn range(&self) -> (u64, u64) {
        self.meta.range()
    }

    fn last_ms(&self) -> u64 {
        self.meta.last_ms()
    }

    fn postings(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        if self.last_ms() < window.since_ms {
            return Ok(Vec::new());
        }
        if let Line::Conversation(conversation) = line
            && !self.conversation_filter.may_hold(conversation.0)
        {
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

    fn last_id(&self) -> ServerId {
        self.meta.last_id
    }

    fn messages_after(&self, after: ServerId, limit: usize) -> Result<Vec<(ServerId, Location)>, ReadError> {
        let key = after.0.to_be_bytes();
        let find = || {
            let mut walk = self.messages.walk(&*self.file);
            let mut position = walk.partition_point(|entry| entry[..16] <= key[..])?;
            let mut found = Vec::new();
            while found.len() < limit
                && let Some(entry) = walk.entry(position)?
            {
                found.push((entry::point_id(entry), entry::point_location(entry)));
                position += 1;
            }
            Ok(found)
        };
        find().map_err(|error| self.read_error(error))
    }

    fn message(&self, id: ServerId) -> Result<Option<Location>, ReadError> {
        if id < self.meta.first_id || id > self.meta.last_id {
            return Ok(None);
        }
        self.point(&self.messages, id.0)
    }

    fn original(&self, key: u128) -> Result<Option<Location>, ReadError> {
        let filter = self.original_filter.read().unwrap_or_else(PoisonError::into_inner);
        let may_hold = filter.as_ref().is_none_or(|filter| filter.may_hold(key));
        drop(filter);
        if may_hold {
            self.point(&self.originals, key)
        } else {
            Ok(None)
        }
    }

    fn conversation_head(&self, conversation: ConversationKey) -> Result<Option<u64>, ReadError> {
        let last = self.postings(Line::Conversation(conversation), &Window::LAST)?;
        Ok(last.first().map(|posting| posting.seq))
    }
}
