//! The handle everybody holds.

use std::io::ErrorKind;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use godwit_model::{AccountNo, Clock, ConversationKey, DeviceNo, ServerId};
use tokio::sync::oneshot;

use crate::cold::{self, ColdStore, Cooling, Mover, Tier};
use crate::conversation_heads;
use crate::device::DeviceState;
use crate::device::table::DeviceTable;
use crate::disk::Disk;
use crate::duplicates;
use crate::entry::{AppendError, Entry, Pending, Saved};
use crate::floor;
use crate::index::sealer::Sealer;
use crate::listener::Listener;
use crate::query::{ConversationQuery, InboxQuery, ReadError};
use crate::reader::{self, log::LogPage};
use crate::record::encode::MARK_BYTES_MAX;
use crate::record::{GoneReason, Item, Record};
use crate::recovery::{self, OpenError, Recovery};
use crate::seal::Sealing;
use crate::sealed_log::SealedLog;
use crate::segment::open_files::OpenFiles;
use crate::segment::prepare::Preparer;
use crate::settings::Settings;
use crate::upkeep::{Desk, LastHalt, Retention, Rewriting, Upkeep};
use crate::writer::queue::{Queue, Queued};
use crate::writer::{self, Shared, WriterSetup, entry_bytes_max, entry_cost};

mod life;

/// What an archive may have besides a disk; nothing by default.
#[derive(Clone, Default)]
pub struct Equipment {
    /// Encrypted bodies are opened with its keys, and new ones encrypted if that is switched on.
    pub sealing: Sealing,
    /// Where segments go that are old enough.
    pub cold: Option<ColdStore>,
}

/// A cheap handle on the log. All clones are the same log; when the last one goes, it is closed.
#[derive(Clone)]
pub struct Archive(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    sealed_log: Arc<SealedLog>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    sealing: Sealing,
    writer: Mutex<Option<JoinHandle<()>>>,
    upkeep: Mutex<Upkeep>,
    tier: Arc<Tier>,
    cooling: Mutex<Cooling>,
    retention_halt: LastHalt,
}

impl Archive {
    /// Opens the log of a folder, repairs what a crash left, and starts its writer. Blocks on the disk.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        listener: Arc<dyn Listener>,
    ) -> Result<(Self, Recovery), OpenError> {
        Self::open_with(disk, clock, settings, listener, Equipment::default())
    }

    /// The same with keys, a store for old segments, or both.
    pub fn open_with(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        listener: Arc<dyn Listener>,
        equipment: Equipment,
    ) -> Result<(Self, Recovery), OpenError> {
        let settings = settings.bounded();
        let Equipment { sealing, cold } = equipment;
        let patience = cold.as_ref().map(|store| store.settings().time_limit);
        let tier = Tier::open(disk, cold)?.map_err(|_| OpenError::Irreplaceable {
            file: cold::ledger::NAME,
        })?;
        let tier = Arc::new(tier);
        let disk: Arc<dyn Disk> = Arc::clone(&tier) as _;
        let files = Arc::new(OpenFiles::new(Arc::clone(&disk), settings.open_files_max));
        let recovered = recovery::begin(&*disk, &files, &settings, (sealing.keys.as_ref(), patience))?;
        let view = Arc::clone(&recovered.view);
        let sealed_log = Arc::new(SealedLog::new(
            Arc::clone(&disk),
            Arc::clone(&view),
            &settings,
            recovered.checkpoint,
        ));
        let sealer = Sealer::start(Arc::clone(&sealed_log), &recovered.unsealed)?;
        let preparer = Preparer::start(Arc::clone(&disk), settings.segment_bytes, recovered.ready)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.queue_entries_max, settings.queue_bytes_max),
            view,
            devices: DeviceTable::new(recovered.devices),
            full: AtomicBool::new(false),
        });
        let thread = writer::start(WriterSetup {
            shared: Arc::clone(&shared),
            clock: Arc::clone(&clock),
            settings,
            listener,
            preparer,
            sealer,
            fanouts: recovered.fanouts,
            progress: recovered.progress,
            tail: recovered.tail,
        })?;
        let retention_halt = LastHalt::default();
        let desk = Desk {
            sealed_log: Arc::clone(&sealed_log),
            retention: Retention::new(&settings, &*clock, Arc::clone(&retention_halt)),
            tier: Arc::clone(&tier),
            shared: Arc::clone(&shared),
            clock: Arc::clone(&clock),
            rewriting: Rewriting::default(),
        };
        let mover = tier.store().cloned().map(|store| {
            let (sealed_log, clock) = (Arc::clone(&sealed_log), Arc::clone(&clock));
            Mover::new(Arc::clone(&tier), store, sealed_log, clock)
        });
        let inner = Inner {
            cooling: Mutex::new(cold::start(mover)?),
            tier,
            upkeep: Mutex::new(Upkeep::start(desk, &settings)?),
            retention_halt,
            shared,
            sealed_log,
            clock,
            settings,
            sealing,
            writer: Mutex::new(Some(thread)),
        };
        Ok((Self(Arc::new(inner)), recovered.report))
    }

    /// Queues an entry; never blocks, but for the moment in which a tenant's first message makes its key durable.
    /// Entries of one caller are numbered in the order of their appends.
    pub fn append(&self, entry: Entry) -> Result<Pending, AppendError> {
        self.queue(entry, None)
    }

    fn queue(&self, mut entry: Entry, withdraws: Option<(ServerId, GoneReason)>) -> Result<Pending, AppendError> {
        entry.recipients.sort_unstable();
        entry.recipients.dedup();
        let marks_bytes = withdraws.map_or(0, |_| MARK_BYTES_MAX);
        let cost = entry_cost(&entry) + self.0.sealing.overhead_bytes() + marks_bytes;
        let result = if cost > entry_bytes_max(&self.0.settings) {
            Err(AppendError::TooLarge)
        } else {
            self.0.sealing.seal(&entry).and_then(|sealed| {
                let (reply, answer) = oneshot::channel();
                let queued = Queued {
                    entry,
                    sealed,
                    withdraws,
                    reply,
                    cost,
                };
                self.0.shared.queue.push(queued).map(|()| Pending(answer))
            })
        };
        if let Err(error) = &result {
            writer::count(&Err(error.clone()));
        }
        result
    }

    /// Returns when an append would not be [`AppendError::Overloaded`].
    pub async fn room(&self) {
        self.0.shared.queue.room().await;
    }

    /// Highest number of an inbox; 0 if it is empty.
    pub fn head(&self, account: AccountNo) -> u64 {
        self.0.shared.view.read().heads.account(account)
    }

    /// The highest account that ever got a message; `None` if nobody did. Looks at all of them: meant for a start.
    pub fn highest_account(&self) -> Option<AccountNo> {
        self.0.shared.view.read().heads.highest_account()
    }

    /// Lowest kept number of an inbox; head + 1 if none is kept. Once anything was dropped it is looked up in the
    /// indexes, which may block on the disk for a few blocks. If the disk does not give them it is 1: a page from
    /// there starts at the floor, or says what is wrong.
    pub fn floor(&self, account: AccountNo) -> u64 {
        let floor = self.read(|| floor::of_inbox(&self.0.shared.view, account));
        floor.unwrap_or_else(|error| {
            tracing::error!(%error, "the floor of an inbox could not be looked up");
            1
        })
    }

    /// Highest number of a conversation; 0 if it is empty. May block on the disk.
    pub fn conversation_head(&self, conversation: ConversationKey) -> Result<u64, ReadError> {
        self.read(|| conversation_heads::look_up(&self.0.shared.view, conversation))
    }

    /// A page of an inbox. Blocks on the disk.
    pub fn inbox(&self, account: AccountNo, query: &InboxQuery) -> Result<Vec<Item>, ReadError> {
        self.read(|| reader::inbox(&self.0.shared.view, self.now_ms(), account, query))
    }

    /// A page of a conversation. Blocks on the disk.
    pub fn conversation(
        &self,
        conversation: ConversationKey,
        query: &ConversationQuery,
    ) -> Result<Vec<Arc<Record>>, ReadError> {
        self.read(|| reader::conversation(&self.0.shared.view, self.now_ms(), conversation, query))
    }

    /// One message; `None` if there is none. Blocks on the disk.
    pub fn message(&self, id: ServerId) -> Result<Option<Arc<Record>>, ReadError> {
        self.read(|| reader::message(&self.0.shared.view, self.now_ms(), id))
    }

    /// Messages in the order of the log, whoever they are for: those after one, as far as they take `limit` records and
    /// about `bytes_max` bytes. Blocks on the disk.
    pub fn log_after(&self, after: ServerId, limit: usize, bytes_max: usize) -> Result<LogPage, ReadError> {
        self.read(|| reader::log::after(&self.0.shared.view, self.now_ms(), after, (limit, bytes_max)))
    }

    /// The newest message of the log; 0 if there never was one. Does not wait for the disk.
    pub fn last_message(&self) -> ServerId {
        reader::log::last(&self.0.shared.view)
    }

    fn now_ms(&self) -> u64 {
        self.0.clock.now_ms()
    }

    /// Whether a draft with this [`crate::DuplicateKey::key`] was stored within the window. May block on the disk.
    pub fn knows_draft(&self, key: u128) -> Result<bool, ReadError> {
        self.read(|| duplicates::find_within(&self.0.shared.view, key, self.now_ms()))
    }

    /// Whom a message is for, ascending; empty if there is no such message. Blocks on the disk.
    pub fn recipients(&self, id: ServerId) -> Result<Vec<AccountNo>, ReadError> {
        self.read(|| reader::recipients(&self.0.shared.view, id))
    }

    /// Whose inboxes a message is in, and under which number each, ascending by account; `None` if there is no such message,
    /// or its recipients were numbered after its commit. Blocks on the disk.
    pub fn numbers(&self, id: ServerId) -> Result<Option<Vec<(AccountNo, u64)>>, ReadError> {
        self.read(|| reader::numbers(&self.0.shared.view, id))
    }

    /// What is known of a device, cursor moves included that are not durable yet.
    pub fn device(&self, device: DeviceNo) -> Option<DeviceState> {
        self.0.shared.devices.get(device)
    }

    /// Moves a cursor forward, never back and never past the head. Durable with the next commit, at most
    /// [`Settings::cursor_delay`] later. A device that is not known yet gets a place without a session.
    pub fn move_cursor(&self, device: DeviceNo, account: AccountNo, cursor: u64) {
        let cursor = cursor.min(self.head(account));
        if self.0.shared.devices.move_cursor(device, account, cursor) {
            self.0
                .shared
                .queue
                .devices_due(Instant::now() + self.0.settings.cursor_delay);
        }
    }

    /// Replaces what is known of a device, its cursor included; seen at once, durable when the answer says so.
    /// After [`AppendError::StorageFull`] it stays seen, and is written when there is room.
    pub fn save_device(&self, device: DeviceNo, state: DeviceState) -> Result<Saved, AppendError> {
        if self.0.shared.queue.is_ended() {
            return Err(AppendError::Stopped);
        }
        let (reply, answer) = oneshot::channel();
        let waiting_max = self.0.settings.queue_entries_max;
        if !self.0.shared.devices.save(device, state, reply, waiting_max) {
            return Err(AppendError::Overloaded);
        }
        self.0.shared.queue.devices_due(Instant::now());
        Ok(Saved(answer))
    }

    /// As [`Archive::save_device`], for a session that begins, changes or ends while others may move the cursor: it never
    /// goes back, and a forgotten device is not brought back. Also gives what the device was before, for
    /// [`Archive::take_back`].
    pub fn save_session(
        &self,
        device: DeviceNo,
        state: DeviceState,
    ) -> Result<(Saved, Option<DeviceState>), AppendError> {
        if self.0.shared.queue.is_ended() {
            return Err(AppendError::Stopped);
        }
        let (reply, answer) = oneshot::channel();
        let waiting_max = self.0.settings.queue_entries_max;
        let before = self.0.shared.devices.save_session(device, state, reply, waiting_max)?;
        self.0.shared.queue.devices_due(Instant::now());
        Ok((Saved(answer), before))
    }

    /// Takes back a [`Archive::save_session`] that was answered with an error, as far as nobody changed it since.
    pub fn take_back(&self, device: DeviceNo, failed: DeviceState, before: Option<DeviceState>) {
        if self.0.shared.devices.take_back(device, failed, before) {
            self.0.shared.queue.devices_due(Instant::now());
        }
    }

    /// Forgets a retired device, durably as a cursor moves.
    pub fn forget_device(&self, device: DeviceNo) {
        if self.0.shared.devices.forget(device) {
            self.0
                .shared
                .queue
                .devices_due(Instant::now() + self.0.settings.cursor_delay);
        }
    }

    /// Makes everything durable that was queued, and ends the writer. Later appends are [`AppendError::Stopped`];
    /// reading goes on. A second call does nothing.
    pub fn close(&self) {
        self.0.close();
    }

    /// Reads by what is kept now. What was let go of meanwhile is not there; by then the view says so.
    fn read<T>(&self, look: impl Fn() -> Result<T, ReadError>) -> Result<T, ReadError> {
        let lowest = || self.0.shared.view.read().dropped.lowest;
        loop {
            let before = lowest();
            match look() {
                Err(ReadError::Disk(error)) if error.kind() == ErrorKind::NotFound && lowest() != before => {}
                result => return self.watched(result),
            }
        }
    }

    /// A damaged index is built again in the background.
    fn watched<T>(&self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        if let Err(ReadError::IndexDamaged { segment }) = &result {
            self.0.sealed_log.damaged(*segment);
        }
        result
    }
}

impl Inner {
    fn close(&self) {
        self.shared.queue.close();
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            // A writer that panicked has stopped the queue; there is nothing else to do about it here.
            let _ = thread.join();
            self.tier.close();
            let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
            upkeep.close();
            self.cooling.lock().unwrap_or_else(PoisonError::into_inner).close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
