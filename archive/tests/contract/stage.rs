//! What every test of the archive needs: a disk, a clock, a listener that remembers, and short ways to ask.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use godwit_archive::{
    AppendError, Archive, ColdStore, Delivery, Disk, DuplicateKey, Entry, Equipment, InboxQuery, Item, KeyRing,
    Listener, OpenError, RealDisk, Receipt, Record, RecordKind, Recovery, Sealing, Settings, SimulatedDisk,
};
use godwit_model::clock::ManualClock;
use godwit_model::{AccountNo, ConversationKey, GroupNo, TenantNo};

/// Remembers what it was told.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) deliveries: Mutex<Vec<Delivery>>,
    pub(crate) stopped: Mutex<bool>,
}

impl Listener for Memory {
    fn committed(&self, deliveries: &[Delivery]) {
        self.deliveries
            .lock()
            .expect("no test panics in here")
            .extend_from_slice(deliveries);
    }

    fn answered(&self) {}

    fn stopped(&self) {
        *self.stopped.lock().expect("no test panics in here") = true;
    }
}

/// A disk, and the archive on it.
pub(crate) struct Stage {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) simulated: Option<SimulatedDisk>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: Settings,
    pub(crate) sealing: Sealing,
    /// The store of the next opening.
    pub(crate) cold: Option<ColdStore>,
    pub(crate) listener: Arc<Memory>,
    pub(crate) archive: Archive,
    pub(crate) recovery: Recovery,
    pub(crate) folder: Option<tempfile::TempDir>,
}

pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// Small segments, so that a test sees many of them.
pub(crate) fn small() -> Settings {
    Settings {
        segment_bytes: 64 << 10,
        commit_pace: Duration::ZERO,
        // Rewriting happens when a test asks for it.
        rewrite_delay: Duration::from_hours(1),
        retention_delay: Duration::from_hours(1),
        ..Settings::default()
    }
}

impl Stage {
    pub(crate) fn simulated() -> Self {
        let disk = SimulatedDisk::new(7);
        Self::new(Arc::new(disk.clone()), Some(disk), None)
    }

    pub(crate) fn real() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = RealDisk::open(folder.path()).expect("a disk");
        Self::new(Arc::new(disk), None, Some(folder))
    }

    /// On a real disk, with every body encrypted.
    pub(crate) fn sealed() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = RealDisk::open(&folder.path().join("log")).expect("a disk");
        let keys = KeyRing::open(folder.path().join("keys")).expect("no keys yet");
        let sealing = Sealing {
            keys: Some(Arc::new(keys)),
            new_ones: true,
        };
        Self::open_sealed(small(), Arc::new(disk), None, Some(folder), sealing).expect("opens")
    }

    pub(crate) fn on(disk: SimulatedDisk) -> Self {
        Self::new(Arc::new(disk.clone()), Some(disk), None)
    }

    fn new(disk: Arc<dyn Disk>, simulated: Option<SimulatedDisk>, folder: Option<tempfile::TempDir>) -> Self {
        Self::open(disk, simulated, folder).expect("opens")
    }

    /// Opens the archive; on a disk that goes off meanwhile it does not open.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        simulated: Option<SimulatedDisk>,
        folder: Option<tempfile::TempDir>,
    ) -> Result<Self, OpenError> {
        Self::open_sealed(small(), disk, simulated, folder, Sealing::default())
    }

    /// The same with other settings.
    pub(crate) fn open_with(
        settings: Settings,
        disk: Arc<dyn Disk>,
        simulated: Option<SimulatedDisk>,
        folder: Option<tempfile::TempDir>,
    ) -> Result<Self, OpenError> {
        Self::open_sealed(settings, disk, simulated, folder, Sealing::default())
    }

    pub(crate) fn open_sealed(
        settings: Settings,
        disk: Arc<dyn Disk>,
        simulated: Option<SimulatedDisk>,
        folder: Option<tempfile::TempDir>,
        sealing: Sealing,
    ) -> Result<Self, OpenError> {
        let clock = Arc::new(ManualClock::new(START_MS));
        let listener = Arc::new(Memory::default());
        let (archive, recovery) = Archive::open_with(
            disk.clone(),
            clock.clone(),
            settings,
            listener.clone(),
            equip(&sealing, None),
        )?;
        let stage = Self {
            disk,
            simulated,
            clock,
            settings,
            sealing,
            cold: None,
            listener,
            archive,
            recovery,
            folder,
        };
        Ok(stage)
    }

    /// Closes the archive and opens it again on the same disk.
    pub(crate) fn reopen(&mut self) {
        self.archive.close();
        self.listener = Arc::new(Memory::default());
        (self.archive, self.recovery) = Archive::open_with(
            self.disk.clone(),
            self.clock.clone(),
            self.settings,
            self.listener.clone(),
            equip(&self.sealing, self.cold.as_ref()),
        )
        .expect("opens");
    }

    pub(crate) fn send(&self, entry: Entry) -> Result<Receipt, AppendError> {
        wait(self.archive.append(entry)?)
    }

    pub(crate) fn stored(&self, entry: Entry) -> Receipt {
        self.send(entry).expect("stored")
    }

    /// The whole inbox, page by page, checked for gaps.
    pub(crate) fn inbox(&self, account: u64) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            let after = items.last().map_or(0, |item| item.seq);
            let page = self.page(
                account,
                &InboxQuery {
                    after: Some(after),
                    ..page()
                },
            );
            if page.is_empty() {
                break;
            }
            items.extend(page);
        }
        let seqs: Vec<_> = items.iter().map(|item| item.seq).collect();
        let head = self.archive.head(AccountNo(account));
        assert_eq!(seqs, (1..=head).collect::<Vec<_>>(), "inbox of {account}");
        items
    }

    pub(crate) fn page(&self, account: u64, query: &InboxQuery) -> Vec<Item> {
        self.archive.inbox(AccountNo(account), query).expect("readable")
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.listener.deliveries.lock().expect("no test panics in here").clone()
    }

    /// Waits until something is so.
    pub(crate) fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !so(self) {
            assert!(start.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn equip(sealing: &Sealing, cold: Option<&ColdStore>) -> Equipment {
    Equipment {
        sealing: sealing.clone(),
        cold: cold.cloned(),
    }
}

/// A page without bounds.
pub(crate) fn page() -> InboxQuery {
    InboxQuery {
        limit: 50,
        bytes_max: usize::MAX,
        ..InboxQuery::default()
    }
}

pub(crate) fn group(no: u64) -> ConversationKey {
    ConversationKey::group(GroupNo(no))
}

/// A message to a group without a duplicate key.
pub(crate) fn message(conversation: u64, recipients: impl IntoIterator<Item = u64>, body: impl Into<Bytes>) -> Entry {
    let recipients: Vec<_> = recipients.into_iter().map(AccountNo).collect();
    Entry {
        kind: RecordKind::Message,
        // Group 5 is of another tenant than the others.
        tenant: TenantNo(if conversation == 5 { 2 } else { 1 }),
        form: 1,
        conversation: Some(group(conversation)),
        sender: recipients.first().copied().unwrap_or_default(),
        duplicate_key: None,
        expires_at_ms: None,
        recipients,
        body: body.into(),
    }
}

/// The same with a duplicate key: which draft, and which text of it.
pub(crate) fn keyed(mut entry: Entry, draft: u128, text: u128) -> Entry {
    // Spread as a hash would be.
    let key = draft
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    entry.duplicate_key = Some(DuplicateKey { key, body: text });
    entry
}

pub(crate) fn bodies(items: &[Item]) -> Vec<Bytes> {
    items.iter().map(|item| item.record.body.clone()).collect()
}

pub(crate) fn conv_seqs(records: &[Arc<Record>]) -> Vec<u64> {
    records.iter().map(|record| record.conv_seq).collect()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// Whether a future has its answer already.
pub(crate) fn is_ready<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
