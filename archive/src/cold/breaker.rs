//! Keeps readers from waiting, one after the other, for a store that does not answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long after a failure nobody asks.
const REST: Duration = Duration::from_secs(2);

/// While the store fails, one reader at a time finds out whether it still does; the others are refused at once.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    /// When somebody may ask again; `None` while all is well.
    resting_until: Option<Instant>,
    probing: bool,
}

impl Breaker {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store may be asked now. Who may says afterwards how it went.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let Some(until) = state.resting_until else { return true };
        if now < until || state.probing {
            return false;
        }
        state.probing = true;
        true
    }

    /// The store answered, or it cannot be told whether it would have.
    pub(super) fn answered(&self, for_certain: bool) {
        let mut state = self.lock();
        state.probing = false;
        if for_certain {
            state.resting_until = None;
        }
    }

    /// The store did not answer.
    pub(super) fn failed(&self, now: Instant) {
        let mut state = self.lock();
        state.probing = false;
        state.resting_until = Some(now + REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_at_a_time_may_ask_and_after_an_answer_all_may() {
        let breaker = Breaker::default();
        let now = Instant::now();
        assert!(breaker.admits(now) && breaker.admits(now));
        breaker.failed(now);
        assert!(!breaker.admits(now + REST / 2));
        assert!(breaker.admits(now + REST));
        assert!(!breaker.admits(now + REST));
        breaker.failed(now + REST);
        assert!(!breaker.admits(now + REST));
        assert!(breaker.admits(now + 2 * REST));
        breaker.answered(true);
        assert!(breaker.admits(now) && breaker.admits(now));
    }
}
