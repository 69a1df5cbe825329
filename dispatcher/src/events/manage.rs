//! An app manages the webhooks of its tenant. It has nobody told what it may not read itself.

use std::sync::Arc;

use godwit_model::{Refusal, Refused};
use godwit_push::call::check_address;
use godwit_registry::{App, Delivery, DeliveryState, Error, Expected, Scope, Tried, Webhook, WebhookSays};

use super::kind::Kinds;
use super::lane::WebhookNow;
use super::{Attempted, Desk, EventKind};
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;
use crate::{Dispatcher, new_message_id};

/// Longest address, in bytes.
const URL_BYTES_MAX: usize = 2_048;

/// What a webhook is to be.
#[derive(Clone, Debug, Default)]
pub struct WebhookWish {
    /// Where events go; `None`: where they went.
    pub url: Option<String>,
    /// Which kinds; `None`: those of before, or all that the app may hear.
    pub kinds: Option<Vec<EventKind>>,
    /// A text for people.
    pub description: Option<String>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

/// A webhook to be made.
pub type NewWebhookWish = WebhookWish;

impl Dispatcher {
    pub(super) fn events_desk(&self) -> Result<&Arc<Desk>, Refused> {
        let desk = self.events.desk();
        desk.ok_or_else(|| Refused::new(Refusal::Unsupported, "this platform tells nobody of events"))
    }

    /// Makes a webhook, which is told of everything from now on.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] for an address that must not be called, [`Refusal::Forbidden`] for kinds that the app may
    /// not hear, or where the tenant has as many as there may be.
    pub async fn create_webhook(&self, app: &App, wish: NewWebhookWish) -> Result<Webhook, Refused> {
        let desk = self.events_desk()?;
        let says = judged(
            desk,
            app,
            WebhookSays {
                enabled: true,
                ..WebhookSays::default()
            },
            wish,
        )?;
        let id = format!("whk_{}", new_message_id(self.clock.now_ms())?);
        let place = self.place_now(&desk.source);
        let (dispatcher, desk, tenant) = (self.clone(), Arc::clone(desk), app.tenant);
        to_the_end(async move {
            let cursors = (place.log, place.noted);
            let most = desk.settings.webhooks_max;
            let made = dispatcher
                .registry
                .create_webhook(tenant, (&id, &says), cursors, most)
                .await;
            let made = made.map_err(of_registry)?;
            dispatcher.open_lane(&desk, made.clone());
            desk.know_interest(dispatcher.clock.now_ms());
            Ok(made)
        })
        .await
    }

    /// Webhooks of the app's tenant in the order of their ids, those after `after`.
    pub async fn webhooks(&self, app: &App, after: &str, limit: u64) -> Result<Vec<Webhook>, Refused> {
        self.events_desk()?;
        self.registry
            .webhooks(app.tenant, after, limit)
            .await
            .map_err(of_registry)
    }

    /// A webhook of the app's tenant.
    pub async fn webhook(&self, app: &App, id: &str) -> Result<Webhook, Refused> {
        self.events_desk()?;
        self.registry.webhook(app.tenant, id).await.map_err(of_registry)
    }

    /// Changes a webhook; `None` when it is not as expected. One that was told nothing goes on where it was.
    pub async fn change_webhook(
        &self,
        app: &App,
        id: &str,
        wish: WebhookWish,
        expected: Expected,
    ) -> Result<Option<Webhook>, Refused> {
        let desk = self.events_desk()?;
        let found = self.webhook(app, id).await?;
        let says = judged(desk, app, found.says, wish)?;
        let (dispatcher, desk, tenant, id) = (self.clone(), Arc::clone(desk), app.tenant, id.to_owned());
        to_the_end(async move {
            let changed = dispatcher.registry.change_webhook((tenant, &id), &says, expected).await;
            let Some(changed) = as_expected(changed)? else {
                return Ok(None);
            };
            dispatcher
                .registry
                .hurry_webhook(changed.no)
                .await
                .map_err(of_registry)?;
            desk.is_now(&changed);
            desk.know_interest(dispatcher.clock.now_ms());
            Ok(Some(changed))
        })
        .await
    }

    /// Gives a webhook another secret; the former one signs as well for so many seconds.
    pub async fn rotate_webhook_secret(&self, app: &App, id: &str, overlap_s: u64) -> Result<Webhook, Refused> {
        let (dispatcher, desk, tenant) = (self.clone(), Arc::clone(self.events_desk()?), app.tenant);
        let id = id.to_owned();
        to_the_end(async move {
            let changed = dispatcher
                .registry
                .rotate_webhook_secret((tenant, &id), overlap_s)
                .await;
            let changed = changed.map_err(of_registry)?;
            desk.is_now(&changed);
            Ok(changed)
        })
        .await
    }

    /// Removes a webhook with all that waits for it; `None` when it is not as expected.
    pub async fn remove_webhook(&self, app: &App, id: &str, expected: Expected) -> Result<Option<()>, Refused> {
        let (dispatcher, desk, tenant) = (self.clone(), Arc::clone(self.events_desk()?), app.tenant);
        let id = id.to_owned();
        to_the_end(async move {
            let removed = dispatcher.registry.remove_webhook(tenant, &id, expected).await;
            let Some(no) = as_expected(removed)? else {
                return Ok(None);
            };
            desk.lanes().remove(&no);
            desk.know_interest(dispatcher.clock.now_ms());
            Ok(Some(()))
        })
        .await
    }

    /// Calls a webhook now, with an event that says nothing.
    pub async fn test_webhook(&self, app: &App, id: &str) -> Result<Attempted, Refused> {
        let desk = self.events_desk()?;
        let webhook = self.webhook(app, id).await?;
        let event_id = format!("evt_{}", new_message_id(self.clock.now_ms())?);
        Ok(self.attempt_test(desk, &webhook, &event_id).await)
    }

    /// What was tried with a webhook, newest first, below a number.
    pub async fn webhook_attempts(
        &self,
        app: &App,
        id: &str,
        (before, limit): (Option<u64>, u64),
    ) -> Result<Vec<Tried>, Refused> {
        let webhook = self.webhook(app, id).await?;
        self.registry
            .webhook_attempts(webhook.no, before, limit)
            .await
            .map_err(of_registry)
    }

    /// Events that a webhook did not take, the oldest first, those after a number.
    pub async fn webhook_deliveries(
        &self,
        app: &App,
        id: &str,
        state: DeliveryState,
        (after, limit): (u64, u64),
    ) -> Result<Vec<Delivery>, Refused> {
        let webhook = self.webhook(app, id).await?;
        let found = self.registry.webhook_deliveries(webhook.no, state, after, limit).await;
        found.map_err(of_registry)
    }

    /// Has dead events told again: those named, or else all. Says how many.
    pub async fn replay_webhook(&self, app: &App, id: &str, which: Option<&[u64]>) -> Result<u64, Refused> {
        let desk = self.events_desk()?;
        let webhook = self.webhook(app, id).await?;
        let revived = self
            .registry
            .revive_deliveries(webhook.no, which)
            .await
            .map_err(of_registry)?;
        if let Some(lane) = desk.lanes().get(&webhook.no) {
            lane.kick.notify_one();
        }
        Ok(revived)
    }
}

impl Desk {
    /// A webhook is another now.
    fn is_now(&self, webhook: &Webhook) {
        if let Some(lane) = self.lanes().get(&webhook.no) {
            lane.webhook.send_replace(WebhookNow(Arc::new(webhook.clone())));
        }
    }
}

fn as_expected<T>(changed: Result<T, Error>) -> Result<Option<T>, Refused> {
    match changed {
        Ok(changed) => Ok(Some(changed)),
        Err(Error::Differs) => Ok(None),
        Err(error) => Err(of_registry(error)),
    }
}

/// What a webhook is to be, if it may.
fn judged(desk: &Desk, app: &App, before: WebhookSays, wish: WebhookWish) -> Result<WebhookSays, Refused> {
    let url = wish.url.unwrap_or(before.url);
    if url.len() > URL_BYTES_MAX {
        let detail = format!("`url` has at most {URL_BYTES_MAX} bytes");
        return Err(Refused::new(Refusal::InvalidField, detail));
    }
    check_address(&url, desk.settings.private_addresses)
        .map_err(|why| Refused::new(Refusal::InvalidField, format!("`url` {why}")))?;
    let heard = Kinds::heard_with(app.scopes);
    let kinds = match wish.kinds {
        Some(kinds) => Kinds::of(kinds),
        None if before.kinds.is_empty() => heard,
        None => Kinds::read(&before.kinds),
    };
    let missing = EventKind::ALL
        .into_iter()
        .find(|kind| kinds.contains(*kind) && !heard.contains(*kind));
    if let Some(missing) = missing {
        let detail = format!("`types`: {missing} needs the scope `{}`", missing.scope());
        return Err(Refused::new(Refusal::Forbidden, detail));
    }
    if kinds.0 == 0 {
        let detail = "`types` must name at least one kind of event that the app may hear";
        return Err(Refused::new(Refusal::InvalidField, detail));
    }
    debug_assert!(app.scopes.contains(Scope::Webhooks), "the door has looked");
    Ok(WebhookSays {
        url,
        kinds: kinds.text(),
        description: wish.description.unwrap_or(before.description),
        enabled: wish.enabled.unwrap_or(before.enabled),
    })
}
