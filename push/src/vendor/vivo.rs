//! vivo: a signed call gives a token, a push is JSON.

mod answer;
mod message;
mod token;

use std::sync::Arc;

use godwit_model::Clock;
use serde_json::{Value, json};

use crate::door::{self, Answer, Door, Speaks};
use crate::settings::{Callback, Classes, SettingsError, Vivo};
use crate::token::{TokenSource, ask_with_token};
use crate::{BoxFuture, CheckError, Limits, Notification, Outcome, Scope, Target, Vendor, VendorName};

const ORIGIN: &str = "https://api-push.vivo.com.cn";
const SEND: &str = "/message/send";
const SAVE: &str = "/message/saveListPayload";
const SEND_LIST: &str = "/message/pushToList";
/// Devices of a list.
const BATCH: usize = 1_000;
/// A list is two requests.
const LIST_LEAST: usize = 10;
const TTL_SECONDS_LEAST: u64 = 60;
const TTL_SECONDS_MAX: u64 = 24 * 3_600;

pub(crate) struct VivoClient {
    door: Door,
    tokens: Arc<TokenSource>,
    origin: String,
    app_id: u64,
    classes: Classes,
    callback: Option<(Callback, String)>,
    clock: Arc<dyn Clock>,
}

impl VivoClient {
    pub(crate) fn new(set: &Vivo, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::Vivo, key, what);
        let connection = &set.connection;
        let door = |clock| Door::new(connection, Speaks::Either, clock).map_err(wrong("connection"));
        let origin = door::origin(connection.base_url.as_ref(), ORIGIN).map_err(wrong("connection.base_url"))?;
        let giver = token::VivoTokens {
            door: door(Arc::clone(&clock))?,
            address: format!("{origin}{}", token::AUTH),
            app_id: set.app_id,
            app_key: set.app_key.clone(),
            app_secret: set
                .app_secret
                .read()
                .map_err(|error| wrong("app_secret")(error.to_string()))?,
            clock: Arc::clone(&clock),
        };
        Ok(Self {
            door: door(Arc::clone(&clock))?,
            tokens: TokenSource::new(giver, Arc::clone(&clock)),
            origin,
            app_id: set.app_id,
            classes: set.class.clone(),
            callback: super::callback(set.callback.as_ref()).map_err(wrong("callback"))?,
            clock,
        })
    }

    async fn send(&self, to: &Target, notification: &Notification) -> Outcome {
        if !notification.is_shown() {
            return Outcome::Unsupported;
        }
        let Some(message) = self.message(Some(to), notification) else {
            return Outcome::refused("too_large", "the data for the app is too large");
        };
        match self.ask(SEND, &message).await {
            Ok(answer) => answer::outcome(&answer, self.clock.now_ms()),
            Err(outcome) => outcome,
        }
    }

    async fn send_to(&self, to: &[Target], notification: &Notification) -> Vec<Outcome> {
        match to {
            [] => Vec::new(),
            [only] => vec![self.send(only, notification).await],
            _ => match self.send_list(to, notification).await {
                Ok(outcomes) => outcomes,
                Err(outcome) => vec![outcome; to.len()],
            },
        }
    }

    /// The payload first, then to whom it goes.
    async fn send_list(&self, to: &[Target], notification: &Notification) -> Result<Vec<Outcome>, Outcome> {
        if !notification.is_shown() {
            return Err(Outcome::Unsupported);
        }
        let Some(message) = self.message(None, notification) else {
            return Err(Outcome::refused("too_large", "the data for the app is too large"));
        };
        let now_ms = self.clock.now_ms();
        let saved = self.ask(SAVE, &message).await?;
        let task = match answer::outcome(&saved, now_ms) {
            Outcome::Accepted { vendor_id: Some(task) } => task,
            Outcome::Accepted { .. } => return Err(Outcome::retry(Scope::Vendor, "unreadable", saved.text())),
            other => return Err(other),
        };
        let ids: Vec<&str> = to.iter().map(|target| target.token.as_str()).collect();
        let list = json!({"regIds": ids, "taskId": task, "requestId": notification.id.simple()});
        let answer = self.ask(SEND_LIST, &list).await?;
        let outcomes = answer::outcomes(&answer, &ids, now_ms);
        if outcomes.iter().all(answer::is_about_nobody) {
            return Ok(super::each_alone(to, |target| self.send(target, notification)).await);
        }
        Ok(outcomes)
    }

    async fn ask(&self, path: &str, body: &Value) -> Result<Answer, Outcome> {
        let (address, body) = (format!("{}{path}", self.origin), body.to_string());
        let build = |token: &str| {
            let post = self.door.client.post(&address).header("authToken", token);
            post.header("content-type", "application/json").body(body.clone())
        };
        let is_stale = |answer: &Answer| answer::result(answer) == Some(answer::TOKEN_STALE);
        ask_with_token(&self.door, &self.tokens, build, is_stale).await
    }

    async fn ask_for_token(&self) -> Result<String, CheckError> {
        self.tokens.get().await?;
        Ok("vivo gives a token for the key".to_owned())
    }
}

impl Vendor for VivoClient {
    fn name(&self) -> VendorName {
        VendorName::Vivo
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 100,
            per_second: 3_000,
            ttl_seconds_max: TTL_SECONDS_MAX,
            payload_bytes_max: 4_096,
            batch: BATCH,
            batch_least: LIST_LEAST,
            badge: false,
            silent: false,
            day_quota: true,
        }
    }

    fn deliver<'a>(&'a self, to: &'a Target, notification: &'a Notification) -> BoxFuture<'a, Outcome> {
        Box::pin(self.send(to, notification))
    }

    fn deliver_many<'a>(&'a self, to: &'a [Target], notification: &'a Notification) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(self.send_to(to, notification))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, CheckError>> {
        Box::pin(self.ask_for_token())
    }
}
