//! Writes the index of a finished segment.

use std::io;

use super::meta::{Meta, SealedSegment, name};
use super::{FORMAT, entry};
use crate::disk::Disk;
use crate::index::Index;
use crate::index::active::ActiveIndex;
use crate::segment::Location;
use crate::sorted::draft::Draft;
use crate::sorted::filter::Filter;
use crate::state::{ACCOUNT_WIDTH, account_entry};

use super::entry::{CONVERSATION_WIDTH, INBOX_WIDTH, POINT_WIDTH};

/// Writes the file, durable and under its name.
pub(crate) fn write(disk: &dyn Disk, index: &ActiveIndex) -> io::Result<()> {
    let mut draft = Draft::create(disk, name(index.range()))?;
    table(&mut draft, inboxes(index), true)?;
    table(&mut draft, conversations(index), true)?;
    let messages = index.messages.iter().map(|(id, offset)| point(index, id.0, *offset));
    table(&mut draft, messages.collect(), true)?;
    let originals = index.originals.iter().map(|(key, offset)| point(index, *key, *offset));
    table(&mut draft, originals.collect(), true)?;
    table(&mut draft, accounts(index), false)?;
    table(&mut draft, index.devices.entries().collect(), false)?;
    let conversations = index.conversations.keys().map(|conversation| conversation.0);
    draft.section(filter(conversations).bytes())?;
    draft.section(filter(index.originals.keys().copied()).bytes())?;
    draft.finish(FORMAT, &meta(index)?.encode())
}

fn table<const WIDTH: usize>(draft: &mut Draft<'_>, mut entries: Vec<[u8; WIDTH]>, fenced: bool) -> io::Result<()> {
    entries.sort_unstable();
    draft.begin(WIDTH, fenced);
    for entry in &entries {
        draft.push(entry)?;
    }
    draft.end().map(|_| ())
}

fn inboxes(index: &ActiveIndex) -> Vec<[u8; INBOX_WIDTH]> {
    let lines = index.inboxes.iter();
    let entries = lines.flat_map(|(account, postings)| postings.iter().map(|p| entry::inbox(account.0, &p)));
    entries.collect()
}

fn conversations(index: &ActiveIndex) -> Vec<[u8; CONVERSATION_WIDTH]> {
    let lines = index.conversations.iter();
    let entries = lines.flat_map(|(key, postings)| postings.iter().map(|p| entry::conversation(*key, &p)));
    entries.collect()
}

fn point(index: &ActiveIndex, key: u128, offset: u32) -> [u8; POINT_WIDTH] {
    let segment = index.segment().no;
    entry::point(key, Location { segment, offset })
}

fn accounts(index: &ActiveIndex) -> Vec<[u8; ACCOUNT_WIDTH]> {
    let lines = index.inboxes.iter();
    lines
        .map(|(account, postings)| account_entry(*account, postings.head()))
        .collect()
}

fn filter(keys: impl ExactSizeIterator<Item = u128>) -> Filter {
    let mut filter = Filter::with_room(keys.len() as u64);
    keys.for_each(|key| filter.add(key));
    filter
}

fn meta(index: &ActiveIndex) -> io::Result<Meta> {
    let segment = index.segment();
    Ok(Meta {
        level: 0,
        segments: vec![SealedSegment {
            no: segment.no,
            salt: segment.salt_number,
            first_ms: index.first_ms,
            last_ms: index.last_ms,
            bytes: segment.file()?.size()?,
        }],
        first_id: index
            .messages
            .first()
            .map_or(godwit_model::ServerId(u128::MAX), |(id, _)| *id),
        last_id: index.messages.last().map_or(godwit_model::ServerId(0), |(id, _)| *id),
        standing: index.standing.clone(),
        marks: index.marks.clone(),
    })
}
