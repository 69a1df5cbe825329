//! Brings a message to its recipients: accept, expand, append, and the readings that go with it.
//!
//! Read [`Dispatcher`] and [`accept`] first. Knows no socket, packet or route: every door calls the same methods,
//! so that a check made here holds for all of them.
#![deny(missing_docs)]

pub mod accept;
mod append;
mod author;
mod broadcast;
mod call;
mod devices;
mod events;
mod expand;
mod failure;
mod groups;
pub mod history;
mod hooks;
mod message_facts;
mod message_id;
pub mod push;
pub mod reading;
pub mod render;
mod requests;
mod resolver;
mod schedule;
mod sender;
mod tenants;
mod to_the_end;
mod users;
mod wishes;
mod withdraw;
mod zones;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use godwit_archive::Archive;
use godwit_hub::Hub;
use godwit_model::{Clock, Draft, Refused};
use godwit_registry::Registry;

use resolver::Turns;

pub use accept::Accepted;
pub use append::{Appending, Submitted};
pub use broadcast::{BroadcastAsked, BroadcastReport, BroadcastWish};
pub use devices::NewRegistration;
pub use events::{
    Attempted, EventCursor, EventKind, EventSettings, Events, NewWebhookWish, Pulled, PulledEvent, UnknownEventKind,
    WebhookWish,
};
pub use expand::{AcceptedTarget, RefusedTarget};
pub use godwit_archive::GoneReason;
pub use groups::{GroupActor, GroupWish, Joined};
pub use hooks::{BEFORE_SEND, HookSettings, HookWish, Hooks, RESOLVER};
pub use message_id::new_message_id;
pub use push::{Channels, Due, Push, PushSettings};
pub use requests::Reply;
pub use schedule::{KeptBack, ScheduleWish};
pub use sender::Sender;
pub use wishes::{Quiet, Wishes};
pub use withdraw::{RECALL_WINDOW_MS, Withdrawn};

/// The handle every door holds. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    registry: Registry,
    archive: Archive,
    hub: Hub,
    clock: Arc<dyn Clock>,
    /// Whether a task is trying again to tell of changes of groups.
    retrying: Arc<AtomicBool>,
    recall_window_ms: u64,
    /// Messages that are durable and are no repeats; looked up once.
    accepted: metrics::Counter,
    push: Push,
    events: Events,
    hooks: Hooks,
    resolving: Arc<Turns>,
    /// When the next message that is kept back is due, as far as is known.
    next_due_ms: Arc<AtomicU64>,
    broadcasts: Arc<broadcast::BroadcastDesk>,
    unsent: Arc<schedule::Unsent>,
}

impl Dispatcher {
    /// Joins the rooms a message passes. Counters go to the metrics recorder that is installed by now.
    pub fn new(registry: Registry, archive: Archive, hub: Hub, clock: Arc<dyn Clock>) -> Self {
        Self {
            registry,
            archive,
            hub,
            clock,
            retrying: Arc::default(),
            recall_window_ms: RECALL_WINDOW_MS,
            accepted: accepted("no"),
            push: Push::default(),
            events: Events::default(),
            hooks: Hooks::default(),
            resolving: Arc::default(),
            next_due_ms: Arc::new(AtomicU64::new(0)),
            broadcasts: Arc::default(),
            unsent: Arc::default(),
        }
    }

    /// Gives senders another time to take a message back.
    #[must_use]
    pub fn with_recall_window_ms(mut self, recall_window_ms: u64) -> Self {
        self.recall_window_ms = recall_window_ms;
        self
    }

    /// Wakes phones by their vendors.
    #[must_use]
    pub fn with_push(mut self, push: Push) -> Self {
        self.push = push;
        self
    }

    /// Tells others what happens.
    #[must_use]
    pub fn with_events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Asks services of tenants before messages are taken.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Hooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// Takes a draft the whole way: accepted, stored, numbered. Resolves when that is durable.
    ///
    /// # Errors
    /// Every expected no. [`godwit_model::refusal::Remedy::Later`] ones left nothing behind.
    pub async fn submit(&self, sender: &Sender, draft: Draft) -> Result<Submitted, Refused> {
        let accepted = self.accept(sender, draft).await?;
        self.append(accepted)?.await
    }

    /// Returns when the archive has room for another message.
    pub async fn room(&self) {
        self.archive.room().await;
    }

    /// The time now, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}

/// Counts messages that are durable, by whether they had been submitted before.
fn accepted(duplicate: &'static str) -> metrics::Counter {
    metrics::counter!("messages_accepted_total", "duplicate" => duplicate)
}
