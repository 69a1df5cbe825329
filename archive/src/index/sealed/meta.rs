//! What an index file says about itself: which segments it covers, and what was under way after them.

use godwit_model::ServerId;

use crate::marks::Mark;
use crate::state::{Map, Standing, decode_marks, encode_marks};
use crate::varint::{Scan, put};

/// A segment as its index knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealedSegment {
    pub(crate) no: u64,
    /// Its checksums start from it; here as well, so that a lost segment header costs nothing.
    pub(crate) salt: u64,
    /// When its first number was given; after `last_ms` if it gave none.
    pub(crate) first_ms: u64,
    /// When its last number was given.
    pub(crate) last_ms: u64,
    /// Bytes of its file when it was sealed.
    pub(crate) bytes: u64,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) level: u8,
    /// Ascending, at least one.
    pub(super) segments: Vec<SealedSegment>,
    pub(super) first_id: ServerId,
    pub(super) last_id: ServerId,
    pub(super) standing: Standing,
    /// Messages that were taken back in these segments.
    pub(super) marks: Map<ServerId, Mark>,
}

impl Meta {
    pub(super) fn range(&self) -> (u64, u64) {
        let no = |segment: Option<&SealedSegment>| segment.map_or(0, |segment| segment.no);
        (no(self.segments.first()), no(self.segments.last()))
    }

    pub(super) fn last_ms(&self) -> u64 {
        self.segments.iter().map(|segment| segment.last_ms).max().unwrap_or(0)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.level];
        put(&mut out, self.segments.len() as u64);
        for segment in &self.segments {
            put(&mut out, segment.no);
            out.extend_from_slice(&segment.salt.to_le_bytes());
            out.extend_from_slice(&segment.first_ms.to_le_bytes());
            put(&mut out, segment.last_ms);
            put(&mut out, segment.bytes);
        }
        out.extend_from_slice(&self.first_id.0.to_le_bytes());
        out.extend_from_slice(&self.last_id.0.to_le_bytes());
        self.standing.encode(&mut out);
        encode_marks(&mut out, self.marks.iter());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut scan = Scan::new(bytes);
        let level = scan.u8()?;
        let count = scan.count()?;
        let mut segments = Vec::with_capacity(count);
        for _ in 0..count {
            segments.push(SealedSegment {
                no: scan.varint()?,
                salt: scan.u64()?,
                first_ms: scan.u64()?,
                last_ms: scan.varint()?,
                bytes: scan.varint()?,
            });
        }
        let meta = Self {
            level,
            segments,
            first_id: ServerId(scan.u128()?),
            last_id: ServerId(scan.u128()?),
            standing: Standing::decode(&mut scan)?,
            marks: decode_marks(&mut scan)?,
        };
        let ascending = meta.segments.is_sorted_by(|one, next| one.no < next.no);
        (ascending && !meta.segments.is_empty() && scan.left() == 0).then_some(meta)
    }
}

/// The name of the file of an index that covers these segments.
pub(crate) fn name((first, last): (u64, u64)) -> String {
    if first == last {
        format!("segment-{first:016x}.idx")
    } else {
        format!("segments-{first:016x}-{last:016x}.idx")
    }
}

/// The segments that an index covers, read from the name of its file.
pub(crate) fn range(name: &str) -> Option<(u64, u64)> {
    let number = |digits: &str| (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok())?;
    let stem = name.strip_suffix(".idx")?;
    if let Some(digits) = stem.strip_prefix("segment-") {
        let no = number(digits)?;
        return Some((no, no));
    }
    let (first, last) = stem.strip_prefix("segments-")?.split_once('-')?;
    Some((number(first)?, number(last)?))
}

/// Whether a file of this name is a sealed index.
pub(crate) fn is_name(name: &str) -> bool {
    range(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_index_says_what_it_covers() {
        for covered in [(1, 1), (1, 8), (9, 0xffff)] {
            assert_eq!(range(&name(covered)), Some(covered));
        }
        for other in [
            "segment-1.idx",
            "segment-0000000000000001.log",
            "checkpoint",
            "segments-0000000000000001.idx",
        ] {
            assert_eq!(range(other), None);
        }
    }

    #[test]
    fn what_an_index_says_about_itself_reads_back() {
        let segment = |no| SealedSegment {
            no,
            salt: u64::MAX - no,
            first_ms: u64::MAX,
            last_ms: 0,
            bytes: 64 << 20,
        };
        let meta = Meta {
            level: 1,
            segments: vec![segment(3), segment(5)],
            first_id: ServerId(7),
            last_id: ServerId(u128::MAX),
            standing: Standing::default(),
            marks: Map::default(),
        };
        let bytes = meta.encode();
        assert_eq!(Meta::decode(&bytes), Some(meta));
        assert_eq!(Meta::decode(&bytes[1..]), None);
    }
}
