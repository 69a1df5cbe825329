//! How long a segment is meant to be, beside its header, so that a file that was cut short is told from a whole one.

use super::HEADER_LENGTH;
use crate::varint::Scan;

/// Where it stands in the header, behind what the header's own checksum covers.
const START: usize = 32;
const CHECKED: usize = START + 8;
/// Everything from here on is zero.
const END: usize = CHECKED + 4;

/// What a header says of the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stated {
    /// So many bytes.
    Bytes(u64),
    /// Nothing: it was made before headers said so.
    Nothing,
    /// Not what was written.
    Damaged,
}

/// Writes the length into a header.
pub(crate) fn put(header: &mut [u8; HEADER_LENGTH], length: u64) {
    header[START..CHECKED].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32c::crc32c(&header[..CHECKED]);
    header[CHECKED..END].copy_from_slice(&checksum.to_le_bytes());
}

/// Reads the length of a header, and checks the bytes behind it.
pub(crate) fn read(header: &[u8; HEADER_LENGTH]) -> Stated {
    let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    if zero(&header[START..]) {
        return Stated::Nothing;
    }
    let mut scan = Scan::new(&header[START..]);
    match (scan.u64(), scan.u32()) {
        (Some(length), Some(checksum)) if checksum == crc32c::crc32c(&header[..CHECKED]) && zero(&header[END..]) => {
            Stated::Bytes(length)
        }
        _ => Stated::Damaged,
    }
}
