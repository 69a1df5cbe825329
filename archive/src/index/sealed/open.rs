//! Opens a sealed index, trusting only what its checksums cover.

use std::io;
use std::sync::{Arc, RwLock};

use super::entry::{CONVERSATION_WIDTH, INBOX_WIDTH, POINT_WIDTH};
use super::meta::{Meta, name};
use super::{FORMAT, SealedIndex};
use crate::device::states::DEVICE_WIDTH;
use crate::disk::Disk;
use crate::segment::open_files::OpenFiles;
use crate::sorted::filter::Filter;
use crate::sorted::open::{self, Opened};
use crate::sorted::table::Table;
use crate::state::ACCOUNT_WIDTH;

/// Opens the index of some segments; `None` if it is missing or damaged and must be built again.
pub(crate) fn open(disk: &dyn Disk, files: &Arc<OpenFiles>, range: (u64, u64)) -> io::Result<Option<SealedIndex>> {
    let Some(opened) = open::open(disk, &name(range), FORMAT)? else {
        return Ok(None);
    };
    let Some(meta) = Meta::decode(&opened.meta).filter(|meta| meta.range() == range) else {
        return Ok(None);
    };
    let filter = |at: usize| io::Result::Ok(opened.section(at)?.and_then(Filter::from_bytes));
    let (Some(conversations), Some(originals)) = (filter(0)?, filter(1)?) else {
        return Ok(None);
    };
    Ok(assemble(meta, opened, Arc::clone(files), (conversations, originals)))
}

fn assemble(
    meta: Meta,
    opened: Opened,
    files: Arc<OpenFiles>,
    (conversation_filter, original_filter): (Filter, Filter),
) -> Option<SealedIndex> {
    let mut tables = opened.tables.into_iter();
    let mut table = |width: usize| tables.next().filter(|table: &Table| table.width == width);
    Some(SealedIndex {
        meta,
        files,
        file: opened.file,
        bytes: opened.bytes,
        inboxes: table(INBOX_WIDTH)?,
        conversations: table(CONVERSATION_WIDTH)?,
        messages: table(POINT_WIDTH)?,
        originals: table(POINT_WIDTH)?,
        accounts: table(ACCOUNT_WIDTH)?,
        devices: table(DEVICE_WIDTH)?,
        conversation_filter,
        original_filter: RwLock::new(Some(original_filter)),
    })
}
