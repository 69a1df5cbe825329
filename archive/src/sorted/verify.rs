//! Reads a whole file of tables and finds what is not as it was written.

use std::io;

use super::open::{directory, place, section};
use super::table::{BLOCK_BYTES, Extent, is_sound, per_block};
use super::{Format, HEADER_BYTES};
use crate::disk::{Disk, DiskFile};
use crate::inspect::DamageKind;

/// Blocks read at once.
const STRIDE_BLOCKS: u64 = 128;

/// What a file was found to be.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// What the file says about itself, if that can be trusted.
    pub(crate) meta: Option<Vec<u8>>,
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

/// Reads everything in the file of this name.
pub(crate) fn check(disk: &dyn Disk, name: &str, format: Format) -> io::Result<Checked> {
    let file = disk.open(name)?;
    let size = file.size()?;
    let mut checked = Checked::default();
    let mut header = [0; HEADER_BYTES];
    let whole = file.read_at(&mut header, 0)? == header.len();
    let Some(place) = place(&header, format).filter(|_| whole) else {
        let version = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let known = header[..8] != *format.magic || version == format.version;
        let kind = if known { DamageKind::Header } else { DamageKind::Version };
        checked.fault(0, HEADER_BYTES as u64, kind);
        return Ok(checked);
    };
    let bytes = section(&*file, place, size)?;
    let Some(directory) = bytes.and_then(|bytes| directory(&bytes)) else {
        checked.fault(place.offset, place.length, DamageKind::Section);
        return Ok(checked);
    };
    if place.end() != size {
        checked.fault(place.end().min(size), place.end().abs_diff(size), DamageKind::Length);
    }
    for (width, extent, _) in &directory.tables {
        checked.table(&*file, *extent, *width)?;
    }
    for part in directory.sections {
        if section(&*file, part, size)?.is_none() {
            checked.fault(part.offset, part.length, DamageKind::Section);
        }
    }
    checked.meta = Some(directory.meta);
    Ok(checked)
}

impl Checked {
    pub(crate) fn fault(&mut self, offset: u64, length: u64, kind: DamageKind) {
        self.faults.push(Fault { offset, length, kind });
    }

    fn table(&mut self, file: &dyn DiskFile, extent: Extent, width: usize) -> io::Result<()> {
        let held_max = per_block(width) as u64;
        let (count, size) = (extent.entries.div_ceil(held_max), BLOCK_BYTES as u64);
        let mut last = vec![0; width];
        let mut block = 0;
        while block < count {
            let wanted = STRIDE_BLOCKS.min(count - block);
            let mut bytes = vec![0; usize::try_from(wanted * size).map_err(io::Error::other)?];
            let start = extent.offset + block * size;
            let got = file.read_at(&mut bytes, start)?;
            for (at, one) in bytes.chunks(BLOCK_BYTES).enumerate() {
                let offset = start + (at * BLOCK_BYTES) as u64;
                let held = (extent.entries - (block + at as u64) * held_max).min(held_max);
                if (at + 1) * BLOCK_BYTES > got || !is_sound(one) {
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
