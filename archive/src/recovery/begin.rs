//! Reads a folder: checkpoint, sealed indexes, segments without one, the tail.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use godwit_model::AccountNo;

use super::folder::{Part, look};
use super::replay::{Replayed, UNKNOWN, replay};
use super::{OpenError, Recovery, walk};
use crate::checkpoint::{self, Checkpoint};
use crate::conversation_heads::dropped::Dropped;
use crate::device::states::DeviceStates;
use crate::disk::{Disk, read_exact_at};
use crate::fanout::{Fanout, Fanouts};
use crate::frame::FrameKind;
use crate::index::Index;
use crate::index::active::ActiveIndex;
use crate::index::sealed::SealedIndex;
use crate::index::sealer;
use crate::marks::Marks;
use crate::record::decode;
use crate::seal::KeyRing;
use crate::segment::open_files::OpenFiles;
use crate::segment::prepare::prepare;
use crate::segment::{self, FIRST_OFFSET, HEADER_BYTES, HEADER_LENGTH, Header, Segment};
use crate::settings::Settings;
use crate::sorted::table::BlockError;
use crate::state::{FanoutMark, Progress, Standing, State};
use crate::view::{SharedView, View};

/// Segments at the end of the log whose index may be written after the start; they stay in memory until then.
const LATER_MAX: usize = 3;

/// Everything a writer starts from.
pub(crate) struct Recovered {
    pub(crate) view: Arc<SharedView>,
    pub(crate) devices: DeviceStates,
    pub(crate) fanouts: Fanouts,
    pub(crate) progress: Progress,
    /// Where the next commit stands in the active segment.
    pub(crate) tail: u64,
    /// An empty segment that follows the active one.
    pub(crate) ready: Option<Segment>,
    pub(crate) checkpoint: Option<Checkpoint>,
    /// Finished segments whose index is still to be written.
    pub(crate) unsealed: Vec<Arc<ActiveIndex>>,
    pub(crate) report: Recovery,
}

/// Reads the folder.
pub(crate) fn begin(
    disk: &dyn Disk,
    files: &Arc<OpenFiles>,
    settings: &Settings,
    (keys, patience): (Option<&Arc<KeyRing>>, Option<Duration>),
) -> Result<Recovered, OpenError> {
    let (parts, dropped) = look(disk, files, settings.duplicate_filter_bytes_max)?;
    let (checkpoint, state) = match checkpoint::read(disk)? {
        Some((checkpoint, state)) => (Some(checkpoint), state),
        // What the dropped segments said is nowhere else.
        None if dropped.lowest > 1 => return Err(OpenError::Irreplaceable { file: checkpoint::NAME }),
        None => (None, State::default()),
    };
    let mut desk = Desk {
        disk,
        files,
        accept_lost_numbers: settings.accept_lost_numbers,
        keys,
        patience,
        covered: checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.covers),
        checkpoint,
        state,
        before: Standing::default(),
        sealed: Vec::new(),
        unsealed: Vec::new(),
        active: None,
        ready: None,
        damaged: None,
        report: Recovery::default(),
    };
    for (at, part) in parts.iter().enumerate() {
        desk.part(part, &parts[at + 1..], dropped.lowest)?;
        if let Some(name) = desk.damaged.take() {
            tracing::error!(name, "an index is damaged and is built again");
            disk.remove(&name)?;
            return begin(disk, files, settings, (keys, patience));
        }
    }
    let last = parts.last().map_or(dropped.lowest.saturating_sub(1), Part::last);
    let next_no = last.max(desk.covered) + 1;
    desk.finish(next_no, settings.segment_bytes, dropped)
}

struct Desk<'a> {
    disk: &'a dyn Disk,
    files: &'a Arc<OpenFiles>,
    accept_lost_numbers: bool,
    keys: Option<&'a Arc<KeyRing>>,
    /// How long a page waits for a store.
    patience: Option<Duration>,
    /// The last segment the checkpoint covers; 0 without one.
    covered: u64,
    checkpoint: Option<Checkpoint>,
    state: State,
    /// What was under way after the part before the current one.
    before: Standing,
    sealed: Vec<Arc<SealedIndex>>,
    unsealed: Vec<Arc<ActiveIndex>>,
    active: Option<(ActiveIndex, u64)>,
    ready: Option<Segment>,
    /// An index whose inside is damaged: the reading starts over without it.
    damaged: Option<String>,
    report: Recovery,
}

impl Desk<'_> {
    fn part(&mut self, part: &Part, later: &[Part], lowest: u64) -> Result<(), OpenError> {
        match part {
            Part::Indexed(index) => {
                let kept = index.segments().iter().filter(|segment| segment.no >= lowest).count();
                self.report.segments += kept as u64;
                self.indexed(index)
            }
            Part::Segment(no) => self.segment(*no, later),
        }
    }

    fn indexed(&mut self, index: &Arc<SealedIndex>) -> Result<(), OpenError> {
        self.before = index.standing().clone();
        self.sealed.push(Arc::clone(index));
        if index.range().1 <= self.covered {
            return Ok(());
        }
        match checkpoint::add(&mut self.state, index) {
            Ok(()) => Ok(()),
            Err(BlockError::Disk(error)) => Err(error.into()),
            Err(BlockError::Damaged) => {
                self.damaged = Some(index.name());
                Ok(())
            }
        }
    }

    fn segment(&mut self, no: u64, later: &[Part]) -> Result<(), OpenError> {
        match segment::open(self.disk, no)? {
            Header::Sound(segment) => self.unsealed_segment(segment, later),
            Header::Unknown(version) => Err(OpenError::Version {
                file: segment::name(no),
                version,
            }),
            Header::Damaged => {
                tracing::error!(segment = no, "a segment's header is damaged; the file is set aside");
                self.report.quarantined += 1;
                let name = segment::name(no);
                self.disk.rename(&name, &format!("{name}.damaged"))?;
                Ok(self.disk.sync_directory()?)
            }
        }
    }

    fn unsealed_segment(&mut self, segment: Segment, later: &[Part]) -> Result<(), OpenError> {
        let file = segment.file()?;
        let mut bytes = vec![0; usize::try_from(file.size()?).map_err(io::Error::other)?];
        read_exact_at(&*file, &mut bytes, 0)?;
        let next_durable = self.next_durable(later)?;
        let empty = bytes[HEADER_LENGTH..].iter().all(|byte| *byte == 0);
        if empty && next_durable.is_none() && self.active.is_some() {
            self.ready.get_or_insert(segment);
            return Ok(());
        }
        // A segment that the checkpoint covers changes nothing any more; its index alone is made again.
        let mut scratch = (segment.no <= self.covered).then(|| State {
            standing: self.before.clone(),
            ..State::default()
        });
        let state = scratch.as_mut().unwrap_or(&mut self.state);
        let replayed = replay(segment, bytes, state, next_durable);
        self.before = state.standing.clone();
        if let Some(offset) = replayed.numbers_lost {
            self.numbers_lost(replayed.index.segment().no, offset)?;
        }
        self.report.frames_replayed += replayed.frames;
        self.report.quarantined += replayed.quarantined;
        self.report.segments += u64::from(replayed.frames > 0);
        if next_durable.is_some() {
            let soon = later.len() <= LATER_MAX && later.iter().all(|part| matches!(part, Part::Segment(_)));
            self.rebuild(replayed, soon)
        } else {
            self.make_active(replayed)
        }
    }

    /// Something is lost, and numbers that it gave could be given again.
    fn numbers_lost(&self, segment: u64, offset: usize) -> Result<(), OpenError> {
        let file = segment::name(segment);
        tracing::error!(file, offset, "numbers that were given are lost");
        if self.accept_lost_numbers {
            return Ok(());
        }
        Err(OpenError::NumbersLost {
            file,
            offset: offset as u64,
        })
    }

    /// What the first commit after this segment says was durable before it.
    fn next_durable(&self, later: &[Part]) -> io::Result<Option<u64>> {
        for part in later {
            let no = part.first();
            let segment = match segment::open(self.disk, no) {
                Ok(Header::Sound(segment)) => Some(segment),
                // A header is durable before anything is written behind it.
                Ok(Header::Damaged | Header::Unknown(_)) => None,
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            if let Some(segment) = segment {
                let first = segment.frame(FIRST_OFFSET)?;
                let first = first.filter(|(kind, _)| *kind == FrameKind::Batch);
                if let Some(opening) = first.and_then(|(_, body)| walk::opening_body(&body)) {
                    return Ok(Some(opening.durable_before));
                }
            }
            if matches!(part, Part::Indexed(_)) {
                return Ok(Some(UNKNOWN));
            }
        }
        Ok(None)
    }

    /// Writes the index of a finished segment, or leaves that for after the start.
    fn rebuild(&mut self, replayed: Replayed, soon: bool) -> Result<(), OpenError> {
        self.report.indexes_rebuilt += 1;
        if soon {
            self.unsealed.push(Arc::new(replayed.index));
            return Ok(());
        }
        match sealer::write(self.disk, self.files, &replayed.index) {
            Ok(index) => self.sealed.push(Arc::new(index)),
            Err(error) if crate::disk::is_full(&error) => self.unsealed.push(Arc::new(replayed.index)),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Goes on in a segment behind its last whole commit.
    fn make_active(&mut self, replayed: Replayed) -> Result<(), OpenError> {
        self.report.torn_bytes += replayed.torn;
        let file = replayed.index.segment().file()?;
        if replayed.torn > 0 {
            tracing::warn!(
                bytes = replayed.torn,
                "an unfinished commit was cut from the end of the log"
            );
            let zeros = vec![0; replayed.written - replayed.tail];
            file.write_at(&zeros, replayed.tail as u64)?;
        }
        // What was read may only have been in the host's memory.
        file.sync_data()?;
        let tail = replayed.tail as u64;
        if let Some((_, used)) = &self.active {
            // Both are behind the last commit, so only the first can hold any.
            debug_assert!(replayed.frames == 0, "two tails, the first of {used} bytes");
            self.ready.get_or_insert(replayed.index.segment().clone());
        } else {
            self.active = Some((replayed.index, tail));
        }
        Ok(())
    }

    fn finish(mut self, next_no: u64, segment_bytes: u64, dropped: Dropped) -> Result<Recovered, OpenError> {
        let (active, tail) = match self.active.take() {
            Some(active) => active,
            None => (
                ActiveIndex::new(prepare(self.disk, next_no, segment_bytes)?),
                HEADER_BYTES,
            ),
        };
        let view = View {
            heads: std::mem::take(&mut self.state.heads),
            active,
            sealing: self.unsealed.clone(),
            sealed: Arc::new(std::mem::take(&mut self.sealed)),
            dropped: Arc::new(dropped),
        };
        let fanouts = self.fanouts(&view);
        Ok(Recovered {
            view: Arc::new(
                SharedView::new(view, Marks::of(self.state.marks), Arc::clone(self.files))
                    .with_keys(self.keys.cloned())
                    .with_patience(self.patience),
            ),
            devices: self.state.devices,
            fanouts,
            progress: self.state.standing.progress,
            tail,
            ready: self.ready,
            checkpoint: self.checkpoint,
            unsealed: self.unsealed,
            report: self.report,
        })
    }

    /// Loads the fan-outs that are not finished.
    fn fanouts(&mut self, view: &View) -> Fanouts {
        let mut fanouts = Fanouts::default();
        for mark in std::mem::take(&mut self.state.standing.fanouts) {
            if let Some(fanout) = load(view, mark, self.keys.map(AsRef::as_ref)) {
                self.report.fanouts_resumed += 1;
                fanouts.push(fanout);
            } else {
                tracing::error!(
                    segment = mark.intent.segment,
                    offset = mark.intent.offset,
                    "a fan-out's intent is lost"
                );
                self.report.quarantined += 1;
            }
        }
        fanouts
    }
}

fn load(view: &View, mark: FanoutMark, keys: Option<&KeyRing>) -> Option<Fanout> {
    let finished = view.finished();
    let active = view.active.segment();
    let segment = if active.no == mark.intent.segment {
        active.clone()
    } else {
        finished.segment(mark.intent.segment)?
    };
    let (kind, body): (FrameKind, Bytes) = segment.frame(mark.intent.offset).ok()??;
    if kind != FrameKind::Intent {
        return None;
    }
    let stored = decode::stored(&body)?.opened(keys);
    let recipients: Vec<AccountNo> = stored.accounts()?;
    let next = usize::try_from(mark.next)
        .ok()
        .filter(|next| *next < recipients.len())?;
    Some(Fanout {
        record: Arc::new(stored.record),
        intent: mark.intent,
        recipients,
        next,
    })
}
