//! Finds the commits in the bytes of a segment, whatever happened to them.

use crate::frame::{self, FrameKind, Salt};
use crate::segment::HEADER_LENGTH;
use crate::varint::Scan;
use crate::writer::batch::{ENDS_WITH_NUMBERS, OPENING_BYTES};

/// What the first frame of a commit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) batch_no: u64,
    /// The number of the last durable commit before it.
    pub(crate) durable_before: u64,
    /// Bytes of the frames that follow.
    bytes: usize,
    /// How many frames follow.
    pub(crate) frames: u64,
    /// Whether the last of them gives all numbers once more.
    pub(crate) ends_with_numbers: bool,
}

/// A commit, or a stretch whose first frame is damaged.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) opening: Option<Opening>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a segment holds.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) stretches: Vec<Stretch>,
    /// Where the bytes end that mean something.
    pub(crate) tail: usize,
    /// Where the bytes end that are not zero; more than `tail` if something is left over.
    pub(crate) written: usize,
}

/// Reads the frame that opens a commit.
pub(crate) fn opening(bytes: &[u8], salt: Salt) -> Option<Opening> {
    // Cheap to refuse, because a search asks this at every byte.
    if frame::claimed_size(bytes) != Some(OPENING_BYTES) {
        return None;
    }
    let frame = frame::read(bytes, salt).filter(|frame| frame.kind == FrameKind::Batch)?;
    opening_body(frame.body)
}

/// Reads the body of the frame that opens a commit.
pub(crate) fn opening_body(body: &[u8]) -> Option<Opening> {
    let mut scan = Scan::new(body);
    let (batch_no, durable_before) = (scan.u64()?, scan.u64()?);
    let bytes = usize::try_from(scan.u32()?).ok()?;
    let frames = scan.u32()?;
    Some(Opening {
        batch_no,
        durable_before,
        bytes,
        frames: u64::from(frames & !ENDS_WITH_NUMBERS),
        ends_with_numbers: frames & ENDS_WITH_NUMBERS != 0,
    })
}

/// Bytes of the whole commit that this frame opens.
pub(crate) fn commit_bytes(bytes: &[u8], salt: Salt) -> Option<u64> {
    opening(bytes, salt).map(|opening| (OPENING_BYTES + opening.bytes) as u64)
}

/// Walks over a whole segment.
pub(crate) fn walk(bytes: &[u8], salt: Salt) -> Walk {
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut at = HEADER_LENGTH;
    let mut stretches = Vec::new();
    while at < written {
        if let Some((opening, end)) = commit_at(bytes, at, salt) {
            stretches.push(Stretch {
                opening: Some(opening),
                start: at,
                end,
            });
            at = end;
        } else if let Some(next) = (at + 1..written).find(|next| commit_at(bytes, *next, salt).is_some()) {
            stretches.push(Stretch {
                opening: None,
                start: at,
                end: next,
            });
            at = next;
        } else {
            break;
        }
    }
    // The last record may end in zeros.
    Walk {
        stretches,
        tail: at,
        written: written.max(at),
    }
}

fn commit_at(bytes: &[u8], at: usize, salt: Salt) -> Option<(Opening, usize)> {
    let opening = opening(bytes.get(at..)?, salt)?;
    let end = at.checked_add(OPENING_BYTES)?.checked_add(opening.bytes)?;
    (end <= bytes.len()).then_some((opening, end))
}
