//! The envelope of everything in a segment: length, CRC32C, kind, version, body.
//!
//! The checksum starts from the segment's salt, so that bytes of another segment, or chosen by a client, never pass.

use crate::varint::Scan;

/// Bytes before the body: length of what follows the checksum (4), checksum (4), kind (1), version (1).
pub(crate) const FRAME_BYTES: usize = 10;
const PREFIX: usize = 8;
const VERSION: u8 = 1;

/// What a frame's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Opens a commit: its number, the one before it, how long it is.
    Batch = 1,
    /// A message with its recipients' numbers.
    Message = 2,
    /// A message with its frozen recipients, to be numbered by chunks.
    Intent = 3,
    /// Numbers of some recipients of an intent.
    Chunk = 4,
    /// States of devices.
    Devices = 5,
    /// Messages that were taken back.
    Marks = 6,
    /// Ends a commit: the numbers its messages gave, once more, so that a lost message does not lose them.
    Numbers = 7,
}

impl FrameKind {
    fn from_byte(byte: u8) -> Option<Self> {
        [
            Self::Batch,
            Self::Message,
            Self::Intent,
            Self::Chunk,
            Self::Devices,
            Self::Marks,
            Self::Numbers,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// Where the checksums of one segment start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt(u32);

impl Salt {
    pub(crate) fn new(salt: u64) -> Self {
        Self(crc32c::crc32c(&salt.to_le_bytes()))
    }

    fn checksum(self, length: &[u8], rest: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.0, length), rest)
    }
}

/// Opens a frame at the end of `out`; the body is appended next.
pub(crate) fn open(out: &mut Vec<u8>, kind: FrameKind) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    out.push(kind as u8);
    out.push(VERSION);
    start
}

/// Closes the frame that was opened at `start`.
pub(crate) fn close(out: &mut [u8], start: usize, salt: Salt) {
    let length =
        u32::try_from(out.len() - start - PREFIX).expect("a batch is smaller than a segment, which has 30 bits");
    let length = length.to_le_bytes();
    let checksum = salt.checksum(&length, &out[start + PREFIX..]);
    out[start..start + 4].copy_from_slice(&length);
    out[start + 4..start + PREFIX].copy_from_slice(&checksum.to_le_bytes());
}

/// A frame that passed its checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: FrameKind,
    pub(crate) body: &'a [u8],
    /// Bytes of the whole frame.
    pub(crate) size: usize,
}

/// The bytes a frame claims to take, if there are enough of them to ask.
pub(crate) fn claimed_size(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(Scan::new(bytes).u32()?).ok()?;
    (length >= FRAME_BYTES - PREFIX).then_some(length.saturating_add(PREFIX))
}

/// Reads the frame at the start of `bytes`; `None` if it is not whole and sound.
pub(crate) fn read(bytes: &[u8], salt: Salt) -> Option<Frame<'_>> {
    let size = claimed_size(bytes)?;
    let frame = bytes.get(..size)?;
    let checksum = Scan::new(&frame[4..]).u32()?;
    if salt.checksum(&frame[..4], &frame[PREFIX..]) != checksum || frame[PREFIX + 1] != VERSION {
        return None;
    }
    let kind = FrameKind::from_byte(frame[PREFIX])?;
    Some(Frame {
        kind,
        body: &frame[FRAME_BYTES..],
        size,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_frame_reads_back_and_no_single_byte_may_change(body: Vec<u8>, salt: u64, at: prop::sample::Index) {
            let mut out = Vec::new();
            let start = open(&mut out, FrameKind::Chunk);
            out.extend_from_slice(&body);
            close(&mut out, start, Salt::new(salt));
            let frame = read(&out, Salt::new(salt)).expect("sound");
            prop_assert_eq!(frame.kind, FrameKind::Chunk);
            prop_assert_eq!(frame.body, &body[..]);
            prop_assert!(read(&out, Salt::new(salt.wrapping_add(1))).is_none());
            let at = at.index(out.len());
            out[at] = !out[at];
            prop_assert!(read(&out, Salt::new(salt)).is_none());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, salt: u64) {
            let _ = read(&bytes, Salt::new(salt));
        }
    }
}
