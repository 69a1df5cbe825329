//! What happened, told to others: to webhooks, and to whoever asks for it.
//!
//! Events of messages and groups follow from the log; others are noted in the store by one task, [`journal`]. Each webhook
//! has a lane of its own ([`lane`]), which remembers in the store how far it is and what waits to be tried again. So a
//! crash loses no event of a message, a receiver that is slow or down holds up nobody but itself, and what is in memory
//! is a page for each webhook.

mod attempt;
mod event;
mod interest;
mod journal;
mod kind;
mod lane;
mod manage;
mod pull;
mod settings;
mod source;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use godwit_model::{Clock, TenantNo};
use godwit_push::{CallSettings, Caller};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use crate::Dispatcher;
use interest::Interest;
use journal::Journal;
use lane::Lane;
use source::Source;
use watch::Acknowledged;

pub use attempt::Attempted;
pub use event::PulledEvent;
pub(crate) use event::body;
pub use kind::{EventKind, UnknownEventKind};
pub use manage::{NewWebhookWish, WebhookWish};
pub use pull::{EventCursor, Pulled};
pub use settings::EventSettings;

/// How often what is over is forgotten.
const TIDY: Duration = Duration::from_mins(10);
/// How often it is looked who listens.
const LOOK: Duration = Duration::from_secs(30);

/// Events for others, or none. Cheap to clone.
#[derive(Clone, Default)]
pub struct Events(Option<Arc<Desk>>);

/// What all of it shares.
pub(crate) struct Desk {
    pub(crate) settings: EventSettings,
    pub(crate) caller: Arc<Caller>,
    interest: Interest,
    journal: Journal,
    source: Source,
    acknowledged: Acknowledged,
    lanes: Mutex<HashMap<u64, Lane>>,
    /// Rings when there may be something new.
    news: Arc<Notify>,
    /// Those that wait for events to come.
    pulls: Semaphore,
    /// Whether the platform stops: nobody waits any more.
    ending: AtomicBool,
}

impl Events {
    /// Events for others, with these settings.
    ///
    /// # Errors
    /// What is wrong with the client that calls webhooks, for people.
    pub fn new(settings: EventSettings, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        let calls = CallSettings {
            private_addresses: settings.private_addresses,
            connect_timeout: settings.time_limit,
            idle_per_host: settings.in_flight,
        };
        let caller = Arc::new(Caller::new(&calls, Arc::clone(clock))?);
        Ok(Self(Some(Arc::new(Desk {
            pulls: Semaphore::new(settings.pulls_max.min(Semaphore::MAX_PERMITS)),
            settings,
            caller,
            interest: Interest::default(),
            journal: Journal::default(),
            source: Source::default(),
            acknowledged: Acknowledged::default(),
            lanes: Mutex::default(),
            news: Arc::default(),
            ending: AtomicBool::new(false),
        }))))
    }

    /// Something was committed. On the writer's thread: one load while nobody listens.
    pub fn moved(&self) {
        if let Some(desk) = &self.0
            && desk.interest.is_any()
        {
            desk.news.notify_waiters();
        }
    }

    /// The platform stops: whoever waits for events is answered.
    pub fn end(&self) {
        if let Some(desk) = &self.0 {
            desk.ending.store(true, Ordering::SeqCst);
            desk.news.notify_waiters();
        }
    }

    /// Whether anybody at all listens to a kind: one load.
    pub(crate) fn hears(&self, kind: EventKind) -> bool {
        self.0.as_ref().is_some_and(|desk| desk.interest.is_any_in(kind))
    }

    pub(crate) fn desk(&self) -> Option<&Arc<Desk>> {
        self.0.as_ref()
    }
}

impl Desk {
    fn lanes(&self) -> MutexGuard<'_, HashMap<u64, Lane>> {
        // Each change is one call, so that nothing can be half changed.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who wants what, now.
    fn know_interest(&self, now_ms: u64) {
        let wanted: Vec<_> = self
            .lanes()
            .values()
            .map(|lane| lane.webhook.borrow().wants())
            .collect();
        self.interest.set(wanted, now_ms);
    }
}

impl Dispatcher {
    /// Tells webhooks, and notes what is in no log; ends with the tasks, which the caller aborts.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn run_events(&self) -> Result<Vec<JoinHandle<()>>, godwit_registry::Error> {
        let Some(desk) = self.events.desk() else {
            return Ok(Vec::new());
        };
        desk.source.know_newest(self.registry.newest_event().await?);
        let mut tasks = Vec::new();
        if let Some(received) = desk.journal.take() {
            tasks.push(tokio::spawn(journal::write(self.clone(), Arc::clone(desk), received)));
        }
        for webhook in self.registry.every_webhook().await? {
            self.open_lane(desk, webhook);
        }
        desk.know_interest(self.clock.now_ms());
        self.hub
            .hear_presence(watch::Watcher(Arc::clone(desk), Arc::clone(&self.clock)));
        self.hub.hear_acknowledgements(watch::Listener(Arc::clone(desk)));
        tasks.push(tokio::spawn(watch::flush(self.clone(), Arc::clone(desk))));
        tasks.push(tokio::spawn(tidy(self.clone(), Arc::clone(desk))));
        Ok(tasks)
    }

    /// Notes that something happened which is in no log; nothing where nobody listens. Returns when it is stored: what a
    /// caller is told after that has been, or will be, told to others. `key` makes a repeat the same event.
    pub async fn tell_event(&self, tenant: TenantNo, kind: EventKind, data: &impl serde::Serialize, key: Option<&str>) {
        let Some(desk) = self.events.desk().filter(|desk| desk.interest.in_kind(tenant, kind)) else {
            return;
        };
        let Ok(data) = serde_json::to_string(data) else { return };
        let event = event::stored(tenant, kind, (self.clock.now_ms(), key), data);
        if let Some(event) = event {
            desk.journal.note(event).await;
        }
    }
}

/// Ends every lane when it is dropped: lanes hold on to what they belong to.
struct CloseLanes(Arc<Desk>);

impl Drop for CloseLanes {
    fn drop(&mut self) {
        self.0.lanes().clear();
    }
}

/// Forgets what is over, for as long as the platform runs.
async fn tidy(dispatcher: Dispatcher, desk: Arc<Desk>) {
    let _lanes = CloseLanes(Arc::clone(&desk));
    let mut tidied = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(LOOK).await;
        desk.know_interest(dispatcher.clock.now_ms());
        if tidied.elapsed() < TIDY {
            continue;
        }
        tidied = tokio::time::Instant::now();
        let settings = &desk.settings;
        let trimmed = dispatcher
            .registry
            .trim_webhooks(settings.log_ms, settings.dead_ms)
            .await;
        let trimmed = match trimmed {
            Ok(_) => dispatcher.registry.trim_events(settings.kept_ms).await,
            Err(error) => Err(error),
        };
        if let Err(error) = trimmed {
            tracing::warn!(%error, "what is over of events could not be forgotten");
        }
    }
}
