//! Makes the index of a segment from its bytes, telling what was acknowledged from what was not.

use bytes::Bytes;
use godwit_model::ServerId;

use super::walk::{Opening, Stretch, Walk, walk};
use crate::frame::{self, FrameKind};
use crate::index::active::ActiveIndex;
use crate::index::{Index, Posting};
use crate::record::{conversation_tag, decode};
use crate::segment::{Location, Segment};
use crate::state::{FanoutMark, State};
use crate::writer::batch::OPENING_BYTES;

/// Instead of the number of a durable commit: there are later ones, but their numbers are not readable.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// What a segment was found to hold.
pub(crate) struct Replayed {
    pub(crate) index: ActiveIndex,
    /// Where the next commit may stand.
    pub(crate) tail: usize,
    /// Where the bytes end that are not zero.
    pub(crate) written: usize,
    pub(crate) frames: u64,
    pub(crate) quarantined: u64,
    /// Bytes that were written and never acknowledged, at the end of the log.
    pub(crate) torn: u64,
    /// Where something is lost that may have given numbers which stand nowhere else.
    pub(crate) numbers_lost: Option<usize>,
}

/// Replays a segment. `state` is as of its start and is moved to its end. `next_durable` is what the first commit of a
/// later segment says was durable before it; `None` if this is the last segment with commits.
pub(crate) fn replay(segment: Segment, bytes: Vec<u8>, state: &mut State, next_durable: Option<u64>) -> Replayed {
    let Walk {
        stretches,
        tail,
        written,
    } = walk(&bytes, segment.salt());
    let mut replay = Replay {
        bytes: bytes.into(),
        state,
        result: Replayed {
            index: ActiveIndex::new(segment),
            tail,
            written,
            frames: 0,
            quarantined: 0,
            torn: 0,
            numbers_lost: None,
        },
    };
    for (at, stretch) in stretches.iter().enumerate() {
        let later = stretches[at + 1..].iter().find_map(|later| later.opening);
        let next = later.map(|opening| opening.durable_before).or(next_durable);
        replay.stretch(stretch, next);
    }
    replay.left_over(next_durable);
    replay.result
}

/// The index of a segment that others follow, while the archive is open. `state` is as of its start and is moved to its
/// end.
pub(crate) fn replay_finished(segment: Segment, bytes: Vec<u8>, state: &mut State) -> ActiveIndex {
    replay(segment, bytes, state, Some(UNKNOWN)).index
}

struct Replay<'a> {
    bytes: Bytes,
    state: &'a mut State,
    result: Replayed,
}

impl Replay<'_> {
    fn stretch(&mut self, stretch: &Stretch, next_durable: Option<u64>) {
        let last_durable = self.state.standing.progress.durable_batch;
        let Some(opening) = stretch.opening else {
            // Something was durable between the commits around it, or it is what a failed write left.
            if next_durable.is_none_or(|durable| durable > last_durable) {
                self.result.quarantined += 1;
                let lost = self.frames(stretch.start + OPENING_BYTES, stretch.end, None);
                // Each of the commits in here may have ended with its numbers.
                let commits = next_durable.map_or(1, |durable| durable.saturating_sub(last_durable));
                if lost && self.repeated_numbers(stretch) < commits {
                    self.result.numbers_lost.get_or_insert(stretch.start);
                }
            }
            return;
        };
        self.state.standing.progress.batch_no = self.state.standing.progress.batch_no.max(opening.batch_no);
        match next_durable {
            Some(durable) if durable < opening.batch_no => return,
            Some(_) => {}
            None if self.is_whole(stretch, opening) => {}
            None => {
                self.result.tail = stretch.start;
                return;
            }
        }
        let lost = self.frames(stretch.start + OPENING_BYTES, stretch.end, Some(opening.frames));
        if lost && opening.ends_with_numbers && self.repeated_numbers(stretch) == 0 {
            self.result.numbers_lost.get_or_insert(stretch.start);
        }
        self.state.standing.progress.durable_batch = opening.batch_no;
    }

    fn is_whole(&self, stretch: &Stretch, opening: Opening) -> bool {
        let salt = self.result.index.segment().salt();
        let mut at = stretch.start + OPENING_BYTES;
        let mut frames = 0;
        while at < stretch.end {
            let Some(frame) = frame::read(&self.bytes[at..stretch.end], salt) else {
                return false;
            };
            at += frame.size;
            frames += 1;
        }
        frames == opening.frames
    }

    /// Looks for numbers that were given once more wherever they may stand, and takes them over. Says how often.
    fn repeated_numbers(&mut self, stretch: &Stretch) -> u64 {
        let salt = self.result.index.segment().salt();
        let bytes = self.bytes.clone();
        let mut found = 0;
        for at in stretch.start..stretch.end {
            let frame = frame::read(&bytes[at..stretch.end], salt);
            if let Some(frame) = frame.filter(|frame| frame.kind == FrameKind::Numbers) {
                found += u64::from(self.numbers(frame.body).is_some());
            }
        }
        found
    }

    /// Applies the frames of a commit; `count` is how many there should be. Says whether any is lost.
    fn frames(&mut self, mut at: usize, end: usize, count: Option<u64>) -> bool {
        let salt = self.result.index.segment().salt();
        let bytes = self.bytes.clone();
        let quarantined = self.result.quarantined;
        let mut seen = 0;
        while at < end {
            let rest = &bytes[at..end];
            let size = if let Some(frame) = frame::read(rest, salt) {
                let start = at + frame::FRAME_BYTES;
                let body = bytes.slice(start..at + frame.size);
                // A body that passed its checksum and means nothing is as lost as one that did not.
                self.apply(frame.kind, &body, at)
                    .unwrap_or_else(|| self.result.quarantined += 1);
                frame.size
            } else {
                let skipped = frame::claimed_size(rest).filter(|size| {
                    *size == rest.len() || rest.get(*size..).is_some_and(|next| frame::read(next, salt).is_some())
                });
                let Some(size) = skipped else { break };
                self.result.quarantined += 1;
                size
            };
            at += size;
            seen += 1;
        }
        self.result.frames += seen;
        if at < end {
            self.result.quarantined += count.map_or(1, |count| count.saturating_sub(seen).max(1));
        }
        self.result.quarantined > quarantined
    }

    fn apply(&mut self, kind: FrameKind, body: &Bytes, at: usize) -> Option<()> {
        let offset = u32::try_from(at).ok()?;
        match kind {
            FrameKind::Batch => {}
            FrameKind::Message | FrameKind::Intent => self.record(kind, body, offset)?,
            FrameKind::Chunk => self.chunk(body)?,
            FrameKind::Devices => {
                for (device, state) in decode::devices(body)? {
                    self.result.index.add_device(device, state);
                    self.state.set_device(device, state);
                }
            }
            FrameKind::Marks => {
                let marks = decode::marks(body)?;
                self.result.index.add_marks(&marks);
                self.state.marks.extend(marks);
            }
            FrameKind::Numbers => self.numbers(body)?,
        }
        Some(())
    }

    /// Numbers that no record in here has any more were given all the same: they lead nowhere.
    fn numbers(&mut self, body: &[u8]) -> Option<()> {
        let (accounts, conversations) = decode::numbers(body)?;
        let index = &mut self.result.index;
        let time_ms = index.last_ms();
        let nowhere = |seq| Posting {
            seq,
            time_ms,
            tag: 0,
            location: Location::NOWHERE,
        };
        for (account, seq) in accounts {
            if self.state.heads.account(account) < seq {
                index.add_number(account, nowhere(seq));
                self.state.heads.raise_account(account, seq);
            }
        }
        for (conversation, seq) in conversations {
            if index.head_of(conversation) < seq {
                index.add_conversation_number(conversation, &nowhere(seq));
            }
        }
        Some(())
    }

    fn record(&mut self, kind: FrameKind, body: &Bytes, offset: u32) -> Option<()> {
        let stored = decode::stored(body)?;
        let location = Location {
            segment: self.result.index.segment().no,
            offset,
        };
        let record = &stored.record;
        self.result
            .index
            .add_record(record, stored.key.map(|key| key.key), offset);
        let last_id: &mut ServerId = &mut self.state.standing.progress.last_id;
        *last_id = record.server_id.max(*last_id);
        if kind == FrameKind::Intent {
            self.state.standing.fanouts.push(FanoutMark {
                intent: location,
                next: 0,
            });
            return Some(());
        }
        let tag = conversation_tag(record.conversation);
        for (account, seq) in stored.numbers()? {
            let posting = Posting {
                seq,
                time_ms: record.server_time_ms,
                tag,
                location,
            };
            self.result.index.add_number(account, posting);
            self.state.heads.raise_account(account, seq);
        }
        Some(())
    }

    fn chunk(&mut self, body: &[u8]) -> Option<()> {
        let (head, numbers) = decode::chunk(body)?;
        let count = numbers.len() as u64;
        for (account, seq) in numbers {
            let posting = Posting {
                seq,
                time_ms: head.time_ms,
                tag: head.tag,
                location: head.intent,
            };
            self.result.index.add_number(account, posting);
            self.state.heads.raise_account(account, seq);
        }
        let fanouts = &mut self.state.standing.fanouts;
        if head.last {
            fanouts.retain(|mark| mark.intent != head.intent);
        } else if let Some(mark) = fanouts.iter_mut().find(|mark| mark.intent == head.intent) {
            mark.next = head.start + count;
        }
        Some(())
    }

    /// Judges what is written behind the last commit.
    fn left_over(&mut self, next_durable: Option<u64>) {
        let left = self.result.written.saturating_sub(self.result.tail);
        match next_durable {
            None => self.result.torn = left as u64,
            Some(UNKNOWN) if left == 0 => {}
            Some(UNKNOWN) => {
                self.result.quarantined += 1;
                self.result.numbers_lost.get_or_insert(self.result.tail);
            }
            // Commits that are known to have been durable, and are not here.
            Some(durable) if durable > self.state.standing.progress.durable_batch => {
                self.result.quarantined += 1;
                self.result.numbers_lost.get_or_insert(self.result.tail);
                self.state.standing.progress.durable_batch = durable;
                self.state.standing.progress.batch_no = self.state.standing.progress.batch_no.max(durable);
            }
            Some(_) => {}
        }
        self.result.index.finish(self.state.standing.clone());
    }
}
