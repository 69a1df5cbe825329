//! Sorted entries of one width in checked blocks, searched with one block read and the first entries in memory.

use std::io;

use crate::disk::{DiskFile, read_exact_at};

/// Bytes of a block, its checksum included.
pub(crate) const BLOCK_BYTES: usize = 8192;
pub(crate) const CHECKSUM_BYTES: usize = 4;

/// Entries a block holds.
pub(crate) fn per_block(width: usize) -> usize {
    (BLOCK_BYTES - CHECKSUM_BYTES) / width
}

/// Where a table is in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) entries: u64,
}

/// A table of an open file.
pub(crate) struct Table {
    pub(crate) extent: Extent,
    pub(crate) width: usize,
    /// First entries of the blocks, one after the other.
    fences: Vec<u8>,
}

/// Why a block was not read.
#[derive(Debug)]
pub(crate) enum BlockError {
    Disk(io::Error),
    Damaged,
}

impl Table {
    /// `None` if the fences do not fit the extent.
    pub(crate) fn new(extent: Extent, width: usize, fences: Vec<u8>, fenced: bool) -> Option<Self> {
        if width == 0 || width > BLOCK_BYTES - CHECKSUM_BYTES {
            return None;
        }
        let blocks = usize::try_from(extent.entries).ok()?.div_ceil(per_block(width));
        let expected = if fenced { blocks.checked_mul(width)? } else { 0 };
        (fences.len() == expected).then_some(Self { extent, width, fences })
    }

    /// Bytes it takes in memory.
    pub(crate) fn memory(&self) -> usize {
        self.fences.len()
    }

    pub(crate) fn walk<'a>(&'a self, file: &'a dyn DiskFile) -> TableWalk<'a> {
        TableWalk {
            table: self,
            file,
            block: None,
            bytes: Vec::new(),
        }
    }
}

/// Reads a table, keeping the last block.
pub(crate) struct TableWalk<'a> {
    table: &'a Table,
    file: &'a dyn DiskFile,
    block: Option<u64>,
    bytes: Vec<u8>,
}

impl TableWalk<'_> {
    /// The entry at a position; `None` past the end.
    pub(crate) fn entry(&mut self, position: u64) -> Result<Option<&[u8]>, BlockError> {
        if position >= self.table.extent.entries {
            return Ok(None);
        }
        let per_block = per_block(self.table.width) as u64;
        self.load(position / per_block)?;
        let within = usize::try_from(position % per_block).expect("fewer than a block holds");
        let start = within * self.table.width;
        Ok(Some(&self.bytes[start..start + self.table.width]))
    }

    /// Position of the first entry that is not `before`, for entries of which some front part is.
    pub(crate) fn partition_point(&mut self, before: impl Fn(&[u8]) -> bool) -> Result<u64, BlockError> {
        let width = self.table.width;
        let blocks = self.table.fences.len() / width;
        let block = first_not(blocks, |at| before(&self.table.fences[at * width..(at + 1) * width]));
        let Some(block) = block.checked_sub(1) else {
            return Ok(0);
        };
        let start = (block * per_block(width)) as u64;
        self.load(block as u64)?;
        let held = usize::try_from((self.table.extent.entries - start).min(per_block(width) as u64))
            .expect("as many as a block holds");
        let within = first_not(held, |at| before(&self.bytes[at * width..(at + 1) * width]));
        Ok(start + within as u64)
    }

    fn load(&mut self, block: u64) -> Result<(), BlockError> {
        if self.block == Some(block) {
            return Ok(());
        }
        self.block = None;
        self.bytes.resize(BLOCK_BYTES, 0);
        let offset = self.table.extent.offset + block * BLOCK_BYTES as u64;
        match read_exact_at(self.file, &mut self.bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(BlockError::Damaged),
            other => other.map_err(BlockError::Disk)?,
        }
        if !is_sound(&self.bytes) {
            return Err(BlockError::Damaged);
        }
        self.block = Some(block);
        Ok(())
    }
}

/// Whether a block is what was written.
pub(crate) fn is_sound(block: &[u8]) -> bool {
    let (content, checksum) = block.split_at(BLOCK_BYTES - CHECKSUM_BYTES);
    crc32c::crc32c(content).to_le_bytes() == *checksum
}

fn first_not(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
