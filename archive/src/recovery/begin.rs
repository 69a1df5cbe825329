//! Reads a folder: checkpoint, sealed indexes, segments without one, the tail.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use godwit_model::{AccountNo, DeviceNo};

use super::replay::{Replayed, UNKNOWN, replay};
use super::{OpenError, Recovery, walk};
use crate::checkpoint;
use crate::device::DeviceState;
use crate::disk::{Disk, read_exact_at};
use crate::fanout::{Fanout, Fanouts};
use crate::frame::FrameKind;
use crate::index::SegmentIndex;
use crate::index::active::ActiveIndex;
use crate::index::sealed::{self, SealedIndex};
use crate::index::sealer;
use crate::marks::Marks;
use crate::record::decode;
use crate::segment::prepare::prepare;
use crate::segment::{self, FIRST_OFFSET, HEADER_BYTES, HEADER_LENGTH, Header, Segment};
use crate::state::{FanoutMark, Progress, State};
use crate::view::{SharedView, View};

/// Everything a writer starts from.
pub(crate) struct Recovered {
    pub(crate) view: Arc<SharedView>,
    pub(crate) devices: Vec<(DeviceNo, DeviceState)>,
    pub(crate) fanouts: Fanouts,
    pub(crate) progress: Progress,
    /// Where the next commit stands in the active segment.
    pub(crate) tail: u64,
    /// An empty segment that follows the active one.
    pub(crate) ready: Option<Segment>,
    /// The state as of the newest sealed segment, if it is known.
    pub(crate) sealed_state: Option<State>,
    /// Finished segments whose index could not be written yet.
    pub(crate) unsealed: Vec<Arc<ActiveIndex>>,
    pub(crate) report: Recovery,
}

/// Reads the folder.
pub(crate) fn begin(disk: &dyn Disk, segment_bytes: u64) -> Result<Recovered, OpenError> {
    let mut numbers = clean(disk)?;
    numbers.sort_unstable();
    let (covered, state) = checkpoint::read(disk)?.map_or((None, State::default()), |(no, state)| (Some(no), state));
    let mut desk = Desk {
        disk,
        covered,
        state,
        before: None,
        sealed: Vec::new(),
        unsealed: Vec::new(),
        sealed_state: None,
        active: None,
        ready: None,
        report: Recovery::default(),
    };
    for (at, no) in numbers.iter().enumerate() {
        desk.segment(*no, &numbers[at + 1..])?;
    }
    let next_no = numbers.last().map_or(1, |last| last + 1);
    desk.finish(next_no, segment_bytes)
}

/// Removes what was not finished, and says which segments there are.
fn clean(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    let names = disk.list()?;
    for name in names.iter().filter(|name| name.strip_suffix(".tmp").is_some()) {
        disk.remove(name)?;
    }
    Ok(names.iter().filter_map(|name| segment::number(name)).collect())
}

struct Desk<'a> {
    disk: &'a dyn Disk,
    /// The last segment the checkpoint covers.
    covered: Option<u64>,
    state: State,
    /// The sealed segment before the current one, while the checkpoint covers it.
    before: Option<State>,
    sealed: Vec<Arc<SealedIndex>>,
    unsealed: Vec<Arc<ActiveIndex>>,
    sealed_state: Option<State>,
    active: Option<(ActiveIndex, u64)>,
    ready: Option<Segment>,
    report: Recovery,
}

impl Desk<'_> {
    fn is_covered(&self, no: u64) -> bool {
        self.covered.is_some_and(|covered| no <= covered)
    }

    fn segment(&mut self, no: u64, later: &[u64]) -> Result<(), OpenError> {
        if let Some(opened) = sealed::open(self.disk, no)?
            && let Some(delta) = opened.delta()
        {
            if self.is_covered(no) {
                self.before = Some(delta);
            } else {
                self.state.merge(delta);
            }
            self.sealed.push(Arc::new(opened.index));
            self.report.segments += 1;
            return Ok(());
        }
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

    fn unsealed_segment(&mut self, segment: Segment, later: &[u64]) -> Result<(), OpenError> {
        let mut bytes = vec![0; usize::try_from(segment.file.size()?).map_err(io::Error::other)?];
        read_exact_at(&*segment.file, &mut bytes, 0)?;
        let next_durable = self.next_durable(later)?;
        let empty = bytes[HEADER_LENGTH..].iter().all(|byte| *byte == 0);
        if empty && next_durable.is_none() && self.active.is_some() {
            self.ready.get_or_insert(segment);
            return Ok(());
        }
        let covered = self.is_covered(segment.no);
        // A segment that the checkpoint covers changes nothing any more; its index alone is made again.
        let mut scratch = covered.then(|| State {
            fanouts: self
                .before
                .as_ref()
                .map_or_else(Vec::new, |before| before.fanouts.clone()),
            progress: self
                .before
                .as_ref()
                .map_or_else(Progress::default, |before| before.progress),
            ..State::default()
        });
        if next_durable.is_none() {
            self.keep_sealed_state();
        }
        let replayed = replay(
            segment,
            bytes,
            scratch.as_mut().unwrap_or(&mut self.state),
            next_durable,
        );
        if let Some(scratch) = scratch {
            self.before = Some(scratch);
        }
        self.report.frames_replayed += replayed.frames;
        self.report.quarantined += replayed.quarantined;
        self.report.segments += u64::from(replayed.frames > 0);
        if next_durable.is_some() {
            self.rebuild(replayed)
        } else {
            self.make_active(replayed)
        }
    }

    fn keep_sealed_state(&mut self) {
        if self.unsealed.is_empty() {
            self.sealed_state.get_or_insert_with(|| self.state.clone());
        }
    }

    /// What the first commit after this segment says was durable before it.
    fn next_durable(&self, later: &[u64]) -> io::Result<Option<u64>> {
        for no in later {
            let segment = match segment::open(self.disk, *no)? {
                Header::Sound(segment) => segment,
                // A header is durable before anything is written behind it.
                Header::Damaged | Header::Unknown(_) => continue,
            };
            let first = segment
                .frame(FIRST_OFFSET)?
                .filter(|(kind, _)| *kind == FrameKind::Batch);
            if let Some(opening) = first.and_then(|(_, body)| walk::opening_body(&body)) {
                return Ok(Some(opening.durable_before));
            }
            if sealed::open(self.disk, *no)?.is_some() {
                return Ok(Some(UNKNOWN));
            }
        }
        Ok(None)
    }

    /// Writes the index of a finished segment.
    fn rebuild(&mut self, replayed: Replayed) -> Result<(), OpenError> {
        self.report.indexes_rebuilt += 1;
        match sealer::write(self.disk, &replayed.index) {
            Ok(opened) => self.sealed.push(Arc::new(opened.index)),
            // The index stays in memory, and no checkpoint is written in this run, as deltas would come out of order.
            Err(error) if crate::disk::is_full(&error) => {
                self.sealed_state = None;
                self.unsealed.push(Arc::new(replayed.index));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Goes on in a segment behind its last whole commit.
    fn make_active(&mut self, replayed: Replayed) -> Result<(), OpenError> {
        self.report.torn_bytes += replayed.torn;
        let file = Arc::clone(&replayed.index.segment().file);
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

    fn finish(mut self, next_no: u64, segment_bytes: u64) -> Result<Recovered, OpenError> {
        self.keep_sealed_state();
        let (active, tail) = match self.active.take() {
            Some(active) => active,
            None => (
                ActiveIndex::new(prepare(self.disk, next_no, segment_bytes)?),
                HEADER_BYTES,
            ),
        };
        let finished = View {
            heads: std::mem::take(&mut self.state.heads),
            active,
            sealing: self.unsealed.clone(),
            sealed: Arc::new(std::mem::take(&mut self.sealed)),
        };
        let fanouts = self.fanouts(&finished);
        let devices = std::mem::take(&mut self.state.devices);
        let marks = Marks::of(std::mem::take(&mut self.state.marks));
        Ok(Recovered {
            view: Arc::new(SharedView::new(finished, marks)),
            devices: devices
                .into_iter()
                .filter_map(|(device, state)| Some((device, state?)))
                .collect(),
            fanouts,
            progress: self.state.progress,
            tail,
            ready: self.ready,
            sealed_state: if self.unsealed.is_empty() {
                self.sealed_state
            } else {
                None
            },
            unsealed: self.unsealed,
            report: self.report,
        })
    }

    /// Loads the fan-outs that are not finished.
    fn fanouts(&mut self, view: &View) -> Fanouts {
        let mut fanouts = Fanouts::default();
        for mark in std::mem::take(&mut self.state.fanouts) {
            if let Some(fanout) = load(view, mark) {
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

fn load(view: &View, mark: FanoutMark) -> Option<Fanout> {
    let finished = view.finished();
    let active = view.active.segment();
    let segment = if active.no == mark.intent.segment {
        active
    } else {
        finished.segment(mark.intent.segment)?
    };
    let (kind, body): (FrameKind, Bytes) = segment.frame(mark.intent.offset).ok()??;
    if kind != FrameKind::Intent {
        return None;
    }
    let stored = decode::stored(&body)?;
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
