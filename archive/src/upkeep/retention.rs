//! Which segments have been kept long enough: a rule without a disk, which rather keeps too much than too little.

use std::time::Duration;

use godwit_model::Clock;

use crate::segments::SegmentInfo;

/// How far two clocks may be apart before nothing is dropped, in milliseconds.
pub(super) const CLOCK_SLACK_MS: u64 = 60 * 60 * 1000;

/// What an operator wants to keep; `None` keeps for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Messages older than this may go.
    pub(crate) age: Option<Duration>,
    /// The oldest messages may go while all files together take more bytes than this.
    pub(crate) bytes: Option<u64>,
}

/// What the clocks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The host's time now, in milliseconds since 1970.
    pub(crate) wall_ms: u64,
    /// What it would be if it had gone on evenly since it was last believed.
    pub(crate) expected_ms: u64,
}

/// Why nothing is dropped although something should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionHalt {
    /// The host's clock moved by more than an hour against the time that passed.
    ClockJumped {
        /// By how much, in milliseconds; below 0 if it went back.
        by_ms: i64,
    },
    /// The host's clock shows a time more than an hour before the newest message.
    ClockBehind {
        /// By how much, in milliseconds.
        by_ms: u64,
    },
    /// One pass would drop more than half of what is kept.
    TooMuch {
        /// How many bytes would go.
        bytes: u64,
        /// Of how many.
        of: u64,
    },
}

impl std::fmt::Display for RetentionHalt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ClockJumped { by_ms } => {
                write!(f, "the clock jumped by {} s against the time that passed", by_ms / 1000)
            }
            Self::ClockBehind { by_ms } => {
                write!(f, "the clock is {} s behind the newest message", by_ms / 1000)
            }
            Self::TooMuch { bytes, of } => write!(f, "{bytes} of {of} bytes would go at once"),
        }
    }
}

/// What a pass does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is to go.
    Keep,
    /// All segments below `before` go.
    Drop {
        before: u64,
    },
    Halt(RetentionHalt),
}

/// Judges the segments, oldest first. `approved` is an operator's word that the clock is right and much may go.
pub(crate) fn judge(segments: &[SegmentInfo], limits: Limits, moment: Moment, approved: bool) -> Verdict {
    if limits == Limits::default() {
        return Verdict::Keep;
    }
    if !approved && let Some(halt) = clock(segments, moment) {
        return Verdict::Halt(halt);
    }
    let of: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let count = by_age(segments, limits.age, moment.wall_ms).max(by_size(segments, limits.bytes, of));
    let droppable = segments.iter().take_while(|segment| segment.sealed).count();
    let Some(first_kept) = segments.get(count.min(droppable)) else {
        return Verdict::Keep;
    };
    let bytes: u64 = segments[..count.min(droppable)]
        .iter()
        .map(|segment| segment.bytes)
        .sum();
    if bytes == 0 {
        return Verdict::Keep;
    }
    if !approved && bytes > of / 2 {
        return Verdict::Halt(RetentionHalt::TooMuch { bytes, of });
    }
    Verdict::Drop { before: first_kept.no }
}

/// Whether the host's clock went on evenly since a moment, given by the wall clock and the steady one.
pub(crate) fn clocks_agree((wall_ms, steady_ms): (u64, u64), clock: &dyn Clock) -> bool {
    let expected_ms = wall_ms.saturating_add(clock.steady_ms().saturating_sub(steady_ms));
    clock.now_ms().abs_diff(expected_ms) <= CLOCK_SLACK_MS
}

fn clock(segments: &[SegmentInfo], moment: Moment) -> Option<RetentionHalt> {
    if moment.wall_ms.abs_diff(moment.expected_ms) > CLOCK_SLACK_MS {
        let by = i128::from(moment.wall_ms) - i128::from(moment.expected_ms);
        let by_ms = i64::try_from(by).unwrap_or(if by < 0 { i64::MIN } else { i64::MAX });
        return Some(RetentionHalt::ClockJumped { by_ms });
    }
    let newest = segments.iter().map(|segment| segment.last_ms).max().unwrap_or(0);
    let by_ms = newest.saturating_sub(moment.wall_ms);
    (by_ms > CLOCK_SLACK_MS).then_some(RetentionHalt::ClockBehind { by_ms })
}

/// How many of the oldest are too old. A segment is as young as its youngest message.
fn by_age(segments: &[SegmentInfo], age: Option<Duration>, wall_ms: u64) -> usize {
    let Some(age) = age else { return 0 };
    let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let Some(oldest_kept_ms) = wall_ms.checked_sub(age_ms) else {
        return 0;
    };
    segments
        .iter()
        .take_while(|segment| segment.last_ms < oldest_kept_ms)
        .count()
}

/// How many of the oldest are too much.
fn by_size(segments: &[SegmentInfo], max: Option<u64>, of: u64) -> usize {
    let Some(max) = max else { return 0 };
    let mut kept = of;
    let too_much = |segment: &&SegmentInfo| {
        let goes = kept > max;
        kept -= segment.bytes;
        goes
    };
    segments.iter().take_while(too_much).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    const NOW_MS: u64 = 20_000 * DAY_MS;

    /// Segments 1, 2, 3 … of so many bytes whose last messages are so many days old; the last one is being written.
    fn segments(days_and_bytes: &[(u64, u64)]) -> Vec<SegmentInfo> {
        let last = days_and_bytes.len();
        let numbered = days_and_bytes.iter().zip(1_u64..);
        numbered
            .map(|((days, bytes), no)| SegmentInfo {
                no,
                first_ms: Some(NOW_MS - days * DAY_MS),
                last_ms: NOW_MS - days * DAY_MS,
                bytes: *bytes,
                sealed: no < last as u64,
            })
            .collect()
    }

    fn days(days: u64) -> Limits {
        Limits {
            age: Some(Duration::from_millis(days * DAY_MS)),
            bytes: None,
        }
    }

    fn bytes(bytes: u64) -> Limits {
        Limits {
            age: None,
            bytes: Some(bytes),
        }
    }

    const EVEN: Moment = Moment {
        wall_ms: NOW_MS,
        expected_ms: NOW_MS,
    };

    #[test]
    fn what_is_old_or_too_much_goes_from_the_oldest_on_and_never_the_segment_being_written() {
        let five = [(9, 10), (7, 10), (5, 10), (3, 10), (0, 10)];
        let both = Limits {
            age: days(8).age,
            bytes: Some(30),
        };
        for (given, limits, expected) in [
            (&five[..], Limits::default(), Verdict::Keep),
            (&five, days(10), Verdict::Keep),
            (&five, days(9), Verdict::Keep),
            (&five, days(8), Verdict::Drop { before: 2 }),
            (&five, days(6), Verdict::Drop { before: 3 }),
            (&five, bytes(50), Verdict::Keep),
            (&five, bytes(49), Verdict::Drop { before: 2 }),
            (&five, bytes(30), Verdict::Drop { before: 3 }),
            (&five, both, Verdict::Drop { before: 3 }),
            (&[(9, 10), (8, 10)], days(1), Verdict::Drop { before: 2 }),
            (&[(9, 10)], days(1), Verdict::Keep),
            (&[], days(1), Verdict::Keep),
            // A younger segment keeps those behind it, whatever their clocks said.
            (&[(1, 10), (9, 10), (0, 10)], days(5), Verdict::Keep),
        ] {
            assert_eq!(
                judge(&segments(given), limits, EVEN, false),
                expected,
                "{given:?} {limits:?}"
            );
        }
    }

    #[test]
    fn more_than_half_at_once_needs_an_operators_word() {
        let given = segments(&[(9, 10), (8, 10), (7, 10), (0, 10)]);
        let halt = RetentionHalt::TooMuch { bytes: 30, of: 40 };
        assert_eq!(judge(&given, days(5), EVEN, false), Verdict::Halt(halt));
        assert_eq!(judge(&given, bytes(15), EVEN, false), Verdict::Halt(halt));
        assert_eq!(judge(&given, days(5), EVEN, true), Verdict::Drop { before: 4 });
        assert_eq!(judge(&given, bytes(20), EVEN, false), Verdict::Drop { before: 3 });
    }

    #[test]
    fn a_segment_that_is_not_sealed_yet_stays_with_all_behind_it() {
        let mut given = segments(&[(9, 10), (8, 10), (7, 10), (0, 10), (0, 10)]);
        given[1].sealed = false;
        assert_eq!(judge(&given, days(5), EVEN, false), Verdict::Drop { before: 2 });
    }

    #[test]
    fn nothing_goes_by_a_clock_that_jumped_or_lags_behind() {
        let given = segments(&[(9, 10), (3, 10), (0, 10)]);
        let hour = 60 * 60 * 1000;
        for (wall_ms, expected_ms, halt) in [
            (
                NOW_MS + 30 * DAY_MS,
                NOW_MS,
                Some(RetentionHalt::ClockJumped { by_ms: 2_592_000_000 }),
            ),
            (
                NOW_MS,
                NOW_MS + hour + 1,
                Some(RetentionHalt::ClockJumped { by_ms: -3_600_001 }),
            ),
            (NOW_MS, NOW_MS + hour, None),
            (
                NOW_MS - hour - 1,
                NOW_MS - hour - 1,
                Some(RetentionHalt::ClockBehind { by_ms: 3_600_001 }),
            ),
            (NOW_MS - hour, NOW_MS - hour, None),
        ] {
            let moment = Moment { wall_ms, expected_ms };
            let verdict = judge(&given, days(5), moment, false);
            let expected = halt.map_or(Verdict::Drop { before: 2 }, Verdict::Halt);
            assert_eq!(verdict, expected, "{moment:?}");
        }
        let jumped = Moment {
            wall_ms: NOW_MS + 2 * DAY_MS,
            expected_ms: NOW_MS,
        };
        assert_eq!(judge(&given, days(5), jumped, true), Verdict::Drop { before: 2 });
    }
}
