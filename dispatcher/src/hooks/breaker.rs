//! Stops asking a hook that does not answer, and looks again after a while.

use std::sync::{Mutex, PoisonError};

/// So many failures in a row open it.
const FAILURES_MAX: u32 = 5;
/// The first pause, in milliseconds; each failed question after it doubles it.
const PAUSE_MS_FIRST: u64 = 2_000;
/// The longest pause, in milliseconds.
const PAUSE_MS_MAX: u64 = 30_000;

/// Whether a hook is asked.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    pause_ms: u64,
    /// Nothing is asked before this, in steady milliseconds.
    closed_until_ms: u64,
}

impl Breaker {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a question may go. While the hook is in doubt one goes for each pause.
    pub(super) fn lets_pass(&self, steady_ms: u64) -> bool {
        self.with(|state| {
            if state.failures < FAILURES_MAX {
                return true;
            }
            let passes = steady_ms >= state.closed_until_ms;
            if passes {
                state.closed_until_ms = steady_ms + state.pause_ms;
            }
            passes
        })
    }

    /// It answered.
    pub(super) fn answered(&self) {
        self.with(|state| *state = State::default());
    }

    /// It did not.
    pub(super) fn failed(&self, steady_ms: u64) {
        self.with(|state| {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES_MAX {
                state.pause_ms = (state.pause_ms * 2).clamp(PAUSE_MS_FIRST, PAUSE_MS_MAX);
                state.closed_until_ms = steady_ms + state.pause_ms;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_one_question_goes_for_each_pause() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES_MAX {
            assert!(breaker.lets_pass(0));
            breaker.failed(0);
        }
        assert!(!breaker.lets_pass(1_999));
        assert!(breaker.lets_pass(2_000) && !breaker.lets_pass(2_001));
        breaker.failed(2_001);
        assert!(!breaker.lets_pass(6_000) && breaker.lets_pass(6_001));
        breaker.answered();
        assert!(breaker.lets_pass(6_002));
    }

    #[test]
    fn a_question_between_failures_that_is_answered_keeps_it_closed() {
        let breaker = Breaker::default();
        for _ in 0..50 {
            breaker.failed(0);
            breaker.failed(0);
            breaker.answered();
        }
        assert!(breaker.lets_pass(0));
    }
}
