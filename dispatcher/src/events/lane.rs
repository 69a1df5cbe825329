//! The way to one webhook: pages of events in their order, several at a time where they are about different things; what
//! is not taken waits in the store and is tried again, while the others go on.
//!
//! A webhook that failed several times in a row is *down*: nothing new is read for it, and one event at a time is tried,
//! the oldest one. So what waits for it is a page at most, however long it is away, and the rest stays in the log.

mod round;

use std::sync::Arc;
use std::time::Duration;

use godwit_model::TenantNo;
use godwit_registry::{Delivery, DeliveryState, Webhook, WebhookProgress};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Desk;
use super::kind::Kinds;
use super::source::Place;
use crate::Dispatcher;
use crate::failure::of_registry;

/// So many failures in a row, and a webhook is down.
const DOWN_AFTER: u32 = 3;
/// Most events that wait before nothing new is read.
const WAITING_MAX: u64 = 512;
/// Events that wait and are tried in one round.
const ROUND_MAX: usize = 64;
/// Longest sleep while something may come.
const IDLE: Duration = Duration::from_secs(1);
/// How often a place is kept that moved over nothing.
const SAVE: Duration = Duration::from_secs(5);
/// How long to wait for a store or log that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A webhook that is being told.
pub(super) struct Lane {
    /// The webhook as it is now.
    pub(super) webhook: watch::Sender<WebhookNow>,
    /// Says that there is something to do.
    pub(super) kick: Arc<Notify>,
    task: JoinHandle<()>,
}

/// A webhook as it is now.
#[derive(Clone, Debug)]
pub(super) struct WebhookNow(pub(super) Arc<Webhook>);

impl WebhookNow {
    /// Whose events it wants, and which.
    pub(super) fn wants(&self) -> (TenantNo, Kinds) {
        (self.0.tenant, self.kinds())
    }

    fn kinds(&self) -> Kinds {
        Kinds::read(&self.0.says.kinds)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Dispatcher {
    /// Begins to tell a webhook.
    pub(super) fn open_lane(&self, desk: &Arc<Desk>, webhook: Webhook) {
        let no = webhook.no;
        let (sender, receiver) = watch::channel(WebhookNow(Arc::new(webhook)));
        let kick = Arc::new(Notify::new());
        let walk = Walk::new(self.clone(), Arc::clone(desk), (receiver, Arc::clone(&kick)));
        let lane = Lane {
            webhook: sender,
            kick,
            task: tokio::spawn(walk.go()),
        };
        desk.lanes().insert(no, lane);
    }
}

/// A lane at work.
struct Walk {
    dispatcher: Dispatcher,
    desk: Arc<Desk>,
    webhook: watch::Receiver<WebhookNow>,
    kick: Arc<Notify>,
    no: u64,
    place: Place,
    /// The place as the store knows it.
    saved: Place,
    saved_at: Instant,
    /// Whether something may wait.
    may_wait: bool,
    /// Failures in a row.
    failures: u32,
}

/// What a step of a lane came to.
enum Step {
    /// There may be more at once.
    More,
    /// There is nothing before this has passed.
    Rest(Duration),
}

impl Walk {
    fn new(
        dispatcher: Dispatcher,
        desk: Arc<Desk>,
        (webhook, kick): (watch::Receiver<WebhookNow>, Arc<Notify>),
    ) -> Self {
        let now = Arc::clone(&webhook.borrow().0);
        let place = Place {
            log: now.log_cursor,
            noted: now.event_cursor,
        };
        Self {
            dispatcher,
            desk,
            webhook,
            kick,
            no: now.no,
            place,
            saved: place,
            saved_at: Instant::now(),
            may_wait: true,
            failures: 0,
        }
    }

    async fn go(mut self) {
        loop {
            let desk = Arc::clone(&self.desk);
            // Before it is looked: what comes meanwhile wakes it.
            let news = desk.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            let is_on = self.webhook.borrow_and_update().0.says.enabled;
            let step = if is_on { self.step().await } else { Ok(Step::Rest(IDLE)) };
            let rest = match step {
                Ok(Step::More) => continue,
                Ok(Step::Rest(rest)) => rest,
                Err(refused) => {
                    tracing::warn!(%refused, webhook = self.no, "a webhook is not told yet");
                    PATIENCE
                }
            };
            let kick = Arc::clone(&self.kick);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = news, if is_on && !self.is_down() => {}
                () = kick.notified() => self.may_wait = true,
                changed = self.webhook.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // It may be somewhere else now.
                    self.failures = 0;
                    self.may_wait = true;
                }
            }
        }
    }

    fn is_down(&self) -> bool {
        self.failures >= DOWN_AFTER
    }

    async fn step(&mut self) -> Result<Step, godwit_model::Refused> {
        let mut rest = IDLE;
        let mut waiting = 0;
        if self.may_wait {
            let found = self.waiting().await?;
            waiting = found.len() as u64;
            self.may_wait = waiting > 0;
            let now_ms = self.dispatcher.clock.now_ms();
            let due = self.due(&found, now_ms);
            if !due.is_empty() {
                self.try_again(due).await?;
                return Ok(Step::More);
            }
            let tried = found.iter().take(if self.is_down() { 1 } else { usize::MAX });
            let next_ms = tried.map(|delivery| delivery.next_at_ms.saturating_sub(now_ms)).min();
            rest = rest.min(Duration::from_millis(next_ms.unwrap_or(u64::MAX)));
        }
        if (self.is_down() && waiting > 0) || waiting >= WAITING_MAX {
            return Ok(Step::Rest(rest));
        }
        let wants = self.webhook.borrow().wants();
        let page = self
            .dispatcher
            .page_of_events(&self.desk.source, wants, self.place)
            .await?;
        if page.events.is_empty() {
            let moved = page.next != self.place;
            self.place = page.next;
            self.save_if_due().await;
            return Ok(if moved { Step::More } else { Step::Rest(rest) });
        }
        self.tell(page).await?;
        Ok(Step::More)
    }

    async fn waiting(&self) -> Result<Vec<Delivery>, godwit_model::Refused> {
        let found = self
            .dispatcher
            .registry
            .webhook_deliveries(self.no, DeliveryState::Waiting, 0, WAITING_MAX);
        found.await.map_err(of_registry)
    }

    /// Which of those that wait are tried now: where the webhook is down, the oldest one alone.
    fn due(&self, found: &[Delivery], now_ms: u64) -> Vec<Delivery> {
        let is_due = |delivery: &&Delivery| delivery.next_at_ms <= now_ms;
        if self.is_down() {
            return found.first().filter(is_due).cloned().into_iter().collect();
        }
        found.iter().filter(is_due).take(ROUND_MAX).cloned().collect()
    }

    /// Keeps what a round came to, however long the store takes.
    async fn keep(&mut self, progress: &WebhookProgress) {
        loop {
            match self.dispatcher.registry.advance_webhook(self.no, progress).await {
                // One that is gone is told nothing any more; its lane is about to end.
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, webhook = self.no, "what a webhook was told could not be kept; trying again");
                    tokio::time::sleep(PATIENCE).await;
                }
            }
        }
        self.saved = self.place;
        self.saved_at = Instant::now();
    }

    async fn save_if_due(&mut self) {
        if self.place == self.saved || self.saved_at.elapsed() < SAVE {
            return;
        }
        let progress = WebhookProgress {
            log_cursor: Some(self.place.log),
            event_cursor: Some(self.place.noted),
            ..WebhookProgress::default()
        };
        self.keep(&progress).await;
    }
}
