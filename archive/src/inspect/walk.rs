//! Walks over the commits and frames of a segment, and finds every byte that is not as it was written.

use bytes::Bytes;

use super::DamageKind;
use crate::frame::{self, FrameKind, Salt};
use crate::record::decode;
use crate::recovery::walk::{Opening, Stretch, walk};
use crate::segment::HEADER_LENGTH;
use crate::writer::batch::OPENING_BYTES;

/// Instead of the number of a durable commit: there are later ones, but their numbers are not readable.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// Something met on the way.
pub(super) enum Seen<'a> {
    /// A durable frame that passed its checksum and makes sense.
    Frame {
        offset: u64,
        kind: FrameKind,
        body: &'a Bytes,
    },
    /// A stretch that is not as it was written.
    Fault(Fault),
}

/// A stretch of a segment that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) kind: DamageKind,
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ended {
    /// The number of the last durable commit, if it is known.
    pub(super) durable: Option<u64>,
    /// Where the next commit would stand.
    pub(super) tail: u64,
}

/// Walks over a whole segment. `before` is the last durable commit of the segment before, if it is known.
/// `next_durable` is what the first commit of a later segment says was durable before it; `None` if there is none.
pub(super) fn walk_segment(
    bytes: &Bytes,
    salt: Salt,
    before: Option<u64>,
    next_durable: Option<u64>,
    visit: &mut dyn FnMut(Seen<'_>),
) -> Ended {
    let found = walk(bytes, salt);
    let mut walker = Walker {
        bytes,
        salt,
        durable: before,
        tail: found.tail,
        visit,
    };
    for (at, stretch) in found.stretches.iter().enumerate() {
        let later = found.stretches[at + 1..].iter().find_map(|later| later.opening);
        let next = later.map(|opening| opening.durable_before).or(next_durable);
        walker.stretch(stretch, next);
    }
    walker.left_over(found.tail, found.written, next_durable);
    Ended {
        durable: walker.durable,
        tail: walker.tail as u64,
    }
}

/// The commit that opens a segment says which commit was durable before it.
pub(super) fn first_durable_before(bytes: &[u8], salt: Salt) -> Option<u64> {
    let opening = crate::recovery::walk::opening(bytes.get(HEADER_LENGTH..)?, salt)?;
    Some(opening.durable_before)
}

struct Walker<'a> {
    bytes: &'a Bytes,
    salt: Salt,
    durable: Option<u64>,
    tail: usize,
    visit: &'a mut dyn FnMut(Seen<'_>),
}

impl Walker<'_> {
    fn fault(&mut self, start: usize, end: usize, kind: DamageKind) {
        (self.visit)(Seen::Fault(Fault {
            offset: start as u64,
            length: end.saturating_sub(start) as u64,
            kind,
        }));
    }

    fn stretch(&mut self, stretch: &Stretch, next: Option<u64>) {
        let Some(opening) = stretch.opening else {
            return self.unopened(stretch, next);
        };
        if next.is_some_and(|durable| durable < opening.batch_no) {
            // A commit whose sync failed; nobody was told that it is stored.
            return;
        }
        if let Some(last) = self.durable
            && opening.durable_before > last
        {
            self.fault(stretch.start, stretch.start, DamageKind::Lost);
        }
        if next.is_none() && !self.is_whole(stretch, opening) {
            self.tail = stretch.start;
            return self.fault(stretch.start, stretch.end, DamageKind::Torn);
        }
        self.frames(stretch.start + OPENING_BYTES, stretch.end, Some(opening.frames));
        self.durable = Some(opening.batch_no);
    }

    /// A stretch without a sound opening: damaged if something was durable there, else what a failed write left.
    fn unopened(&mut self, stretch: &Stretch, next: Option<u64>) {
        let durable = match (next, self.durable) {
            (Some(next), Some(last)) => next > last,
            _ => true,
        };
        if !durable {
            return self.fault(stretch.start, stretch.end, DamageKind::Stray);
        }
        self.fault(stretch.start, stretch.end, DamageKind::Commit);
        self.frames(stretch.start + OPENING_BYTES, stretch.end, None);
        // What it held is known to have been durable, and is told once.
        self.durable = next.filter(|next| *next != UNKNOWN);
    }

    fn is_whole(&self, stretch: &Stretch, opening: Opening) -> bool {
        let mut at = stretch.start + OPENING_BYTES;
        let mut frames = 0;
        while at < stretch.end {
            let Some(frame) = frame::read(&self.bytes[at..stretch.end], self.salt) else {
                return false;
            };
            at += frame.size;
            frames += 1;
        }
        frames == opening.frames
    }

    /// The frames of a commit; without `count` its opening is lost, and damage was told already.
    fn frames(&mut self, mut at: usize, end: usize, count: Option<u64>) {
        let start = at;
        let mut seen = 0;
        while at < end {
            let rest = &self.bytes[at..end];
            let size = if let Some(frame) = frame::read(rest, self.salt) {
                let (kind, size) = (frame.kind, frame.size);
                self.frame(at, kind, size);
                size
            } else {
                let skipped = frame::claimed_size(rest).filter(|size| {
                    let next = rest.get(*size..);
                    *size == rest.len() || next.is_some_and(|next| frame::read(next, self.salt).is_some())
                });
                if count.is_some() {
                    self.fault(at, skipped.map_or(end, |size| at + size), DamageKind::Frame);
                }
                let Some(size) = skipped else { return };
                size
            };
            at += size;
            seen += 1;
        }
        if count.is_some_and(|count| count != seen) {
            self.fault(start, end, DamageKind::Content);
        }
    }

    fn frame(&mut self, at: usize, kind: FrameKind, size: usize) {
        let body = self.bytes.slice(at + frame::FRAME_BYTES..at + size);
        if makes_sense(kind, &body) {
            (self.visit)(Seen::Frame {
                offset: at as u64,
                kind,
                body: &body,
            });
        } else {
            self.fault(at, at + size, DamageKind::Content);
        }
    }

    /// Judges what is written behind the last commit.
    fn left_over(&mut self, tail: usize, written: usize, next_durable: Option<u64>) {
        match (next_durable, self.durable) {
            (None, _) if written > tail => self.fault(tail, written, DamageKind::Torn),
            (Some(next), Some(last)) if next != UNKNOWN && next > last => {
                self.fault(tail, written.max(tail), DamageKind::Lost);
                self.durable = Some(next);
            }
            _ if written > tail => self.fault(tail, written, DamageKind::Stray),
            _ => {}
        }
    }
}

fn makes_sense(kind: FrameKind, body: &Bytes) -> bool {
    match kind {
        FrameKind::Batch => true,
        FrameKind::Message => decode::stored(body).is_some_and(|stored| stored.numbers().is_some()),
        FrameKind::Intent => decode::stored(body).is_some_and(|stored| stored.accounts().is_some()),
        FrameKind::Chunk => decode::chunk(body).is_some(),
        FrameKind::Devices => decode::devices(body).is_some(),
        FrameKind::Marks => decode::marks(body).is_some(),
        FrameKind::Numbers => decode::numbers(body).is_some(),
    }
}
