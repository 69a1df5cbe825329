//! How fast a broadcast goes: so many accounts a second, and never more than half of the log's time.

use std::time::Duration;

use tokio::time::Instant;

/// What was not used of a rate is made up for this long.
const MADE_UP: Duration = Duration::from_millis(250);
/// Longest rest after a page that the log was slow to take.
const REST_MAX: Duration = Duration::from_secs(1);
/// Pages of a second, where the rate allows pages of more than one account.
const PAGES_A_SECOND: u64 = 20;
/// Most accounts of a page: numbered inside the commit of its message, and few enough to be done in about a millisecond.
const PAGE_MAX: u64 = 500;

/// When the next accounts may follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    next_at: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { next_at: now }
    }

    /// When the next page may be sent.
    pub(super) fn next_at(self) -> Instant {
        self.next_at
    }

    /// So many accounts were sent by now, at a rate for each second.
    pub(super) fn sent(&mut self, now: Instant, accounts: usize, rate: u64) {
        let earliest = now.checked_sub(MADE_UP).unwrap_or(now);
        let micros = (accounts as u64).saturating_mul(1_000_000) / rate.max(1);
        self.next_at = self.next_at.max(earliest) + Duration::from_micros(micros);
    }

    /// A page took the log so long: as long again is left to others.
    pub(super) fn rest(&mut self, now: Instant, took: Duration) {
        self.next_at = self.next_at.max(now + took.min(REST_MAX));
    }
}

/// How many accounts a page has at this rate.
pub(super) fn page_size(rate: u64) -> usize {
    usize::try_from((rate / PAGES_A_SECOND).clamp(1, PAGE_MAX)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_and_lost_time_is_hardly_made_up_for() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::new(start);
        pace.sent(start, 100, 1_000);
        assert_eq!(pace.next_at(), after(100));
        pace.sent(after(150), 100, 1_000);
        assert_eq!(pace.next_at(), after(200), "fifty milliseconds late are made up for");
        pace.sent(after(10_000), 100, 1_000);
        assert_eq!(pace.next_at(), after(9_850), "ten seconds are not");
        pace.rest(after(10_000), Duration::from_millis(30));
        assert_eq!(pace.next_at(), after(10_030));
    }

    #[test]
    fn a_page_is_a_twentieth_of_a_second() {
        assert_eq!([1, 19, 200, 5_000, 1_000_000].map(page_size), [1, 1, 10, 250, 500]);
    }
}
