//! The one timer of a connection, in milliseconds since the door opened.

use std::pin::Pin;
use std::task::Context;

use tokio::time::Sleep;

use crate::door::Door;

/// Set anew only when it has gone off or is too late: most timeouts move away before they come.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When it goes off; 0 when it is not set.
    at: u64,
    /// Whether it knows whom to wake then.
    is_running: bool,
}

impl Timer {
    /// Whether it goes off too late for `at`, or not at all.
    pub(super) fn is_late_for(&self, at: u64) -> bool {
        self.at == 0 || at < self.at
    }

    /// Whether it has gone off; otherwise it wakes the task at `at` or before. `now` may be a little old.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, door: &Door, (now, at): (u64, u64)) -> bool {
        if self.is_late_for(at) {
            let instant = door.instant(at);
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(instant),
                None => self.sleep = Some(Box::pin(tokio::time::sleep_until(instant))),
            }
            self.at = at.max(1);
            self.is_running = false;
        }
        if self.is_running && now < self.at {
            return false;
        }
        let gone_off = self
            .sleep
            .as_mut()
            .is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready());
        self.is_running = !gone_off;
        if gone_off {
            self.at = 0;
        }
        gone_off
    }
}
