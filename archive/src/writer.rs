//! The one thread that numbers, judges duplicates, writes and syncs: what came during the last sync is the next commit.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use godwit_model::{Clock, ServerId};

use crate::conversation_heads::Remembered;
use crate::device::table::DeviceTable;
use crate::disk::is_full;
use crate::fanout::Fanouts;
use crate::frame::FRAME_BYTES;
use crate::index::Index;
use crate::index::active::ActiveIndex;
use crate::index::sealer::Sealer;
use crate::listener::Listener;
use crate::record::GoneReason;
use crate::record::encode::MESSAGE_BYTES_MAX;
use crate::segment::prepare::Preparer;
use crate::segment::{HEADER_BYTES, Segment};
use crate::settings::Settings;
use crate::state::{Progress, Standing};
use crate::varint::VARINT_BYTES_MAX;
use crate::view::SharedView;

pub(crate) mod batch;
mod build;
pub(crate) mod ids;
mod meters;
mod publish;
pub(crate) mod queue;
mod take;

use batch::{Batch, Place};
use build::Answer;
pub(crate) use build::count;
use ids::ServerIds;
use meters::Meters;
use queue::{Queue, Queued, QueuedMark};
use take::Taken;

/// How long the writer's own work rests after the disk was full.
const FULL_REST: Duration = Duration::from_secs(1);

/// What handles and writer share.
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) view: Arc<SharedView>,
    pub(crate) devices: DeviceTable,
    /// Whether appends are refused because the disk has no room.
    pub(crate) full: AtomicBool,
}

/// Everything the writer starts with.
pub(crate) struct WriterSetup {
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) listener: Arc<dyn Listener>,
    pub(crate) preparer: Preparer,
    pub(crate) sealer: Sealer,
    pub(crate) fanouts: Fanouts,
    pub(crate) progress: Progress,
    /// Where the next commit stands in the active segment.
    pub(crate) tail: u64,
}

/// Most bytes an entry may cost.
pub(crate) fn entry_bytes_max(settings: &Settings) -> usize {
    capacity(settings) / 2
}

/// Bytes a segment has for one commit.
fn capacity(settings: &Settings) -> usize {
    usize::try_from(settings.segment_bytes - HEADER_BYTES).unwrap_or(usize::MAX)
}

fn varint_bytes(number: u64) -> usize {
    ((u64::BITS - (number | 1).leading_zeros()) as usize).div_ceil(7)
}

/// Most bytes an entry's frame takes, for recipients that ascend.
pub(crate) fn entry_cost(entry: &crate::entry::Entry) -> usize {
    let inline = entry.recipients.len() <= godwit_model::limits::INLINE_RECIPIENTS_MAX;
    let mut last = 0;
    let recipients = entry.recipients.iter().map(|account| {
        let delta = account.0 - std::mem::replace(&mut last, account.0);
        // Inline numbers stand in the message and, once more, at the end of the commit.
        let numbers = 2 * VARINT_BYTES_MAX + varint_bytes(account.0);
        varint_bytes(delta) + if inline { numbers } else { 0 }
    });
    FRAME_BYTES + MESSAGE_BYTES_MAX + entry.body.len() + recipients.sum::<usize>()
}

struct Writer {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    listener: Arc<dyn Listener>,
    preparer: Preparer,
    sealer: Sealer,
    fanouts: Fanouts,
    remembered: Remembered,
    ids: ServerIds,
    progress: Progress,
    segment: Segment,
    tail: u64,
    /// Whether the last commit is an empty one.
    end_is_marked: bool,
    last_ms: u64,
    last_start: Option<Instant>,
    /// The writer's own work rests until then, because the disk was full.
    resting: Option<Instant>,
    /// Bytes of the commit for which the disk had no room; tried for again until there is.
    refused: Option<usize>,
    batch: Batch,
    taken: Vec<Queued>,
    marks: Vec<QueuedMark>,
    /// Messages that entries of this commit take back.
    withdrawn: Vec<(ServerId, GoneReason)>,
    answers: Vec<Answer>,
    meters: Meters,
}

/// A small count as metrics take it.
fn measure(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

/// Why a commit did not happen.
enum Failure {
    /// Nothing was kept; later commits are tried.
    Full,
    /// Nothing may be acknowledged any more.
    Fatal(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if is_full(&error) {
            Self::Full
        } else {
            Self::Fatal(error)
        }
    }
}

/// Starts the thread.
pub(crate) fn start(setup: WriterSetup) -> io::Result<JoinHandle<()>> {
    let (segment, last_ms) = {
        let view = setup.shared.view.read();
        (view.active.segment().clone(), view.active.last_ms())
    };
    let ids = ServerIds::after(setup.progress.last_id);
    let mut writer = Writer {
        last_ms: last_ms.max(crate::record::decode::time_of(setup.progress.last_id)),
        shared: setup.shared,
        clock: setup.clock,
        remembered: Remembered::new(setup.settings.conversations_remembered),
        settings: setup.settings,
        listener: setup.listener,
        preparer: setup.preparer,
        sealer: setup.sealer,
        fanouts: setup.fanouts,
        ids,
        progress: setup.progress,
        segment,
        tail: setup.tail,
        end_is_marked: true,
        last_start: None,
        resting: None,
        refused: None,
        batch: Batch::default(),
        taken: Vec::new(),
        marks: Vec::new(),
        withdrawn: Vec::new(),
        answers: Vec::new(),
        meters: Meters::new(),
    };
    std::thread::Builder::new().name("archive-write".into()).spawn(move || {
        let guard = StopOnEnd(Arc::clone(&writer.shared));
        writer.run();
        drop(guard);
    })
}

/// However the thread ends, nobody waits for it in vain.
struct StopOnEnd(Arc<Shared>);

impl Drop for StopOnEnd {
    fn drop(&mut self) {
        self.0.queue.stop();
    }
}

impl Writer {
    fn run(&mut self) {
        self.preparer.request(self.segment.no + 1);
        loop {
            let open = self.shared.queue.wait(self.own_work_due());
            if open {
                self.pace();
            }
            let left = match self.commit() {
                Ok(left) => left,
                Err(Failure::Full) => self.fail_full(open),
                Err(Failure::Fatal(error)) => {
                    self.stop(&error);
                    return;
                }
            };
            if !open && !left {
                self.mark_end();
                return;
            }
        }
    }

    /// An empty commit at the end says that the one before it was durable: if that one rots until the next start, it is
    /// known to be missing, and its numbers are not given again.
    fn mark_end(&mut self) {
        let room = self.tail + batch::OPENING_BYTES as u64 <= self.settings.segment_bytes;
        if !room || self.tail == HEADER_BYTES || self.end_is_marked {
            return;
        }
        self.batch.begin(self.place());
        if self.write().is_ok() {
            self.progress.durable_batch = self.progress.batch_no;
            self.end_is_marked = true;
        }
    }

    /// When work that nobody queued is due.
    fn own_work_due(&self) -> Option<Instant> {
        if self.fanouts.is_empty() && self.refused.is_none() {
            return None;
        }
        Some(self.resting.unwrap_or_else(Instant::now))
    }

    /// Sleeps until the last commit is long enough ago: at once after a pause, together under load.
    fn pace(&self) {
        let Some(last) = self.last_start else { return };
        let left = self.settings.commit_pace.saturating_sub(last.elapsed());
        if !left.is_zero() {
            std::thread::sleep(left);
        }
    }

    /// One commit. Says whether more waits already.
    fn commit(&mut self) -> Result<bool, Failure> {
        let started = Instant::now();
        self.last_start = Some(started);
        self.resting = self.resting.filter(|until| *until > started);
        let Taken {
            devices,
            bytes,
            waiting,
            left,
        } = self.take(started);
        let room = self.find_room(bytes);
        if let Err(Failure::Fatal(error)) = room {
            self.devices_failed(devices, &crate::AppendError::Stopped);
            return Err(Failure::Fatal(error));
        }
        self.build(room.is_ok(), &devices);
        if room.is_ok() && !self.batch.is_empty() {
            let written = self.write();
            self.meters.commit_seconds.record(started.elapsed().as_secs_f64());
            match written {
                Ok(()) => self.publish(devices),
                Err(failure) => {
                    let answer = match failure {
                        Failure::Full => {
                            self.refused = Some(bytes);
                            crate::AppendError::StorageFull
                        }
                        Failure::Fatal(_) => crate::AppendError::Stopped,
                    };
                    self.devices_failed(devices, &answer);
                    return Err(failure);
                }
            }
        } else if room.is_ok() {
            self.answer();
        } else {
            self.devices_failed(devices, &crate::AppendError::StorageFull);
        }
        self.meters.queue_entries.set(measure(waiting));
        room.map(|()| left)
    }

    /// Sees to it that the commit has room, and what was refused before it as well, so that it is known when there is.
    fn find_room(&mut self, bytes: usize) -> Result<(), Failure> {
        let bytes = bytes.max(self.refused.unwrap_or(0));
        let rolls = self.shared.queue.take_rolls();
        let room = if rolls.is_empty() || self.tail == HEADER_BYTES {
            self.make_room(bytes)
        } else {
            self.roll()
        };
        match room {
            Ok(()) => {
                for reply in rolls {
                    // Who does not wait any more needs no answer.
                    let _ = reply.send(());
                }
                if self.refused.take().is_some() {
                    self.shared.full.store(false, Ordering::Relaxed);
                    tracing::info!("the disk has room again");
                }
            }
            Err(_) => self.refused = Some(bytes),
        }
        room
    }

    /// Sees to it that the active segment has so many bytes left.
    fn make_room(&mut self, needed: usize) -> Result<(), Failure> {
        if self.tail + needed as u64 <= self.settings.segment_bytes {
            return Ok(());
        }
        self.roll()
    }

    /// Finishes the active segment and goes on in the next.
    fn roll(&mut self) -> Result<(), Failure> {
        if !self.sealer.has_room() {
            return Err(Failure::Full);
        }
        let next = self.preparer.take(self.segment.no + 1)?;
        let finished = {
            let mut view = self.shared.view.write();
            view.active.finish(Standing {
                fanouts: self.fanouts.marks(),
                progress: self.progress,
            });
            view.roll(ActiveIndex::new(next.clone()))
        };
        self.sealer.seal(finished);
        self.segment = next;
        self.tail = HEADER_BYTES;
        self.preparer.request(self.segment.no + 1);
        Ok(())
    }

    fn place(&self) -> Place {
        Place {
            segment: self.segment.no,
            salt: self.segment.salt(),
            offset: self.tail,
        }
    }

    /// Writes and syncs the commit. Only after this may anybody be told of it.
    fn write(&mut self) -> Result<(), Failure> {
        // A number is never used twice, so that what a failed write left behind is not taken for what follows it.
        self.progress.batch_no += 1;
        self.batch.finish(self.progress.batch_no, self.progress.durable_batch);
        let file = self.segment.file()?;
        file.write_at(&self.batch.bytes, self.tail)?;
        file.sync_data().map_err(Failure::Fatal)
    }
}
