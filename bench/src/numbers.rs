//! Counts as real numbers, in one place: what is lost above 2^53 is not missed in a report.

use std::time::Duration;

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// A number of things as a real number.
pub(crate) fn real_len(count: usize) -> f64 {
    real(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Nanoseconds, up to 584 years.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A quotient that is 0 where there is nothing to divide by.
pub(crate) fn per(amount: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { amount / real(count) }
}
