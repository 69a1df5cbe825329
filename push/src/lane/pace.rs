//! How many requests a second: a bucket whose rate halves when the vendor complains and creeps up again.

/// Milliseconds in which complaints count once: they come in bursts, from requests that were already on their way.
const COMPLAINT_MS: u64 = 1_000;
/// So much of the full rate comes back in each good second.
const CREEP: f64 = 1.0 / 20.0;
/// The rate never falls below this part of the full one, or below one a second.
const LEAST: f64 = 1.0 / 64.0;
/// Requests that may go at once after a pause, as a part of a second's.
const BURST_SECONDS: f64 = 0.1;

#[derive(Debug)]
pub(super) struct Bucket {
    full: f64,
    rate: f64,
    /// When the bucket will be as empty as it may be, in steady milliseconds.
    due_ms: f64,
    complained_at_ms: Option<u64>,
    sped_up_at_ms: u64,
}

impl Bucket {
    pub(super) fn new(per_second: u32) -> Self {
        let full = f64::from(per_second);
        Self {
            full,
            rate: full,
            due_ms: 0.0,
            complained_at_ms: None,
            sped_up_at_ms: 0,
        }
    }

    pub(super) fn per_second(&self) -> f64 {
        self.rate
    }

    /// Milliseconds until the next request has its turn.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "milliseconds of an uptime are exact in 52 bits, and the wait is small and not negative"
    )]
    pub(super) fn wait_ms(&self, steady_ms: u64) -> u64 {
        let burst_ms = (BURST_SECONDS * 1_000.0).max(1_000.0 / self.rate) - 1_000.0 / self.rate;
        (self.due_ms - burst_ms - steady_ms as f64).max(0.0).ceil() as u64
    }

    /// Takes the next turn.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of an uptime are exact in 52 bits"
    )]
    pub(super) fn take(&mut self, steady_ms: u64) {
        self.due_ms = self.due_ms.max(steady_ms as f64) + 1_000.0 / self.rate;
    }

    /// The vendor says that it was too fast.
    pub(super) fn slow_down(&mut self, steady_ms: u64) {
        let just_did = self.complained_at_ms.is_some_and(|at| steady_ms < at + COMPLAINT_MS);
        if just_did {
            return;
        }
        self.complained_at_ms = Some(steady_ms);
        self.sped_up_at_ms = steady_ms;
        self.rate = (self.rate / 2.0).max((self.full * LEAST).max(1.0)).min(self.full);
    }

    /// The vendor took one.
    pub(super) fn speed_up(&mut self, steady_ms: u64) {
        if self.rate < self.full && steady_ms >= self.sped_up_at_ms + 1_000 {
            self.sped_up_at_ms = steady_ms;
            self.rate = (self.rate + self.full * CREEP).min(self.full);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_in(bucket: &mut Bucket, from_ms: u64, for_ms: u64) -> usize {
        let mut taken = 0;
        for now_ms in from_ms..from_ms + for_ms {
            while bucket.wait_ms(now_ms) == 0 {
                bucket.take(now_ms);
                taken += 1;
            }
        }
        taken
    }

    #[test]
    fn it_lets_through_what_a_second_holds_and_a_small_burst() {
        let mut bucket = Bucket::new(200);
        let taken = taken_in(&mut bucket, 10_000, 1_000);
        assert!((200..=221).contains(&taken), "{taken}");
        let next = taken_in(&mut bucket, 11_000, 1_000);
        assert!((199..=201).contains(&next), "{next}");
    }

    #[test]
    fn one_a_second_is_one_a_second() {
        let mut bucket = Bucket::new(1);
        assert_eq!(taken_in(&mut bucket, 5_000, 3_000), 3);
    }

    #[test]
    fn the_wait_is_what_the_queue_before_one_takes() {
        let mut bucket = Bucket::new(10);
        for _ in 0..5 {
            bucket.take(1_000);
        }
        assert_eq!(bucket.wait_ms(1_000), 500);
    }

    #[test]
    fn a_burst_of_complaints_halves_once_and_good_seconds_bring_it_back() {
        let mut bucket = Bucket::new(1_000);
        bucket.slow_down(0);
        bucket.slow_down(500);
        assert!((bucket.per_second() - 500.0).abs() < 0.01);
        bucket.slow_down(1_000);
        assert!((bucket.per_second() - 250.0).abs() < 0.01);
        for second in 2..20 {
            bucket.speed_up(second * 1_000);
        }
        assert!((bucket.per_second() - 1_000.0).abs() < 0.01);
    }

    #[test]
    fn it_never_stops_altogether() {
        let mut bucket = Bucket::new(5);
        for second in 0..100 {
            bucket.slow_down(second * 1_000);
        }
        assert!(bucket.per_second() >= 1.0);
    }
}
