//! A segment in the store, read like a file of the disk.

use std::io;
use std::time::Instant;

use super::object::{BLOCK, BLOCK_BYTES, Stored};
use super::store::REQUEST_BLOCKS;
use super::{ColdError, ColdStore};
use crate::disk::DiskFile;

/// Reads of more blocks than this go past the cache, in one request for many blocks.
const FEW_BLOCKS: u64 = 4;

/// A segment in the store. Nothing is fetched before it is read.
pub(super) struct ColdFile {
    pub(super) stored: Stored,
    /// `None` without settings of a store.
    pub(super) store: Option<ColdStore>,
}

impl ColdFile {
    fn read(&self, buffer: &mut [u8], offset: u64, until: Option<Instant>) -> io::Result<usize> {
        let segment = self.stored.no;
        let store = self.store.as_ref().ok_or(ColdError::NoStore { segment })?;
        let left = self.stored.length.saturating_sub(offset);
        let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = &mut buffer[..count];
        if offset == 0 && count as u64 == self.stored.length && until.is_none() {
            store.whole(&self.stored, None, |start, bytes| {
                lay_over(buffer, 0, bytes, start);
                Ok(())
            })?;
            return Ok(count);
        }
        let end = offset + count as u64;
        let mut number = offset / BLOCK_BYTES;
        let last = end.div_ceil(BLOCK_BYTES);
        let few = last.saturating_sub(number) <= FEW_BLOCKS;
        while number < last {
            let until = until.unwrap_or_else(|| Instant::now() + store.settings().time_limit);
            let next = if few {
                number + 1
            } else {
                last.min(number + REQUEST_BLOCKS)
            };
            let bytes = if few {
                store.block(&self.stored, number, until)?
            } else {
                store.blocks(&self.stored, number..next)?
            };
            lay_over(buffer, offset, &bytes, number * BLOCK_BYTES);
            number = next;
        }
        Ok(count)
    }
}

/// Copies what two stretches have in common.
fn lay_over(buffer: &mut [u8], offset: u64, bytes: &[u8], start: u64) {
    let (from, to) = (
        offset.max(start),
        (offset + buffer.len() as u64).min(start + bytes.len() as u64),
    );
    if from >= to {
        return;
    }
    let within = |position: u64, start: u64| usize::try_from(position - start).expect("both are within memory");
    buffer[within(from, offset)..within(to, offset)].copy_from_slice(&bytes[within(from, start)..within(to, start)]);
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::PermissionDenied.into())
}

impl DiskFile for ColdFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read(buffer, offset, None)
    }

    fn read_at_until(&self, buffer: &mut [u8], offset: u64, until: Instant) -> io::Result<usize> {
        self.read(buffer, offset, Some(until))
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        refused()
    }

    fn reserve(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn sync_data(&self) -> io::Result<()> {
        refused()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.stored.length)
    }
}

const _: () = assert!(BLOCK as u64 == BLOCK_BYTES, "one size in two types");
