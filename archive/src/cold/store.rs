//! The object store of one log: its place, its settings, and the blocks that were fetched from it.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;
use godwit_model::limits::DUPLICATE_WINDOW_MS;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::ColdError;
use super::breaker::Breaker;
use super::cache::Cache;
use super::calls::Calls;
use super::folder;
use super::object::{self, BLOCK, BLOCK_BYTES, Stored};

/// How much longer than a reader the background waits for one request.
const PATIENCE: u32 = 6;
/// Most blocks in one request: 8 MiB.
pub(super) const REQUEST_BLOCKS: u64 = 128;
/// Instead of a block's number: the hashes of an object's blocks.
const SUMS: u64 = u64::MAX;

/// What an operator may choose about the cold tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColdSettings {
    /// A segment goes into the store when its newest message is older than this. Brought to at least
    /// [`ColdSettings::AFTER_MIN`].
    pub after: Duration,
    /// Most bytes of fetched blocks that are kept in memory. Besides, each read under way holds the 64 KiB it fetches.
    pub cache_bytes: usize,
    /// Longest time a page waits for the store. One request of the background may take six times as long.
    pub time_limit: Duration,
    /// Most bytes uploaded in a second, in the long run; `None` is as fast as the store takes them.
    pub upload_rate: Option<u64>,
    /// How often it is looked which segments are old enough, and which objects are to be deleted.
    pub check_delay: Duration,
}

impl ColdSettings {
    /// The least age: beyond the window of duplicates with a day to spare, because the writer reads the first copy of a
    /// message that is sent again, and never waits for the store.
    pub const AFTER_MIN: Duration = Duration::from_millis(DUPLICATE_WINDOW_MS + 24 * 60 * 60 * 1_000);
}

impl Default for ColdSettings {
    fn default() -> Self {
        Self {
            after: Duration::from_hours(30 * 24),
            cache_bytes: 64 << 20,
            time_limit: Duration::from_secs(10),
            upload_rate: None,
            check_delay: Duration::from_mins(1),
        }
    }
}

/// An object store for old segments. All clones are the same, with one cache.
#[derive(Clone)]
pub struct ColdStore(Arc<Inner>);

struct Inner {
    store: Arc<dyn ObjectStore>,
    /// Where the store is a folder of the host.
    folder: Option<PathBuf>,
    settings: ColdSettings,
    calls: Calls,
    breaker: Breaker,
    cache: Cache,
}

impl ColdStore {
    /// Any object store, for tests; an operator's is opened by its place.
    pub fn of(store: Arc<dyn ObjectStore>, settings: ColdSettings) -> io::Result<Self> {
        Self::assemble(store, None, settings)
    }

    pub(super) fn assemble(
        store: Arc<dyn ObjectStore>,
        folder: Option<PathBuf>,
        settings: ColdSettings,
    ) -> io::Result<Self> {
        Ok(Self(Arc::new(Inner {
            store,
            folder,
            settings: ColdSettings {
                after: settings.after.max(ColdSettings::AFTER_MIN),
                ..settings
            },
            calls: Calls::start()?,
            breaker: Breaker::default(),
            cache: Cache::new(settings.cache_bytes),
        })))
    }

    /// What was chosen.
    pub fn settings(&self) -> &ColdSettings {
        &self.0.settings
    }

    pub(super) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.0.store
    }

    pub(super) fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// Longest time one request of the background may take.
    pub(super) fn patience(&self) -> Duration {
        self.0.settings.time_limit * PATIENCE
    }

    /// Takes an object away; one that is not there is away. What a killed upload left beside it in a folder goes too.
    pub(super) fn delete(&self, stored: &Stored, stop: &AtomicBool) -> Result<(), ColdError> {
        self.is_there()?;
        let (store, path) = (Arc::clone(&self.0.store), Path::from(stored.object()));
        let deleted = self
            .0
            .calls
            .ask(self.patience(), Some(stop), async move { store.delete(&path).await });
        match (&self.0.folder, deleted) {
            // S3 never says so of an object that is not there: then it is the bucket.
            (None, Err(ColdError::Missing { object })) => {
                Err(ColdError::Unreachable(format!("no such place: {object}")))
            }
            (_, Err(error)) if !matches!(error, ColdError::Missing { .. }) => Err(error),
            (Some(folder), _) => folder::forget(folder, &stored.object()),
            (None, _) => Ok(()),
        }
    }

    /// A folder that is not there, because its disk is not mounted, is a store that does not answer.
    pub(super) fn is_there(&self) -> Result<(), ColdError> {
        self.0.folder.as_deref().map_or(Ok(()), folder::is_there)
    }

    /// Some bytes of an object, unproved, as the background wants them.
    pub(super) fn part(
        &self,
        stored: &Stored,
        range: Range<u64>,
        stop: Option<&AtomicBool>,
    ) -> Result<Bytes, ColdError> {
        self.request(stored, range, self.patience(), stop)
    }

    /// One block of a segment, proved.
    pub(super) fn block(&self, stored: &Stored, number: u64, until: Instant) -> Result<Bytes, ColdError> {
        let key = (stored.nonce, number);
        if let Some(kept) = self.0.cache.kept(key) {
            return Ok(kept);
        }
        let sums = self.sums(stored, until)?;
        self.0.cache.get(key, until, || {
            let start = number * BLOCK_BYTES;
            let block = self.fetch(stored, start..stored.length.min(start + BLOCK_BYTES), left(until))?;
            let sound = object::proves_block(&sums, number, &block);
            sound.then_some(block).ok_or_else(|| damaged(stored))
        })
    }

    fn sums(&self, stored: &Stored, until: Instant) -> Result<Bytes, ColdError> {
        self.0
            .cache
            .get((stored.nonce, SUMS), until, || self.fetch_sums(stored, left(until)))
    }

    fn fetch_sums(&self, stored: &Stored, limit: Duration) -> Result<Bytes, ColdError> {
        let sums = self.fetch(stored, stored.length..stored.object_bytes(), limit)?;
        object::proves_sums(stored, &sums)
            .then_some(sums)
            .ok_or_else(|| damaged(stored))
    }

    /// Many blocks in one request, proved and not kept.
    pub(super) fn blocks(&self, stored: &Stored, numbers: Range<u64>) -> Result<Bytes, ColdError> {
        let sums = self.sums(stored, Instant::now() + self.0.settings.time_limit)?;
        let start = numbers.start * BLOCK_BYTES;
        let range = start..stored.length.min(numbers.end * BLOCK_BYTES);
        let bytes = self.fetch(stored, range, self.0.settings.time_limit)?;
        proves_all(&sums, numbers.start, &bytes)
            .then_some(bytes)
            .ok_or_else(|| damaged(stored))
    }

    /// The whole segment as the store has it now, piece by piece, proved: nothing is taken from what was fetched before.
    pub(super) fn whole(
        &self,
        stored: &Stored,
        stop: Option<&AtomicBool>,
        mut take: impl FnMut(u64, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let sums = self.part(stored, stored.length..stored.object_bytes(), stop)?;
        if !object::proves_sums(stored, &sums) {
            return Err(damaged(stored).into());
        }
        let mut start = 0;
        while start < stored.length {
            let end = stored.length.min(start + REQUEST_BLOCKS * BLOCK_BYTES);
            let bytes = self.part(stored, start..end, stop)?;
            if !proves_all(&sums, start / BLOCK_BYTES, &bytes) {
                return Err(damaged(stored).into());
            }
            take(start, &bytes)?;
            start = end;
        }
        Ok(())
    }

    /// Bytes for a reader: refused at once while the store is known not to answer.
    fn fetch(&self, stored: &Stored, range: Range<u64>, limit: Duration) -> Result<Bytes, ColdError> {
        let breaker = &self.0.breaker;
        let start = Instant::now();
        if !breaker.admits(start) {
            metrics::counter!("archive_cold_fetch_failures_total", "reason" => "resting").increment(1);
            return Err(ColdError::Unreachable("it did not answer a moment ago".into()));
        }
        let fetched = self.request(stored, range, limit, None);
        match &fetched {
            // Who had little time left cannot tell whether the store would have answered.
            Err(ColdError::Unreachable(_)) if limit * 2 >= self.0.settings.time_limit => breaker.failed(Instant::now()),
            Err(ColdError::Unreachable(_)) => breaker.answered(false),
            _ => breaker.answered(true),
        }
        match &fetched {
            Ok(bytes) => {
                metrics::counter!("archive_cold_fetched_bytes_total").increment(bytes.len() as u64);
                metrics::histogram!("archive_cold_fetch_seconds").record(start.elapsed().as_secs_f64());
            }
            Err(error) => {
                let reason = reason(error);
                metrics::counter!("archive_cold_fetch_failures_total", "reason" => reason).increment(1);
            }
        }
        fetched
    }

    fn request(
        &self,
        stored: &Stored,
        range: Range<u64>,
        limit: Duration,
        stop: Option<&AtomicBool>,
    ) -> Result<Bytes, ColdError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let wanted = range.end - range.start;
        let (store, path) = (Arc::clone(&self.0.store), Path::from(stored.object()));
        let start = Instant::now();
        let asking = async move { store.get_range(&path, range).await };
        let got = match self.0.calls.ask(limit, stop, asking) {
            Err(ColdError::Missing { object }) => {
                self.is_there()?;
                return Err(ColdError::Missing { object });
            }
            // Stores differ in what they say of a range that is not there.
            Err(ColdError::Unreachable(_)) if self.has_other_size(stored, limit.saturating_sub(start.elapsed())) => {
                return Err(damaged(stored));
            }
            other => other?,
        };
        (got.len() as u64 == wanted)
            .then_some(got)
            .ok_or_else(|| damaged(stored))
    }

    /// Whether the store answers, and has an object that is too short or too long.
    fn has_other_size(&self, stored: &Stored, limit: Duration) -> bool {
        let (store, path) = (Arc::clone(&self.0.store), Path::from(stored.object()));
        let head = self.0.calls.ask(limit, None, async move { store.head(&path).await });
        !limit.is_zero() && head.is_ok_and(|found| found.size != stored.object_bytes())
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

pub(super) fn damaged(stored: &Stored) -> ColdError {
    ColdError::Damaged {
        object: stored.object(),
    }
}

fn reason(error: &ColdError) -> &'static str {
    match error {
        ColdError::Unreachable(_) => "unreachable",
        ColdError::Missing { .. } => "missing",
        ColdError::Damaged { .. } => "damaged",
        ColdError::NoStore { .. } => "no_store",
        ColdError::Stopped => "stopped",
    }
}

fn proves_all(sums: &[u8], first: u64, bytes: &[u8]) -> bool {
    (first..)
        .zip(bytes.chunks(BLOCK))
        .all(|(number, block)| object::proves_block(sums, number, block))
}
