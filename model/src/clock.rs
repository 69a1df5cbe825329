//! Where time comes from, so that tests can hold it still.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Wall-clock time in milliseconds since 1970.
pub trait Clock: Send + Sync + 'static {
    /// The time now. May step back when the host's clock does; who numbers messages must not.
    fn now_ms(&self) -> u64;

    /// Time that has passed since some moment, in milliseconds: goes on evenly whatever happens to the host's clock, and
    /// while the host sleeps.
    fn steady_ms(&self) -> u64;
}

/// The host's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the host's clock")]
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn steady_ms(&self) -> u64 {
        since_boot_ms()
    }
}

/// `Instant` stands still while a host of this kind sleeps (`CLOCK_MONOTONIC` in `clock_gettime(2)`).
#[cfg(target_os = "linux")]
fn since_boot_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let of = |part: i64| u64::try_from(part).unwrap_or_default();
    of(time.tv_sec) * 1_000 + of(time.tv_nsec) / 1_000_000
}

#[cfg(not(target_os = "linux"))]
fn since_boot_ms() -> u64 {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ms: AtomicU64,
    /// How far it jumped; wraps around for a jump back.
    jumped_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now_ms`.
    pub fn new(now_ms: u64) -> Self {
        Self {
            now_ms: AtomicU64::new(now_ms),
            jumped_ms: AtomicU64::new(0),
        }
    }

    /// Shows another time from now on.
    pub fn set(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }

    /// Shows another time from now on, although no time has passed.
    pub fn jump(&self, now_ms: u64) {
        let before = self.now_ms.swap(now_ms, Ordering::SeqCst);
        self.jumped_ms.fetch_add(now_ms.wrapping_sub(before), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn steady_ms(&self) -> u64 {
        let jumped_ms = self.jumped_ms.load(Ordering::SeqCst);
        self.now_ms().wrapping_sub(jumped_ms)
    }
}
