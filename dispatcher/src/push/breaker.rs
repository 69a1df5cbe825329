//! Stops retiring tokens when a vendor calls too many of them invalid at once: then a key or an environment is wrong.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// How far back outcomes count.
const SPAN_MS: u64 = 5 * 60_000;
/// Fewer outcomes say nothing.
const OUTCOMES_MIN: usize = 100;
/// Invalid ones of a hundred above which no token is retired.
const PERCENT_MAX: usize = 20;
/// Outcomes remembered of one lane; older ones count no more.
const OUTCOMES_MAX: usize = 10_000;

/// What lanes answered lately, by their names.
#[derive(Debug, Default)]
pub(crate) struct MassBreaker {
    lanes: Mutex<HashMap<String, Lately>>,
}

#[derive(Debug, Default)]
struct Lately {
    outcomes: VecDeque<(u64, bool)>,
    invalid: usize,
}

impl MassBreaker {
    /// Notes an outcome; says whether a token that was called invalid may be retired.
    pub(crate) fn note(&self, lane: &str, is_invalid: bool, now_ms: u64) -> bool {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = match lanes.get_mut(lane) {
            Some(lately) => lately,
            None => lanes.entry(lane.to_owned()).or_default(),
        };
        lately.outcomes.push_back((now_ms, is_invalid));
        lately.invalid += usize::from(is_invalid);
        while let Some((at_ms, was_invalid)) = lately.outcomes.front().copied() {
            if lately.outcomes.len() <= OUTCOMES_MAX && now_ms.saturating_sub(at_ms) <= SPAN_MS {
                break;
            }
            lately.outcomes.pop_front();
            lately.invalid -= usize::from(was_invalid);
        }
        let all = lately.outcomes.len();
        all < OUTCOMES_MIN || lately.invalid * 100 <= all * PERCENT_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_invalid_tokens_among_many_stop_it_and_time_heals() {
        let breaker = MassBreaker::default();
        for at in 0..99 {
            assert!(breaker.note("apns", true, at), "too few say nothing");
        }
        assert!(!breaker.note("apns", true, 99));
        assert!(breaker.note("fcm", true, 99), "another vendor is not to blame");
        let later = SPAN_MS + 200;
        assert!(breaker.note("apns", true, later));
        for _ in 0..400 {
            breaker.note("apns", false, later);
        }
        assert!(breaker.note("apns", true, later), "2 of 402");
    }
}
