//! What one segment is in the store: its bytes, and behind them a hash of each block, so that any part proves itself.

use std::io;

use crate::disk::{DiskFile, read_exact_at};

/// Bytes that are fetched and proved at once.
pub(super) const BLOCK: usize = 64 << 10;
pub(super) const BLOCK_BYTES: u64 = BLOCK as u64;
/// Bytes of a block's hash: the first half of its BLAKE3.
const SUM: usize = 16;

/// A segment as it was put into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Number of the segment.
    pub(crate) no: u64,
    /// Tells it from every other object, so that none is ever overwritten or deleted in another's place.
    pub(crate) nonce: u64,
    /// Bytes of the segment.
    pub(crate) length: u64,
    /// BLAKE3 of the segment.
    pub(crate) content: [u8; 32],
    /// BLAKE3 of the hashes of its blocks.
    pub(crate) sums: [u8; 32],
}

impl Stored {
    /// The object's name, below the prefix of the store.
    pub(crate) fn object(&self) -> String {
        format!("segment-{:016x}-{:016x}", self.no, self.nonce)
    }

    /// How many blocks the segment has.
    pub(super) fn blocks(&self) -> u64 {
        self.length.div_ceil(BLOCK_BYTES)
    }

    /// Bytes of the hashes behind the segment.
    pub(super) fn sums_bytes(&self) -> u64 {
        self.blocks() * SUM as u64
    }

    /// Bytes of the whole object.
    pub(super) fn object_bytes(&self) -> u64 {
        self.length + self.sums_bytes()
    }
}

/// The hash of one block.
fn sum(block: &[u8]) -> [u8; SUM] {
    let hash = blake3::hash(block);
    *hash.as_bytes().first_chunk().expect("a hash has 32 bytes")
}

/// Whether these are the hashes that were stored.
pub(super) fn proves_sums(stored: &Stored, sums: &[u8]) -> bool {
    *blake3::hash(sums).as_bytes() == stored.sums
}

/// Whether this is the block with this number.
pub(super) fn proves_block(sums: &[u8], number: u64, block: &[u8]) -> bool {
    let at = usize::try_from(number).ok().and_then(|number| number.checked_mul(SUM));
    at.and_then(|at| sums.get(at..at + SUM)) == Some(&sum(block)[..])
}

/// Reads a file through; gives what it would be in the store, and the hashes of its blocks.
pub(super) fn measure(file: &dyn DiskFile, no: u64, nonce: u64) -> io::Result<(Stored, Vec<u8>)> {
    let length = file.size()?;
    let mut hasher = blake3::Hasher::new();
    let mut sums = Vec::new();
    let mut block = vec![0; BLOCK];
    let mut offset = 0;
    while offset < length {
        let count = usize::try_from(length - offset).map_or(BLOCK, |left| left.min(BLOCK));
        read_exact_at(file, &mut block[..count], offset)?;
        hasher.update(&block[..count]);
        sums.extend_from_slice(&sum(&block[..count]));
        offset += count as u64;
    }
    let stored = Stored {
        no,
        nonce,
        length,
        content: *hasher.finalize().as_bytes(),
        sums: *blake3::hash(&sums).as_bytes(),
    };
    Ok((stored, sums))
}
