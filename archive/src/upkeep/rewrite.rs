//! Copies a segment without the bodies of marked messages, and puts the copy in its place.
//!
//! Everything keeps its offset and its length, so that no index changes. Until the copy is durable under the segment's
//! name the marks stay outstanding; a power cut at any point leaves the old file or the new one, and the marks.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Desk;
use super::locate::{Found, Marked, UpkeepError};
use crate::disk::{Disk, DiskFile, read_exact_at};
use crate::frame::{self, FrameKind, Salt};
use crate::record::{GoneReason, RecordKind, decode};
use crate::recovery::commit_bytes;
use crate::segment::{self, HEADER_BYTES, Segment, name};
use crate::writer::batch::OPENING_BYTES;

/// Bytes copied at once.
const STRIDE: usize = 1 << 20;
/// Least time between two segments that are finished early because of an erasure.
const ROLL_PACE: Duration = Duration::from_mins(1);
/// How long a recalled message may stay in the segment that is being written.
const RECALLED_WAIT_MS: u64 = 60 * 60 * 1000;

/// What the rewriting remembers.
#[derive(Default)]
pub(crate) struct Rewriting {
    rolled: Option<Instant>,
}

impl Desk {
    /// Rewrites the segments for which it is time.
    pub(super) fn rewrite_due(&mut self) -> Result<(), UpkeepError> {
        self.rewrite(false).map(|_| ())
    }

    /// Takes every marked message off the disk now. Says how many segments were rewritten.
    pub(crate) fn rewrite_now(&mut self) -> Result<usize, UpkeepError> {
        self.rewrite(true)
    }

    fn rewrite(&mut self, all: bool) -> Result<usize, UpkeepError> {
        let segments = self.locate()?;
        // What is here first: a store may take its time, or not answer.
        let (cold, here): (Vec<_>, Vec<_>) = segments.iter().partition(|(no, _)| self.tier.is_cold(**no));
        let mut rewritten = 0;
        for (no, found) in here {
            if *no == self.active() && !self.finish_early(found, all)? {
                continue;
            }
            if all {
                self.wait_sealed(*no)?;
            } else if self.shared.view.read().is_sealing(*no) {
                continue;
            }
            rewritten += self.rewrite_found(found)?;
        }
        for (no, found) in cold {
            self.tier.recall(*no)?;
            self.shared.view.swapped(*no);
            rewritten += self.rewrite_found(found)?;
        }
        // The objects that the new files replace hold what had to go.
        if (all || rewritten > 0) && self.tier.owes() {
            self.tier.sweep()?;
        }
        Ok(rewritten)
    }

    /// How many segments were rewritten, which is one or none.
    fn rewrite_found(&self, found: &Found) -> Result<usize, UpkeepError> {
        let rewritten = self.rewrite_segment(&found.segment, &found.marked)?;
        for marked in &found.marked {
            self.shared.view.marks.settle(marked.id);
        }
        Ok(usize::from(rewritten))
    }

    /// Finishes the active segment if its marks are worth it.
    fn finish_early(&mut self, found: &Found, all: bool) -> Result<bool, UpkeepError> {
        let now_ms = self.clock.now_ms();
        let rested = self.rewriting.rolled.is_none_or(|at| at.elapsed() >= ROLL_PACE);
        let urgent = |marked: &Marked| {
            marked.mark.reason == GoneReason::Erased || marked.mark.at_ms + RECALLED_WAIT_MS <= now_ms
        };
        let worth_it = all || (rested && found.marked.iter().any(urgent));
        if !worth_it {
            return Ok(false);
        }
        self.roll()?;
        self.rewriting.rolled = Some(Instant::now());
        Ok(true)
    }

    /// `false` if nothing of these messages was left in the segment.
    fn rewrite_segment(&self, segment: &Segment, marked: &[Marked]) -> Result<bool, UpkeepError> {
        let mut patches = Vec::new();
        for marked in marked {
            let Some((kind, body)) = segment.frame(marked.offset)? else {
                tracing::error!(
                    segment = segment.no,
                    offset = marked.offset,
                    "a message that was taken back is damaged, and stays as it is"
                );
                continue;
            };
            if let Some(patch) = without_body(kind, &body, marked.mark.reason, segment.salt()) {
                patches.push((u64::from(marked.offset), patch));
            }
        }
        if patches.is_empty() {
            return Ok(false);
        }
        let temporary = format!("{}.tmp", name(segment.no));
        let copied = copy(&*self.tier, segment, &temporary, &patches);
        if copied.is_err() {
            // It would only take room; a start removes it if this fails too.
            let _ = self.tier.remove(&temporary);
        }
        copied?;
        self.tier.rename(&temporary, &name(segment.no))?;
        self.shared.view.swapped(segment.no);
        self.tier.sync_directory()?;
        metrics::counter!("archive_rewritten_segments_total").increment(1);
        tracing::info!(
            segment = segment.no,
            messages = patches.len(),
            "messages that were taken back left the disk"
        );
        Ok(true)
    }
}

/// The frame of a message with zeros for its body; `None` if it has no body any more.
fn without_body(kind: FrameKind, body: &Bytes, reason: GoneReason, salt: Salt) -> Option<Vec<u8>> {
    let stored = decode::stored(body)?;
    let is_message = matches!(kind, FrameKind::Message | FrameKind::Intent);
    if !is_message || matches!(stored.record.kind, RecordKind::Gone(_)) {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() + frame::FRAME_BYTES);
    let start = frame::open(&mut out, kind);
    let at = out.len();
    out.extend_from_slice(body);
    out[at + stored.content.start..at + stored.content.end].fill(0);
    out[at + decode::KIND_OFFSET] = RecordKind::Gone(reason).byte();
    frame::close(&mut out, start, salt);
    Some(out)
}

/// Writes a durable copy with the patches in it. What is only zeros behind the last commit is left out.
fn copy(disk: &dyn Disk, segment: &Segment, temporary: &str, patches: &[(u64, Vec<u8>)]) -> io::Result<()> {
    let target = match disk.create(temporary) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(temporary)?;
            disk.create(temporary)?
        }
        other => other?,
    };
    let length = used(segment)?;
    let header = segment::header(segment.no, segment.salt_number, length);
    let mut offset = 0;
    strides(segment, 0, length, |bytes| {
        patch(bytes, offset, patches);
        if offset == 0 {
            bytes[..header.len()].copy_from_slice(&header);
        }
        target.write_at(bytes, offset)?;
        offset += bytes.len() as u64;
        Ok(true)
    })?;
    target.sync_data()
}

/// Reads a part of a segment piece by piece, until there is no more or `take` says that it has enough.
fn strides(
    segment: &Segment,
    from: u64,
    to: u64,
    mut take: impl FnMut(&mut [u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let file = segment.file()?;
    let mut bytes = vec![0; STRIDE];
    let mut offset = from;
    while offset < to {
        let count = usize::try_from(to - offset).map_or(STRIDE, |left| left.min(STRIDE));
        read_exact_at(&*file, &mut bytes[..count], offset)?;
        offset += count as u64;
        if !take(&mut bytes[..count])? {
            break;
        }
    }
    Ok(())
}

/// How much of a segment's file is needed: all of it if anything stands behind the last commit.
fn used(segment: &Segment) -> io::Result<u64> {
    let file = segment.file()?;
    let size = file.size()?;
    let end = end_of_commits(&*file, segment.salt(), size)?;
    let mut is_empty = true;
    strides(segment, end, size, |bytes| {
        is_empty &= bytes.iter().all(|byte| *byte == 0);
        Ok(is_empty)
    })?;
    Ok(if is_empty { end } else { size })
}

/// Lays the parts of patches that fall into these bytes over them, so that no text is ever written to the copy.
fn patch(bytes: &mut [u8], offset: u64, patches: &[(u64, Vec<u8>)]) {
    let end = offset + bytes.len() as u64;
    for (at, patch) in patches {
        let (from, to) = ((*at).max(offset), (at + patch.len() as u64).min(end));
        if from >= to {
            continue;
        }
        let within = |position: u64, start: u64| usize::try_from(position - start).expect("both are within memory");
        bytes[within(from, offset)..within(to, offset)].copy_from_slice(&patch[within(from, *at)..within(to, *at)]);
    }
}

/// Where the last commit ends; the end of the file if that cannot be told.
fn end_of_commits(file: &dyn DiskFile, salt: Salt, size: u64) -> io::Result<u64> {
    let mut at = HEADER_BYTES;
    let mut opening = [0; OPENING_BYTES];
    while at + OPENING_BYTES as u64 <= size {
        read_exact_at(file, &mut opening, at)?;
        match commit_bytes(&opening, salt) {
            Some(bytes) => at += bytes,
            None if opening.iter().all(|byte| *byte == 0) => return Ok(at),
            None => return Ok(size),
        }
    }
    Ok(size)
}
