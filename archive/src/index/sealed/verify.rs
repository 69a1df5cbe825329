//! Reads a whole sealed index and finds what is not as it was written.

use std::io;
use std::ops::Range;

use godwit_model::AccountNo;

use super::build::{HEADER_BYTES, MAGIC};
use super::table::{BLOCK_BYTES, BlockError, Extent, Table, per_block};
use super::{CONVERSATION_WIDTH, INBOX_WIDTH, POINT_WIDTH, SealedIndex, big_u64, little_u32, number, open};
use crate::disk::{Disk, DiskFile};
use crate::frame::Salt;
use crate::inspect::DamageKind;

/// Bytes read at once.
const STRIDE_BLOCKS: u64 = 128;

/// What a sealed index was found to be.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The segments it covers, by its header or else by its name.
    pub(crate) segments: Range<u64>,
    /// Where the checksums of its segment start, if its header is sound.
    pub(crate) salt: Option<u64>,
    pub(crate) blocks: u64,
    pub(crate) faults: Vec<Fault>,
}

/// A part that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) kind: DamageKind,
}

/// Reads everything in the index of this name.
pub(crate) fn check(disk: &dyn Disk, name: &str) -> io::Result<Checked> {
    let file = disk.open(name)?;
    let size = file.size()?;
    let no = number(name).unwrap_or_default();
    let mut checked = Checked {
        segments: no..no + 1,
        ..Checked::default()
    };
    let mut bytes = [0; HEADER_BYTES];
    let whole = file.read_at(&mut bytes, 0)? == bytes.len();
    let Some(header) = open::header(&bytes).filter(|_| whole) else {
        let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        let known = bytes[..8] != *MAGIC || version == super::build::VERSION;
        let kind = if known { DamageKind::Header } else { DamageKind::Version };
        checked.fault(0, HEADER_BYTES as u64, kind);
        return Ok(checked);
    };
    if header.no != no {
        checked.fault(0, size, DamageKind::Misplaced);
        return Ok(checked);
    }
    checked.salt = Some(header.salt);
    let end = checked.layout(&header);
    if end != size {
        checked.fault(end.min(size), end.abs_diff(size), DamageKind::Length);
    }
    let widths = [INBOX_WIDTH, CONVERSATION_WIDTH, POINT_WIDTH, POINT_WIDTH];
    for (extent, width) in header.extents.iter().zip(widths) {
        checked.table(&*file, *extent, width)?;
    }
    for section in header.sections {
        if open::section(&*file, section)?.is_none() {
            checked.fault(section.offset, section.length, DamageKind::Section);
        }
    }
    Ok(checked)
}

impl Checked {
    fn fault(&mut self, offset: u64, length: u64, kind: DamageKind) {
        self.faults.push(Fault { offset, length, kind });
    }

    /// Where the file ends by its header. Its parts follow each other without room between them.
    fn layout(&mut self, header: &open::Header) -> u64 {
        let widths = [INBOX_WIDTH, CONVERSATION_WIDTH, POINT_WIDTH, POINT_WIDTH];
        let tables = header
            .extents
            .iter()
            .zip(widths)
            .map(|(extent, width)| (extent.offset, blocks(*extent, width) * BLOCK_BYTES as u64));
        let sections = header.sections.iter().map(|section| (section.offset, section.length));
        let mut end = HEADER_BYTES as u64;
        let parts: Vec<_> = tables.chain(sections).collect();
        for (offset, length) in parts {
            if offset != end {
                self.fault(offset, length, DamageKind::Content);
            }
            end = offset.saturating_add(length);
        }
        end
    }

    fn table(&mut self, file: &dyn DiskFile, extent: Extent, width: usize) -> io::Result<()> {
        let (count, size) = (blocks(extent, width), BLOCK_BYTES as u64);
        let mut last = vec![0; width];
        let mut block = 0;
        while block < count {
            let wanted = STRIDE_BLOCKS.min(count - block);
            let mut bytes = vec![0; usize::try_from(wanted * size).map_err(io::Error::other)?];
            let start = extent.offset + block * size;
            let got = file.read_at(&mut bytes, start)?;
            for (at, one) in bytes.chunks(BLOCK_BYTES).enumerate() {
                let offset = start + (at * BLOCK_BYTES) as u64;
                let here = (at + 1) * BLOCK_BYTES <= got;
                let held =
                    (extent.entries - (block + at as u64) * per_block(width) as u64).min(per_block(width) as u64);
                if !here || !super::table::is_sound(one) {
                    self.fault(offset, size, DamageKind::Block);
                } else if !ascends(one, width, usize::try_from(held).unwrap_or(0), &mut last) {
                    self.fault(offset, size, DamageKind::Content);
                }
            }
            self.blocks += wanted;
            block += wanted;
        }
        Ok(())
    }
}

/// Whether the entries ascend, also from the block before.
fn ascends(block: &[u8], width: usize, held: usize, last: &mut Vec<u8>) -> bool {
    let mut holds = true;
    for entry in block.chunks(width).take(held) {
        holds &= *entry >= last[..];
        last.clear();
        last.extend_from_slice(entry);
    }
    holds
}

fn blocks(extent: Extent, width: usize) -> u64 {
    extent.entries.div_ceil(per_block(width) as u64)
}

/// What an index keeps in memory while it is open; 0 if it does not open.
pub(crate) fn memory_bytes(disk: &dyn Disk, name: &str) -> io::Result<u64> {
    let mut bytes = [0; HEADER_BYTES];
    disk.open(name)?.read_at(&mut bytes, 0)?;
    let fences_and_filter = |header: open::Header| header.sections.iter().take(2).map(|section| section.length).sum();
    Ok(open::header(&bytes).map_or(0, fences_and_filter))
}

impl SealedIndex {
    /// Where the checksums of its segment start.
    pub(crate) fn salt(&self) -> Salt {
        self.segment.salt()
    }

    /// Whose numbers stand in a stretch of a segment, as far as the index is readable.
    pub(crate) fn numbers_in(&self, segment: u64, stretch: Range<u64>) -> Vec<(AccountNo, u64)> {
        let table: &Table = &self.inboxes;
        let mut walk = table.walk(&*self.file);
        let mut found = Vec::new();
        let mut position = 0;
        while position < table.extent.entries {
            match walk.entry(position) {
                Ok(Some(entry)) => {
                    let (offset, back) = (little_u32(&entry[24..]), little_u32(&entry[28..]));
                    if self.segment.no == segment + u64::from(back) && stretch.contains(&u64::from(offset)) {
                        found.push((AccountNo(big_u64(entry)), big_u64(&entry[8..])));
                    }
                    position += 1;
                }
                Ok(None) | Err(BlockError::Disk(_)) => break,
                Err(BlockError::Damaged) => position = next_block(position),
            }
        }
        found
    }
}

fn next_block(position: u64) -> u64 {
    let held = per_block(INBOX_WIDTH) as u64;
    (position / held + 1) * held
}
