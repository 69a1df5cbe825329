//! Blocks that were fetched, in bounded memory; two who want the same one fetch it once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ColdError;
use crate::state::Map;

/// Most readers that wait for the store at once.
const READERS_MAX: usize = 16;
/// How long others wait for one of these places.
const CROWD_WAIT: Duration = Duration::from_secs(1);

/// Which object by its nonce, and which block of it.
pub(super) type Key = (u64, u64);

/// The blocks.
pub(super) struct Cache {
    max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    slots: Map<Key, Slot>,
    bytes: usize,
    /// Those who wait for the store.
    readers: usize,
    /// Counts uses, so that the block unused for longest is known.
    uses: u64,
}

enum Slot {
    /// Somebody is fetching it.
    Fetching,
    Ready {
        bytes: Bytes,
        used: u64,
    },
}

impl Cache {
    /// Keeps at most so many bytes.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block that is kept.
    pub(super) fn kept(&self, key: Key) -> Option<Bytes> {
        let kept = self.lock().kept(key)?;
        metrics::counter!("archive_cold_cache_hits_total").increment(1);
        Some(kept)
    }

    /// A block: kept, or being fetched by another, or else fetched now. Nobody waits longer than `until`, and with an
    /// `until` that is over only what is kept is given. `fetch` must not ask the cache for more.
    pub(super) fn get(
        &self,
        key: Key,
        until: Instant,
        fetch: impl FnOnce() -> Result<Bytes, ColdError>,
    ) -> Result<Bytes, ColdError> {
        if let Some(kept) = self.kept(key) {
            return Ok(kept);
        }
        let _place = self.take_place(until)?;
        let Some(claim) = self.claim(key, until)? else {
            return self.kept(key).ok_or_else(late);
        };
        metrics::counter!("archive_cold_cache_misses_total").increment(1);
        let fetched = fetch()?;
        self.keep(key, &fetched);
        drop(claim);
        Ok(fetched)
    }

    /// Few wait for the store at once, so that a slow one does not hold up all threads that read.
    fn take_place(&self, until: Instant) -> Result<Place<'_>, ColdError> {
        let until = until.min(Instant::now() + CROWD_WAIT);
        let mut state = self.lock();
        while state.readers >= READERS_MAX || Instant::now() >= until {
            state = self.wait(state, until)?;
        }
        state.readers += 1;
        Ok(Place(self))
    }

    /// The right to fetch a block; `None` if another has just fetched it.
    fn claim(&self, key: Key, until: Instant) -> Result<Option<Claim<'_>>, ColdError> {
        let mut state = self.lock();
        loop {
            match state.slots.get(&key) {
                Some(Slot::Ready { .. }) => return Ok(None),
                Some(Slot::Fetching) => state = self.wait(state, until)?,
                None => {
                    state.slots.insert(key, Slot::Fetching);
                    return Ok(Some(Claim { cache: self, key }));
                }
            }
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, until: Instant) -> Result<MutexGuard<'a, State>, ColdError> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late());
        }
        let waited = self.changed.wait_timeout(state, left);
        Ok(waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    fn keep(&self, key: Key, bytes: &Bytes) {
        if bytes.len() > self.max {
            return;
        }
        let mut state = self.lock();
        while state.bytes + bytes.len() > self.max && state.drop_oldest() {}
        state.bytes += bytes.len();
        state.uses += 1;
        let used = state.uses;
        let bytes = bytes.clone();
        state.slots.insert(key, Slot::Ready { bytes, used });
    }
}

impl State {
    fn kept(&mut self, key: Key) -> Option<Bytes> {
        self.uses += 1;
        match self.slots.get_mut(&key)? {
            Slot::Ready { bytes, used } => {
                *used = self.uses;
                Some(bytes.clone())
            }
            Slot::Fetching => None,
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let ready = self.slots.iter().filter_map(|(key, slot)| match slot {
            Slot::Ready { used, .. } => Some((*used, *key)),
            Slot::Fetching => None,
        });
        let Some((_, oldest)) = ready.min() else { return false };
        if let Some(Slot::Ready { bytes, .. }) = self.slots.remove(&oldest) {
            self.bytes -= bytes.len();
        }
        true
    }
}

fn late() -> ColdError {
    ColdError::Unreachable("it took too long".into())
}

/// A place among those who wait for the store.
struct Place<'a>(&'a Cache);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().readers -= 1;
        self.0.changed.notify_all();
    }
}

/// The right to fetch a block; given up whatever happens, so that nobody waits for who has gone.
struct Claim<'a> {
    cache: &'a Cache,
    key: Key,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut state = self.cache.lock();
        if matches!(state.slots.get(&self.key), Some(Slot::Fetching)) {
            state.slots.remove(&self.key);
        }
        drop(state);
        self.cache.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn many_who_want_a_block_at_once_fetch_it_once() {
        let (cache, fetches, start) = (Cache::new(1_000), AtomicU64::new(0), Barrier::new(8));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    let block = cache.get((1, 1), soon(), || {
                        fetches.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(20));
                        Ok(Bytes::from_static(b"block"))
                    });
                    assert_eq!(block.expect("fetched"), "block");
                });
            }
        });
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn it_never_keeps_more_than_it_may_and_drops_what_was_unused_for_longest() {
        let cache = Cache::new(100);
        for block in 0..20 {
            let fetched = cache.get((1, block), soon(), || Ok(Bytes::from(vec![0; 30])));
            assert!(fetched.is_ok());
            assert!(
                cache.get((1, 0), soon(), || Err(ColdError::Stopped)).is_ok(),
                "used all the time"
            );
            assert!(cache.lock().bytes <= 100);
        }
        assert!(cache.get((1, 1), soon(), || Err(ColdError::Stopped)).is_err());
    }

    #[test]
    fn a_failure_is_not_kept_and_who_has_no_time_gets_only_what_is() {
        let cache = Cache::new(100);
        assert!(cache.get((1, 1), soon(), || Err(ColdError::Stopped)).is_err());
        let over = Instant::now();
        assert!(cache.get((1, 1), over, || Ok(Bytes::from_static(b"late"))).is_err());
        assert!(cache.get((1, 1), soon(), || Ok(Bytes::from_static(b"block"))).is_ok());
        assert!(cache.get((1, 1), over, || Err(ColdError::Stopped)).is_ok());
    }

    #[test]
    fn few_wait_for_a_slow_store_and_the_others_are_told_so_soon() {
        let (cache, start) = (Cache::new(1_000), Barrier::new(READERS_MAX + 1));
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for block in 0..READERS_MAX as u64 {
                let (cache, start, done) = (&cache, &start, &done);
                scope.spawn(move || {
                    cache.get((1, block), soon(), || {
                        start.wait();
                        while !done.load(Ordering::SeqCst) {
                            std::thread::yield_now();
                        }
                        Ok(Bytes::from_static(b"slow"))
                    })
                });
            }
            start.wait();
            let begun = Instant::now();
            let refused = cache.get((1, 99), soon(), || Ok(Bytes::from_static(b"one too many")));
            done.store(true, Ordering::SeqCst);
            assert!(matches!(refused, Err(ColdError::Unreachable(_))), "{refused:?}");
            assert!(begun.elapsed() < Duration::from_secs(10));
        });
        assert!(cache.get((1, 99), soon(), || Ok(Bytes::from_static(b"next"))).is_ok());
    }
}
