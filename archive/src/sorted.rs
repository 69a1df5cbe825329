//! Files of sorted tables: written once from front to back, checked block by block, then only read.

pub(crate) mod draft;
pub(crate) mod filter;
pub(crate) mod open;
pub(crate) mod stream;
pub(crate) mod table;
pub(crate) mod verify;

/// What a file of tables is, and in which version.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) magic: &'static [u8; 8],
    pub(crate) version: u32,
}

/// Magic, version, checksum of what follows, place of the directory; the rest is zero.
const HEADER_BYTES: usize = 64;
/// Magic, version and checksum, which the checksum does not cover.
const UNCHECKED_BYTES: usize = 16;

/// A checked run of bytes in a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Section {
    offset: u64,
    length: u64,
    checksum: u32,
}

impl Section {
    fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}
