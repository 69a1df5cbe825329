//! One round with a webhook: a page of new events, or some that waited, and what becomes of each.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use godwit_model::Refused;
use godwit_registry::{Delivery, DeliveryState, SettledDelivery, Webhook, WebhookProgress};
use tokio::task::JoinSet;

use super::super::attempt::{Attempted, Fate, line};
use super::super::event::{self, Event, Origin};
use super::super::source::Page;
use super::{DOWN_AFTER, Walk};
use crate::Dispatcher;
use crate::events::Desk;
use crate::failure::of_registry;

/// An event under way to the webhook.
struct Task {
    event: Event,
    /// What is known of it, where it waited.
    waited: Option<Delivery>,
}

/// An event, and what became of it; `None` where it was not tried.
struct Done {
    task: Task,
    tried: Option<(u64, Fate, Attempted)>,
}

/// What the calls of one round share.
struct Round {
    dispatcher: Dispatcher,
    desk: Arc<Desk>,
    webhook: Arc<Webhook>,
    /// Events about the same thing go one after the other.
    chains: Mutex<VecDeque<Vec<Task>>>,
    done: Mutex<Vec<Done>>,
    failures: AtomicU32,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one call, so that nothing can be half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Walk {
    /// Tells of a page of new events.
    pub(super) async fn tell(&mut self, page: Page) -> Result<(), Refused> {
        let tasks = page
            .events
            .into_iter()
            .map(|event| Task { event, waited: None })
            .collect();
        let done = self.round(tasks).await;
        let mut progress = WebhookProgress {
            log_cursor: Some(page.next.log),
            event_cursor: Some(page.next.noted),
            ..WebhookProgress::default()
        };
        let is_gone = self.enter(done, &mut progress);
        self.may_wait |= !progress.parked.is_empty();
        self.place = page.next;
        self.keep(&progress).await;
        self.end_if(is_gone).await
    }

    /// Tells of events that waited.
    pub(super) async fn try_again(&mut self, due: Vec<Delivery>) -> Result<(), Refused> {
        let mut progress = WebhookProgress::default();
        let mut tasks = Vec::with_capacity(due.len());
        for delivery in due {
            let found = match delivery.server_id {
                Some(id) => self.dispatcher.event_of_message(id).await?,
                None => event::of_delivery(&delivery),
            };
            match found {
                Some(event) => tasks.push(Task {
                    event,
                    waited: Some(delivery),
                }),
                // Nobody may read that message any more.
                None => progress.settled.push(SettledDelivery::Done(delivery.no)),
            }
        }
        let was_down = self.is_down();
        let done = self.round(tasks).await;
        let is_gone = self.enter(done, &mut progress);
        self.keep(&progress).await;
        if was_down && !self.is_down() {
            tracing::info!(webhook = self.no, "a webhook that was down takes events again");
            self.dispatcher
                .registry
                .hurry_webhook(self.no)
                .await
                .map_err(of_registry)?;
        }
        self.end_if(is_gone).await
    }

    /// The webhook wants no more.
    async fn end_if(&mut self, is_gone: bool) -> Result<(), Refused> {
        if !is_gone {
            return Ok(());
        }
        tracing::warn!(webhook = self.no, "a webhook answered 410 and is told nothing any more");
        let because = "it answered 410 Gone";
        self.dispatcher
            .registry
            .disable_webhook(self.no, because)
            .await
            .map_err(of_registry)?;
        if let Some(lane) = self.desk.lanes().get(&self.no) {
            lane.webhook.send_modify(|now| {
                let mut webhook = Webhook::clone(&now.0);
                webhook.says.enabled = false;
                webhook.disabled_because = Some(because.to_owned());
                now.0 = Arc::new(webhook);
            });
        }
        Ok(())
    }

    /// Makes the calls, in their order where that matters. After several failures in a row the rest is not tried.
    async fn round(&mut self, tasks: Vec<Task>) -> Vec<Done> {
        let mut chains: Vec<(u64, Vec<Task>)> = Vec::new();
        for task in tasks {
            match chains.iter_mut().find(|(key, _)| *key == task.event.key) {
                Some((_, chain)) => chain.push(task),
                None => chains.push((task.event.key, vec![task])),
            }
        }
        let callers = self.desk.settings.in_flight.clamp(1, chains.len().max(1));
        // Where it may be down, one call says more than many.
        let callers = if self.failures > 0 { 1 } else { callers };
        let round = Arc::new(Round {
            dispatcher: self.dispatcher.clone(),
            desk: Arc::clone(&self.desk),
            webhook: Arc::clone(&self.webhook.borrow().0),
            chains: Mutex::new(chains.into_iter().map(|(_, chain)| chain).collect()),
            done: Mutex::default(),
            failures: AtomicU32::new(self.failures),
        });
        let mut calls = JoinSet::new();
        for _ in 0..callers {
            calls.spawn(Arc::clone(&round).work());
        }
        while calls.join_next().await.is_some() {}
        self.failures = round.failures.load(Ordering::SeqCst);
        let mut done = std::mem::take(&mut *lock(&round.done));
        // In the order in which they are to be tried again.
        done.sort_by_key(|done| (done.task.event.at_ms, done.task.event.id.clone()));
        done
    }

    /// What each event comes to. Says whether the webhook wants no more.
    fn enter(&self, done: Vec<Done>, progress: &mut WebhookProgress) -> bool {
        let mut is_gone = false;
        for Done { task, tried } in done {
            let attempts = task.waited.as_ref().map_or(0, |waited| waited.attempts);
            let Some((at_ms, fate, attempted)) = tried else {
                if task.waited.is_none() {
                    progress.parked.push(self.waiting_from_now(&task.event));
                }
                continue;
            };
            let attempt = attempts + 1;
            is_gone |= fate == Fate::Gone;
            let Fate::Failed(after) = fate else {
                let outcome = if fate == Fate::Taken { "delivered" } else { "failed" };
                progress
                    .tried
                    .push(line(&task.event, attempt, (at_ms, outcome), &attempted));
                match (fate, task.waited) {
                    (Fate::Taken, Some(waited)) => progress.settled.push(SettledDelivery::Done(waited.no)),
                    (Fate::Gone, None) => progress.parked.push(self.waiting_from_now(&task.event)),
                    _ => {}
                }
                continue;
            };
            let mut waits = task.waited.unwrap_or_else(|| self.waiting_from_now(&task.event));
            let now_ms = self.dispatcher.clock.now_ms();
            waits.attempts = attempt;
            waits.status = attempted.status;
            waits.detail.clone_from(&attempted.detail);
            if attempt == 1 {
                waits.first_at_ms = at_ms;
            }
            let settings = &self.desk.settings;
            let is_dead = now_ms.saturating_sub(waits.first_at_ms) >= settings.give_up_ms;
            let named_ms = after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            let pause_ms = pause_ms((settings.retry_ms, settings.retry_max_ms), attempt, chance());
            waits.next_at_ms = now_ms.saturating_add(pause_ms.max(named_ms.min(settings.retry_max_ms)));
            if is_dead {
                metrics::counter!("webhook_dead_total").increment(1);
                waits.state = DeliveryState::Dead;
                waits.next_at_ms = now_ms;
            }
            let outcome = if is_dead { "dead" } else { "failed" };
            progress
                .tried
                .push(line(&task.event, attempt, (at_ms, outcome), &attempted));
            if waits.no == 0 {
                progress.parked.push(waits);
            } else {
                progress.settled.push(SettledDelivery::Again(Box::new(waits)));
            }
        }
        is_gone
    }

    fn waiting_from_now(&self, event: &Event) -> Delivery {
        let now_ms = self.dispatcher.clock.now_ms();
        let (server_id, data) = match event.origin {
            Origin::Message(id) => (Some(id), None),
            Origin::Noted => (None, Some(event.data.clone())),
        };
        Delivery {
            no: 0,
            event_id: event.id.clone(),
            kind: event.kind.as_str().to_owned(),
            server_id,
            data,
            event_at_ms: event.at_ms,
            attempts: 0,
            first_at_ms: now_ms,
            next_at_ms: now_ms,
            state: DeliveryState::Waiting,
            status: None,
            detail: String::new(),
        }
    }
}

impl Round {
    /// Takes chains until there are none.
    async fn work(self: Arc<Self>) {
        loop {
            let chain = lock(&self.chains).pop_front();
            let Some(chain) = chain else { return };
            for task in chain {
                let is_down = self.failures.load(Ordering::SeqCst) >= DOWN_AFTER;
                // The first one of a round is tried whatever was before: that is how it is found to be back.
                let is_first = lock(&self.done).is_empty();
                let tried = if is_down && !is_first {
                    None
                } else {
                    Some(self.attempt(&task.event).await)
                };
                lock(&self.done).push(Done { task, tried });
            }
        }
    }

    async fn attempt(&self, event: &Event) -> (u64, Fate, Attempted) {
        let at_ms = self.dispatcher.clock.now_ms();
        let (fate, attempted) = self.dispatcher.attempt(&self.desk, &self.webhook, event).await;
        match fate {
            Fate::Taken => self.failures.store(0, Ordering::SeqCst),
            Fate::Failed(_) => {
                self.failures.fetch_add(1, Ordering::SeqCst);
            }
            Fate::Gone => self.failures.store(DOWN_AFTER, Ordering::SeqCst),
        }
        (at_ms, fate, attempted)
    }
}

/// How long until the next attempt: twice as long each time up to the longest, and anything from half of it to all of it.
fn pause_ms((first_ms, most_ms): (u64, u64), attempt: u32, chance: u64) -> u64 {
    let doublings = attempt.saturating_sub(1).min(30);
    let whole = first_ms.saturating_mul(1 << doublings).min(most_ms).max(1);
    let half = whole / 2;
    half + chance % (whole - half).max(1)
}

/// Any number; the greatest where the host gives no randomness.
fn chance() -> u64 {
    let mut random = [0; 8];
    match getrandom::fill(&mut random) {
        Ok(()) => u64::from_le_bytes(random),
        Err(_) => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread() {
        for (attempt, least, most) in [
            (1, 2_500, 5_000),
            (2, 5_000, 10_000),
            (3, 10_000, 20_000),
            (60, 450_000, 900_000),
        ] {
            for chance in [0, 1, 12_345, u64::MAX] {
                let pause = pause_ms((5_000, 900_000), attempt, chance);
                assert!((least..=most).contains(&pause), "{attempt}: {pause}");
            }
        }
    }
}
