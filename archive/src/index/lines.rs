//! The postings of one line in memory, small because most lines have one or two in a segment.

use super::{Posting, Window};
use crate::segment::Location;

/// A posting in 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    seq_low: u32,
    time_low: u32,
    seq_high: u16,
    time_high: u16,
    tag: u32,
    segment: u32,
    offset: u32,
}

/// The postings of a line, ascending.
#[derive(Debug)]
pub(super) enum Postings {
    One(Packed),
    More(Vec<Packed>),
}

/// The low 32 and the next 16 bits.
fn split(number: u64) -> (u32, u16) {
    ((number & 0xffff_ffff) as u32, ((number >> 32) & 0xffff) as u16)
}

impl Packed {
    fn new(posting: &Posting) -> Self {
        let (seq_low, seq_high) = split(posting.seq);
        let (time_low, time_high) = split(posting.time_ms);
        Self {
            seq_low,
            time_low,
            seq_high,
            time_high,
            tag: posting.tag,
            // 2^32 segments are out of reach.
            segment: u32::try_from(posting.location.segment).unwrap_or(u32::MAX),
            offset: posting.location.offset,
        }
    }

    fn seq(self) -> u64 {
        u64::from(self.seq_high) << 32 | u64::from(self.seq_low)
    }

    fn time_ms(self) -> u64 {
        u64::from(self.time_high) << 32 | u64::from(self.time_low)
    }

    fn unpack(self) -> Posting {
        Posting {
            seq: self.seq(),
            time_ms: self.time_ms(),
            tag: self.tag,
            location: Location {
                segment: self.segment.into(),
                offset: self.offset,
            },
        }
    }
}

impl Postings {
    pub(super) fn new(first: &Posting) -> Self {
        Self::One(Packed::new(first))
    }

    pub(super) fn push(&mut self, posting: &Posting) {
        let posting = Packed::new(posting);
        match self {
            Self::One(first) => *self = Self::More(vec![*first, posting]),
            Self::More(all) => all.push(posting),
        }
    }

    fn all(&self) -> &[Packed] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(all) => all,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Posting> {
        self.all().iter().map(|packed| packed.unpack())
    }

    /// The last number.
    pub(super) fn head(&self) -> u64 {
        self.all().last().map_or(0, |last| last.seq())
    }

    /// The part a window asks for.
    pub(super) fn cut(&self, window: &Window) -> Vec<Posting> {
        let all = self.all();
        let start = all.partition_point(|p| p.seq() < window.low || p.time_ms() < window.since_ms);
        let end = all.partition_point(|p| p.seq() <= window.high).max(start);
        let range = all[start..end].iter().map(|p| p.unpack()).filter(|p| window.takes(p));
        if window.forward {
            range.take(window.limit).collect()
        } else {
            range.rev().take(window.limit).collect()
        }
    }
}
