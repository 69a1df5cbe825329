//! Whether the host's clock is believed: it went on evenly since the start, or for a whole day since it jumped.

use godwit_model::Clock;

use super::retention::{CLOCK_SLACK_MS, Moment};

/// How long a clock that jumped must go on evenly before it is believed by itself. An operator is warned meanwhile, and
/// may say so earlier.
const TRIAL_MS: u64 = 24 * 60 * 60 * 1000;

/// Two clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The host's time, in milliseconds since 1970.
    pub(super) wall_ms: u64,
    /// Time that passed since some moment.
    pub(super) steady_ms: u64,
}

impl Reading {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self {
            wall_ms: clock.now_ms(),
            steady_ms: clock.steady_ms(),
        }
    }

    fn passed_ms(self, now: Self) -> u64 {
        now.steady_ms.saturating_sub(self.steady_ms)
    }

    /// What the host's clock shows now if it went on evenly.
    fn expects(self, now: Self) -> u64 {
        self.wall_ms.saturating_add(self.passed_ms(now))
    }

    fn is_even(self, now: Self) -> bool {
        self.expects(now).abs_diff(now.wall_ms) <= CLOCK_SLACK_MS
    }
}

/// What is thought of the host's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust {
    believed: Reading,
    /// Since when it goes on evenly after a jump.
    jumped: Option<Reading>,
}

impl Trust {
    pub(super) fn new(now: Reading) -> Self {
        Self {
            believed: now,
            jumped: None,
        }
    }

    /// What the clock shows, and what it should show.
    pub(super) fn moment(&mut self, now: Reading) -> Moment {
        self.jumped = match self.jumped {
            _ if self.believed.is_even(now) => None,
            Some(jumped) if jumped.is_even(now) => Some(jumped),
            _ => Some(now),
        };
        if let Some(jumped) = self.jumped
            && jumped.passed_ms(now) >= TRIAL_MS
        {
            tracing::info!("the clock went on evenly for a day since it jumped, and is believed again");
            *self = Self::new(now);
        }
        Moment {
            wall_ms: now.wall_ms,
            expected_ms: self.believed.expects(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 60 * 60 * 1000;
    const START: Reading = Reading {
        wall_ms: 1_000_000 * HOUR_MS,
        steady_ms: 77,
    };

    /// How far the clock is off in the end, in hours, after looks at (hours that passed, hours that the clock shows).
    fn off(looks: &[(u64, u64)]) -> u64 {
        let mut trust = Trust::new(START);
        let mut off = 0;
        for (passed, shown) in looks {
            let moment = trust.moment(Reading {
                wall_ms: START.wall_ms + shown * HOUR_MS,
                steady_ms: START.steady_ms + passed * HOUR_MS,
            });
            off = moment.wall_ms.abs_diff(moment.expected_ms) / HOUR_MS;
        }
        off
    }

    #[test]
    fn a_clock_that_jumped_is_believed_after_a_day_of_going_on_evenly_and_not_before() {
        for (looks, expected) in [
            (&[(5, 5), (1_000, 1_000)][..], 0),
            (&[(1, 51)], 50),
            (&[(1, 51), (24, 74)], 50),
            (&[(1, 51), (25, 75)], 0),
            // Believed, it may jump again.
            (&[(1, 51), (25, 75), (26, 176)], 100),
            // It came back by itself.
            (&[(1, 51), (2, 2)], 0),
            (&[(1, 51), (2, 2), (25, 75), (26, 76)], 50),
            // A second jump begins the trial anew.
            (&[(1, 51), (20, 170), (43, 193)], 150),
            (&[(1, 51), (20, 170), (44, 194)], 0),
            // Nobody looked for long: only what was seen counts.
            (&[(100, 200)], 100),
        ] {
            assert_eq!(off(looks), expected, "{looks:?}");
        }
    }
}
