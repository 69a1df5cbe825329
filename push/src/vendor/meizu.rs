//! Meizu: a signed form with JSON in a field (reference: MEIZUPUSH/PushAPI).

mod answer;
mod form;

use std::sync::Arc;

use godwit_model::Clock;

use crate::door::{self, Door, Speaks};
use crate::settings::{Callback, Classes, Meizu, SettingsError};
use crate::{BoxFuture, CheckError, Limits, Notification, Outcome, Target, Vendor, VendorName};

const ORIGIN: &str = "https://server-api-push.meizu.com";
const SEND: &str = "/garcia/api/server/push/varnished/pushByPushId";
const BATCH: usize = 100;
const TTL_HOURS_MAX: u64 = 72;
/// An id that no device has.
const NO_DEVICE: &str = "0";

pub(crate) struct MeizuClient {
    door: Door,
    address: String,
    app_id: String,
    app_secret: String,
    classes: Classes,
    callback: Option<(Callback, String)>,
    clock: Arc<dyn Clock>,
}

impl MeizuClient {
    pub(crate) fn new(set: &Meizu, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::Meizu, key, what);
        let origin = door::origin(set.connection.base_url.as_ref(), ORIGIN).map_err(wrong("connection.base_url"))?;
        Ok(Self {
            door: Door::new(&set.connection, Speaks::Either, Arc::clone(&clock)).map_err(wrong("connection"))?,
            address: format!("{origin}{SEND}"),
            app_id: set.app_id.clone(),
            app_secret: set
                .app_secret
                .read()
                .map_err(|error| wrong("app_secret")(error.to_string()))?,
            classes: set.class.clone(),
            callback: super::callback(set.callback.as_ref()).map_err(wrong("callback"))?,
            clock,
        })
    }

    async fn send(&self, ids: &[&str], notification: &Notification) -> Vec<Outcome> {
        if !notification.is_shown() {
            return vec![Outcome::Unsupported; ids.len()];
        }
        if ids.iter().any(|id| id.contains(',') || id.is_empty()) {
            return vec![Outcome::refused("token_form", "a push id has no comma"); ids.len()];
        }
        let form = self.form(ids, notification);
        match self.door.ask(self.door.client.post(&self.address).form(&form)).await {
            Ok(answer) => answer::outcomes(&answer, ids, self.clock.now_ms()),
            Err(unreached) => vec![unreached.outcome(); ids.len()],
        }
    }

    async fn send_to(&self, to: &[Target], notification: &Notification) -> Vec<Outcome> {
        let ids: Vec<&str> = to.iter().map(|target| target.token.as_str()).collect();
        if ids.is_empty() {
            Vec::new()
        } else {
            self.send(&ids, notification).await
        }
    }

    async fn ask_without_device(&self) -> Result<String, CheckError> {
        let notification = super::probe(self.clock.now_ms());
        match super::only(self.send(&[NO_DEVICE], &notification).await) {
            Outcome::Accepted { .. } | Outcome::TokenInvalid { .. } => Ok("Meizu takes the signature".to_owned()),
            Outcome::Misconfigured { code, detail } => Err(CheckError::Credentials { code, detail }),
            other => Err(super::unexpected(&other)),
        }
    }
}

impl Vendor for MeizuClient {
    fn name(&self) -> VendorName {
        VendorName::Meizu
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 50,
            per_second: 200,
            ttl_seconds_max: TTL_HOURS_MAX * 3_600,
            payload_bytes_max: 4_096,
            batch: BATCH,
            batch_least: 2,
            badge: false,
            silent: false,
            day_quota: true,
        }
    }

    fn deliver<'a>(&'a self, to: &'a Target, notification: &'a Notification) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { super::only(self.send_to(std::slice::from_ref(to), notification).await) })
    }

    fn deliver_many<'a>(&'a self, to: &'a [Target], notification: &'a Notification) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(self.send_to(to, notification))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, CheckError>> {
        Box::pin(self.ask_without_device())
    }
}
