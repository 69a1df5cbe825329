//! From which segment on the log is kept, and the last numbers of conversations whose indexes were dropped.

use std::io;
use std::sync::Arc;

use godwit_model::ConversationKey;

use crate::disk::{Disk, DiskFile};
use crate::index::sealed::SealedIndex;
use crate::query::ReadError;
use crate::sorted::Format;
use crate::sorted::draft::Draft;
use crate::sorted::open::{self, Opened};
use crate::sorted::stream::{MergeError, Order, Stream, key_of, merge};
use crate::sorted::table::{BlockError, Table};
use crate::sorted::verify::{self, Checked};
use crate::varint::{Scan, put};

pub(crate) const NAME: &str = "conversation-heads";
/// A small file of its own, because the other one can be large.
const KEPT_NAME: &str = "kept-from";
const KEPT_FORMAT: Format = Format {
    magic: b"GODWITKF",
    version: 1,
};
const FORMAT: Format = Format {
    magic: b"GODWITCH",
    version: 1,
};
/// conversation 16, last number 6: as the entries of an index start.
const WIDTH: usize = 22;
const ORDER: Order = Order {
    key_bytes: 16,
    newest_only: false,
};

/// Whether a file of this name tells what was dropped.
pub(crate) fn is_name(name: &str) -> bool {
    [NAME, KEPT_NAME].contains(&name)
}

/// Reads all of such a file. Changes nothing.
pub(crate) fn check(disk: &dyn Disk, name: &str) -> io::Result<Checked> {
    let format = if name == NAME { FORMAT } else { KEPT_FORMAT };
    verify::check(disk, name, format)
}

/// What was dropped so far.
pub(crate) struct Dropped {
    /// The lowest segment that is kept.
    pub(crate) lowest: u64,
    heads: Option<Heads>,
}

#[derive(Clone)]
struct Heads {
    file: Arc<dyn DiskFile>,
    table: Arc<Table>,
}

/// The file is there and cannot be trusted.
pub(crate) struct Damaged;

impl Dropped {
    /// Whether a segment is not kept any more. 0 is no segment.
    pub(crate) fn is_dropped(&self, segment: u64) -> bool {
        segment != 0 && segment < self.lowest
    }

    /// The last number of a conversation that was dropped; 0 if there is none.
    pub(crate) fn head(&self, conversation: ConversationKey) -> Result<u64, ReadError> {
        let Some(heads) = &self.heads else { return Ok(0) };
        let key = conversation.0.to_be_bytes();
        let find = || {
            let mut walk = heads.table.walk(&*heads.file);
            let position = walk.partition_point(|entry| entry[..16] < key[..])?;
            let entry = walk.entry(position)?.filter(|entry| entry[..16] == key);
            Ok(entry.map_or(0, number))
        };
        find().map_err(|error| match error {
            BlockError::Disk(error) => ReadError::Disk(error),
            BlockError::Damaged => ReadError::Disk(io::Error::other("the file of conversation heads is damaged")),
        })
    }
}

fn number(entry: &[u8]) -> u64 {
    let mut whole = [0; 8];
    whole[2..].copy_from_slice(&entry[16..WIDTH]);
    u64::from_be_bytes(whole)
}

/// The lowest segment that is kept, as far as a file says so; 1 otherwise.
pub(crate) fn kept_from(disk: &dyn Disk) -> io::Result<u64> {
    let opened = open::open(disk, KEPT_NAME, KEPT_FORMAT)?;
    Ok(opened.and_then(|opened| Scan::new(&opened.meta).varint()).unwrap_or(1))
}

/// Reads the files. `lowest_there` is the lowest segment of which anything is there.
pub(crate) fn read(disk: &dyn Disk, lowest_there: u64) -> io::Result<Result<Dropped, Damaged>> {
    let names = disk.list()?;
    let is_there = |wanted: &str| names.iter().any(|name| name == wanted);
    let lowest = open::open(disk, KEPT_NAME, KEPT_FORMAT)?.and_then(|opened| Scan::new(&opened.meta).varint());
    let lowest = match lowest {
        Some(lowest) => lowest,
        None if is_there(KEPT_NAME) => lowest_there,
        None => 1,
    };
    if !is_there(NAME) {
        return Ok(Ok(Dropped { lowest, heads: None }));
    }
    let heads = open_heads(disk)?;
    Ok(heads.map_or(Err(Damaged), |heads| {
        Ok(Dropped {
            lowest,
            heads: Some(heads),
        })
    }))
}

fn open_heads(disk: &dyn Disk) -> io::Result<Option<Heads>> {
    let Some(Opened { file, mut tables, .. }) = open::open(disk, NAME, FORMAT)? else {
        return Ok(None);
    };
    let table = tables.pop().filter(|table| table.width == WIDTH).map(Arc::new);
    Ok(table.map(|table| Heads { file, table }))
}

/// Adds the conversations of indexes that are about to be dropped, ascending, and the new lowest segment. Durable when
/// it returns.
pub(crate) fn write(
    disk: &dyn Disk,
    before: &Dropped,
    indexes: &[Arc<SealedIndex>],
    lowest: u64,
) -> Result<Dropped, MergeError> {
    let heads = if indexes.is_empty() {
        before.heads.clone()
    } else {
        Some(write_heads(disk, before, indexes)?)
    };
    let mut meta = Vec::new();
    put(&mut meta, lowest);
    Draft::create(disk, KEPT_NAME.to_owned())?.finish(KEPT_FORMAT, &meta)?;
    Ok(Dropped { lowest, heads })
}

fn write_heads(disk: &dyn Disk, before: &Dropped, indexes: &[Arc<SealedIndex>]) -> Result<Heads, MergeError> {
    let mut draft = Draft::create(disk, NAME.to_owned())?;
    draft.begin(WIDTH, true);
    let kept = before.heads.iter();
    let kept = kept.map(|heads| Stream::new(&*heads.file, heads.table.extent, WIDTH));
    let streams = kept.chain(indexes.iter().map(|index| index.conversation_postings()));
    let mut last: Option<Vec<u8>> = None;
    merge(streams.collect(), ORDER, |entry| {
        // The numbers of one conversation come in their order, so the last one is the highest.
        if let Some(last) = last.as_ref().filter(|last| key_of(last, 16) != key_of(entry, 16)) {
            draft.push(last)?;
        }
        let last = last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(&entry[..WIDTH]);
        Ok(())
    })?;
    if let Some(last) = last {
        draft.push(&last)?;
    }
    draft.end()?;
    draft.finish(FORMAT, &[])?;
    let written = open_heads(disk)?;
    Ok(written.ok_or_else(|| io::Error::other("the file just written does not read back"))?)
}
