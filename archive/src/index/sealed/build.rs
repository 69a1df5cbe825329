//! Turns the index of a finished segment into the bytes of its file.

use super::filter::Filter;
use super::table::{Extent, write};
use super::{conversation_entry, inbox_entry, point_entry};
use crate::index::SegmentIndex;
use crate::index::active::ActiveIndex;

pub(super) const MAGIC: &[u8; 8] = b"GODWITIX";
pub(super) const VERSION: u32 = 1;
/// Bytes before the first table.
pub(super) const HEADER_BYTES: usize = 256;
/// Magic, version and checksum, which the checksum does not cover.
pub(super) const UNCHECKED_BYTES: usize = 16;

/// The whole file.
pub(crate) fn encode(index: &ActiveIndex) -> Vec<u8> {
    let mut out = vec![0; HEADER_BYTES];
    let mut fences = Vec::new();
    let extents = [
        inboxes(index, &mut out, &mut fences),
        conversations(index, &mut out, &mut fences),
        messages(index, &mut out, &mut fences),
        originals(index, &mut out, &mut fences),
    ];
    let filter = Filter::build(index.originals.keys().copied());
    let mut delta = Vec::new();
    index.delta().encode(&mut delta);
    let sections = [&fences[..], filter.bytes(), &delta].map(|section| {
        let start = out.len() as u64;
        out.extend_from_slice(section);
        (start, section.len() as u64, crc32c::crc32c(section))
    });
    header(index, &mut out, &extents, &sections);
    out
}

fn inboxes(index: &ActiveIndex, out: &mut Vec<u8>, fences: &mut Vec<u8>) -> Extent {
    let no = index.segment().no;
    let lines = index.inboxes.iter();
    let mut entries: Vec<_> = lines
        .flat_map(|(account, postings)| postings.iter().map(|p| inbox_entry(account.0, p, no, index.first_ms)))
        .collect();
    entries.sort_unstable();
    write(out, fences, &entries)
}

fn conversations(index: &ActiveIndex, out: &mut Vec<u8>, fences: &mut Vec<u8>) -> Extent {
    let lines = index.conversations.iter();
    let mut entries: Vec<_> = lines
        .flat_map(|(key, postings)| postings.iter().map(|p| conversation_entry(*key, p, index.first_ms)))
        .collect();
    entries.sort_unstable();
    write(out, fences, &entries)
}

fn messages(index: &ActiveIndex, out: &mut Vec<u8>, fences: &mut Vec<u8>) -> Extent {
    let mut entries: Vec<_> = index
        .messages
        .iter()
        .map(|(id, offset)| point_entry(id.0, *offset))
        .collect();
    entries.sort_unstable();
    write(out, fences, &entries)
}

fn originals(index: &ActiveIndex, out: &mut Vec<u8>, fences: &mut Vec<u8>) -> Extent {
    let mut entries: Vec<_> = index
        .originals
        .iter()
        .map(|(key, offset)| point_entry(*key, *offset))
        .collect();
    entries.sort_unstable();
    write(out, fences, &entries)
}

fn header(index: &ActiveIndex, out: &mut [u8], extents: &[Extent; 4], sections: &[(u64, u64, u32); 3]) {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let first_id = index.messages.first().map_or(u128::MAX, |(id, _)| id.0);
    let last_id = index.messages.last().map_or(0, |(id, _)| id.0);
    for number in [
        index.segment().no,
        index.segment().salt_number,
        index.first_ms,
        index.last_ms,
    ] {
        header.extend_from_slice(&number.to_le_bytes());
    }
    header.extend_from_slice(&first_id.to_le_bytes());
    header.extend_from_slice(&last_id.to_le_bytes());
    for extent in extents {
        header.extend_from_slice(&extent.offset.to_le_bytes());
        header.extend_from_slice(&extent.entries.to_le_bytes());
    }
    for (offset, length, checksum) in sections {
        header.extend_from_slice(&offset.to_le_bytes());
        header.extend_from_slice(&length.to_le_bytes());
        header.extend_from_slice(&checksum.to_le_bytes());
    }
    out[UNCHECKED_BYTES..UNCHECKED_BYTES + header.len()].copy_from_slice(&header);
    out[..8].copy_from_slice(MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let checksum = crc32c::crc32c(&out[UNCHECKED_BYTES..HEADER_BYTES]);
    out[12..UNCHECKED_BYTES].copy_from_slice(&checksum.to_le_bytes());
}
