//! How long to wait before connecting again: full jitter under a bound that doubles.

use std::time::Duration;

use crate::config::Backoff;

/// The bound of the next wait.
#[derive(Debug)]
pub(crate) struct Waiting {
    rule: Backoff,
    failures: u32,
}

impl Waiting {
    pub(crate) fn new(rule: Backoff) -> Self {
        Self { rule, failures: 0 }
    }

    /// A connection ended that lasted so long (zero if there was none). `random` is evenly spread over all of `u64`.
    pub(crate) fn after(&mut self, lasted: Duration, random: u64) -> Duration {
        if lasted >= self.rule.stable {
            self.failures = 0;
        }
        let bound = self
            .rule
            .first
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(self.rule.most);
        self.failures = self.failures.saturating_add(1).min(31);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(random % nanos.saturating_add(1).max(1))
    }

    /// The network changed: what failed before says nothing about it.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Backoff = Backoff {
        first: Duration::from_millis(500),
        most: Duration::from_mins(1),
        stable: Duration::from_secs(30),
    };

    #[test]
    fn the_bound_doubles_up_to_the_most_and_the_wait_is_anywhere_below() {
        let mut waiting = Waiting::new(RULE);
        let longest: Vec<_> = (0..10)
            .map(|_| {
                let bound = {
                    let mut copy = Waiting {
                        rule: RULE,
                        failures: waiting.failures,
                    };
                    // The remainder of this number by any bound + 1 is the bound itself or close below it.
                    (0..64).map(|n| copy_after(&mut copy, n)).max().expect("64 waits")
                };
                waiting.after(Duration::ZERO, 0);
                bound
            })
            .collect();
        assert!(longest.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(longest.iter().all(|wait| *wait <= RULE.most));
        assert_eq!(waiting.after(Duration::ZERO, 0), Duration::ZERO);
    }

    fn copy_after(waiting: &mut Waiting, n: u64) -> Duration {
        let failures = waiting.failures;
        let wait = waiting.after(Duration::ZERO, n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        waiting.failures = failures;
        wait
    }

    #[test]
    fn a_connection_that_lasted_starts_anew() {
        let mut waiting = Waiting::new(RULE);
        for _ in 0..20 {
            waiting.after(Duration::from_secs(1), 1);
        }
        assert!(waiting.after(Duration::from_secs(31), u64::MAX) <= RULE.first);
    }

    #[test]
    fn a_changed_network_starts_anew() {
        let mut waiting = Waiting::new(RULE);
        for _ in 0..20 {
            waiting.after(Duration::ZERO, 1);
        }
        waiting.reset();
        assert!(waiting.after(Duration::ZERO, u64::MAX) <= RULE.first);
    }
}
