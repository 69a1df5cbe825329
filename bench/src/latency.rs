//! How long things took: a histogram of microseconds, and the points of it that reports name.

use hdrhistogram::Histogram;

use crate::numbers::real;

/// Longest time told apart; longer ones count as this.
const LONGEST_US: u64 = 300_000_000;

/// Times of one kind.
pub(crate) struct Latency {
    histogram: Histogram<u64>,
}

impl Latency {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
        Self {
            histogram: histogram.expect("the bounds and the digits are within what the crate takes"),
        }
    }

    pub(crate) fn record_ns(&mut self, nanoseconds: u64) {
        self.histogram.saturating_record((nanoseconds / 1_000).max(1));
    }

    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The time that this share of all did not exceed, in milliseconds.
    pub(crate) fn ms(&self, share: f64) -> f64 {
        real(self.histogram.value_at_quantile(share)) / 1_000.0
    }

    pub(crate) fn longest_ms(&self) -> f64 {
        real(self.histogram.max()) / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_times_that_so_many_did_not_exceed() {
        let mut latency = Latency::new();
        for ms in 1..=1000_u64 {
            latency.record_ns(ms * 1_000_000);
        }
        let near = |found: f64, expected: f64| (found - expected).abs() <= expected * 0.002;
        assert!(near(latency.ms(0.5), 500.0), "{}", latency.ms(0.5));
        assert!(near(latency.ms(0.99), 990.0), "{}", latency.ms(0.99));
        assert!(near(latency.ms(0.999), 999.0), "{}", latency.ms(0.999));
        assert!(near(latency.longest_ms(), 1000.0));
        assert_eq!(latency.count(), 1000);
        latency.record_ns(u64::MAX);
        assert!(latency.longest_ms() > 299_000.0);
    }
}
