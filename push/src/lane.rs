//! Stands between the jobs and one vendor: how many at once, how fast, and when not at all.
//!
//! A lane waits only for room and for its turn in the second; a longer "not now" is an answer at once, with the time
//! to come back at, so that nobody holds memory for a vendor that is down.

mod breaker;
mod pace;
mod quota;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use godwit_model::Clock;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::settings::Pace;
use crate::{CheckError, Class, Limits, Notification, Outcome, Scope, Target, Vendor, VendorName};
use breaker::{Breaker, Entry};
use pace::Bucket;
use quota::Quota;
pub use quota::next_vendor_midnight_ms;

/// Longest wait for a turn, in milliseconds; beyond it the job is told to come back.
const TURN_MS_MAX: u64 = 1_000;
/// How many may wait for room, for each that has it.
const WAITING_FACTOR: usize = 4;

/// One app's way to one vendor.
pub struct Lane {
    vendor: Arc<dyn Vendor>,
    clock: Arc<dyn Clock>,
    room: Semaphore,
    in_flight_max: usize,
    batch: usize,
    inside: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    bucket: Bucket,
    breaker: Breaker,
    quota: Quota,
    /// Nothing is sent before this, in steady milliseconds: the vendor's Retry-After.
    held_until_ms: u64,
}

/// What a lane is doing, for metrics and for those who ask why nothing is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneReport {
    /// Requests on their way or waiting for room.
    pub inside: usize,
    /// Requests a second that are let through now.
    pub per_second: f64,
    /// Why the breaker is open, if it is.
    pub stopped: Option<String>,
    /// Milliseconds until the vendor's "not before" has passed.
    pub held_ms: u64,
    /// Classes whose quota of the day is used up.
    pub out_of_quota: Vec<Class>,
}

impl Lane {
    /// A lane to `vendor`, as fast as `pace` says, or as the vendor allows.
    pub fn new(vendor: Arc<dyn Vendor>, pace: &Pace, clock: Arc<dyn Clock>) -> Self {
        let limits = vendor.limits();
        let in_flight_max = pace
            .in_flight
            .unwrap_or(limits.in_flight)
            .clamp(1, Semaphore::MAX_PERMITS);
        let per_second = pace.per_second.unwrap_or(limits.per_second).max(1);
        Self {
            vendor,
            clock,
            room: Semaphore::new(in_flight_max),
            in_flight_max,
            batch: pace.batch.unwrap_or(limits.batch).clamp(1, limits.batch.max(1)),
            inside: AtomicUsize::new(0),
            state: Mutex::new(State {
                bucket: Bucket::new(per_second),
                breaker: Breaker::default(),
                quota: Quota::new(pace.per_day, pace.reserve),
                held_until_ms: 0,
            }),
        }
    }

    /// Whose lane it is.
    pub fn name(&self) -> VendorName {
        self.vendor.name()
    }

    /// What the vendor can take.
    pub fn limits(&self) -> Limits {
        self.vendor.limits()
    }

    /// Asks the vendor whether the credentials work; passes by everything that holds pushes back.
    pub async fn check(&self) -> Result<String, CheckError> {
        self.vendor.check().await
    }

    /// Sends one notification to one device, or says at once when to come back.
    pub async fn deliver(&self, to: &Target, notification: &Notification) -> Outcome {
        let outcome = match self.enter(notification.class, 1).await {
            Ok(_permit) => {
                let outcome = self.vendor.deliver(to, notification).await;
                self.learn(notification.class, &outcome);
                outcome
            }
            Err(outcome) => outcome,
        };
        self.count(&outcome);
        outcome
    }

    /// Sends one notification to several devices, at most [`Self::batch`], in one request where the vendor can.
    /// Outcomes come in the order of `to`.
    pub async fn deliver_many(&self, to: &[Target], notification: &Notification) -> Vec<Outcome> {
        // What the day has no room for is not sent; the rest is.
        let room = self.state().quota.left(notification.class, self.clock.now_ms());
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let (now, beyond) = to.split_at_checked(room).unwrap_or((to, &[]));
        let mut outcomes = match now {
            [] => Vec::new(),
            _ => self.deliver_now(now, notification).await,
        };
        outcomes.extend(beyond.iter().map(|_| quota::used_up()));
        for outcome in &outcomes {
            self.count(outcome);
        }
        outcomes
    }

    async fn deliver_now(&self, to: &[Target], notification: &Notification) -> Vec<Outcome> {
        let pushes = u64::try_from(to.len()).unwrap_or(u64::MAX);
        match self.enter(notification.class, pushes).await {
            Ok(_permit) => {
                let outcomes = self.vendor.deliver_many(to, notification).await;
                // One request is one lesson, however many it was for.
                let mut learned = HashSet::new();
                for outcome in &outcomes {
                    if learned.insert((outcome.word(), outcome.code())) {
                        self.learn(notification.class, outcome);
                    }
                }
                outcomes
            }
            Err(outcome) => vec![outcome; to.len()],
        }
    }

    /// Most devices of one request, and how many make it worth while; 1 where there is one request for each.
    pub fn batch(&self) -> (usize, usize) {
        (self.batch, self.vendor.limits().batch_least)
    }

    /// Milliseconds in which nothing at all is let through, whatever it is.
    pub fn closed_ms(&self) -> u64 {
        let steady_ms = self.clock.steady_ms();
        let state = self.state();
        let held_ms = state.held_until_ms.saturating_sub(steady_ms);
        held_ms.max(state.breaker.left_ms(steady_ms))
    }

    /// What it is doing.
    pub fn report(&self) -> LaneReport {
        let (now_ms, steady_ms) = (self.clock.now_ms(), self.clock.steady_ms());
        let state = self.state();
        LaneReport {
            inside: self.inside.load(Ordering::Relaxed),
            per_second: state.bucket.per_second(),
            stopped: state.breaker.stopped().map(str::to_owned),
            held_ms: state.held_until_ms.saturating_sub(steady_ms),
            out_of_quota: state.quota.stopped(now_ms),
        }
    }

    async fn enter(&self, class: Class, pushes: u64) -> Result<Inside<'_>, Outcome> {
        let inside = self.take_room().await?;
        let turn_ms = self.admit(class, pushes)?;
        if turn_ms > 0 {
            tokio::time::sleep(Duration::from_millis(turn_ms)).await;
        }
        Ok(inside)
    }

    async fn take_room(&self) -> Result<Inside<'_>, Outcome> {
        let place = Place::take(&self.inside);
        if place.before >= self.in_flight_max.saturating_mul(1 + WAITING_FACTOR) {
            return Err(come_back(1_000, "lane_full", "too many pushes wait for this vendor"));
        }
        let permit = self.room.acquire().await;
        let permit = permit.expect("a lane's semaphore is never closed");
        Ok(Inside {
            _permit: permit,
            _place: place,
        })
    }

    /// Milliseconds to wait for one's turn, or why not now.
    fn admit(&self, class: Class, pushes: u64) -> Result<u64, Outcome> {
        let (now_ms, steady_ms) = (self.clock.now_ms(), self.clock.steady_ms());
        let mut state = self.state();
        state.quota.admit(class, now_ms)?;
        if let Some(left_ms) = state.held_until_ms.checked_sub(steady_ms).filter(|left| *left > 0) {
            return Err(come_back(left_ms, "held_back", "the vendor asked to wait"));
        }
        let turn_ms = state.bucket.wait_ms(steady_ms);
        if turn_ms > TURN_MS_MAX {
            return Err(come_back(turn_ms, "paced", "more than the vendor takes in a second"));
        }
        if let Entry::Stopped { left_ms, why } = state.breaker.enter(steady_ms) {
            return Err(Outcome::retry_after(
                Scope::Vendor,
                Some(Duration::from_millis(left_ms)),
                "stopped",
                why,
            ));
        }
        state.bucket.take(steady_ms);
        state.quota.spend(pushes, now_ms);
        Ok(turn_ms)
    }

    fn learn(&self, class: Class, outcome: &Outcome) {
        let (now_ms, steady_ms) = (self.clock.now_ms(), self.clock.steady_ms());
        let mut state = self.state();
        match outcome {
            Outcome::Retry { after, scope, code, .. } => {
                if *scope != Scope::Token
                    && let Some(after) = after
                {
                    let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                    state.held_until_ms = state.held_until_ms.max(steady_ms.saturating_add(after_ms));
                }
                match scope {
                    Scope::Token => state.breaker.answered(),
                    Scope::App => {
                        state.breaker.answered();
                        state.bucket.slow_down(steady_ms);
                    }
                    Scope::Vendor => state.breaker.failed(code, steady_ms),
                }
            }
            Outcome::Misconfigured { code, detail } => state.breaker.misconfigured(code, detail, steady_ms),
            Outcome::QuotaDay { .. } => {
                state.breaker.answered();
                state.quota.stop(class, now_ms);
            }
            Outcome::Accepted { .. } => {
                state.breaker.answered();
                state.bucket.speed_up(steady_ms);
            }
            Outcome::TokenInvalid { .. } | Outcome::ContentRejected { .. } | Outcome::Refused { .. } => {
                state.breaker.answered();
            }
            Outcome::Unsupported => {}
        }
    }

    fn count(&self, outcome: &Outcome) {
        let (vendor, word) = (self.name().as_str(), outcome.word());
        metrics::counter!("push_sent_total", "vendor" => vendor, "outcome" => word).increment(1);
        if !outcome.is_accepted() {
            tracing::debug!(vendor, outcome = word, code = outcome.code(), "a push was not accepted");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lane")
    }
}

fn come_back(after_ms: u64, code: &str, why: &str) -> Outcome {
    Outcome::retry_after(Scope::App, Some(Duration::from_millis(after_ms)), code, why)
}

/// Holds room on the way to the vendor.
struct Inside<'a> {
    _permit: SemaphorePermit<'a>,
    _place: Place<'a>,
}

/// One of those who are on their way or wait.
struct Place<'a> {
    inside: &'a AtomicUsize,
    before: usize,
}

impl<'a> Place<'a> {
    fn take(inside: &'a AtomicUsize) -> Self {
        let before = inside.fetch_add(1, Ordering::Relaxed);
        Self { inside, before }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
