//! FCM by its HTTP v1 API (reference: Google, "Firebase Cloud Messaging HTTP v1 API").

mod answer;
mod message;
mod token;

use std::sync::Arc;
use std::time::Duration;

use godwit_model::Clock;

use crate::door::{self, Answer, Door, Speaks};
use crate::settings::{Classes, Fcm, ServiceAccount, SettingsError};
use crate::token::{TokenSource, ask_with_token};
use crate::{BoxFuture, CheckError, Limits, Notification, Outcome, Target, Vendor, VendorName};

const ORIGIN: &str = "https://fcm.googleapis.com";
const PAYLOAD_MAX: usize = 4_096;
/// Google keeps a message for four weeks.
const TTL_SECONDS_MAX: u64 = 28 * 24 * 3_600;
/// Half of the 600,000 a minute that a project has by default; the rest is for its other senders.
const PER_SECOND: u32 = 5_000;

pub(crate) struct FcmClient {
    door: Door,
    tokens: Arc<TokenSource>,
    address: String,
    package: Option<String>,
    classes: Classes,
    retry_after: Duration,
    clock: Arc<dyn Clock>,
}

impl FcmClient {
    pub(crate) fn new(set: &Fcm, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::Fcm, key, what);
        let connection = &set.connection;
        let text = set
            .service_account
            .read()
            .map_err(|error| wrong("service_account")(error.to_string()))?;
        let account: ServiceAccount = serde_json::from_str(&text)
            .map_err(|error| wrong("service_account")(format!("not a key file of Google: {error}")))?;
        let origin = door::origin(connection.base_url.as_ref(), ORIGIN).map_err(wrong("connection.base_url"))?;
        let project = set.project.as_ref().unwrap_or(&account.project_id);
        let address = format!("{origin}/v1/projects/{project}/messages:send");
        let door = |clock| Door::new(connection, Speaks::Either, clock).map_err(wrong("connection"));
        let giver = token::GoogleTokens::new(
            door(Arc::clone(&clock))?,
            &account,
            connection.token_url.as_ref(),
            Arc::clone(&clock),
        );
        Ok(Self {
            door: door(Arc::clone(&clock))?,
            tokens: TokenSource::new(giver.map_err(wrong("service_account"))?, Arc::clone(&clock)),
            address,
            package: set.package.clone(),
            classes: set.class.clone(),
            retry_after: Duration::from_secs(set.retry_seconds),
            clock,
        })
    }

    async fn send(&self, to: &Target, notification: &Notification) -> Outcome {
        let seconds = notification.seconds_left(self.clock.now_ms(), 0, TTL_SECONDS_MAX);
        let message = message::Message {
            token: &to.token,
            package: to.package.as_ref().or(self.package.as_ref()),
            words: crate::settings::words(&self.classes, notification.class),
            seconds,
        };
        let build = |body: &str| message.json(notification, body, false);
        let Some(body) = crate::cut::fit(&notification.body, PAYLOAD_MAX, build) else {
            return Outcome::refused("too_large", "the data for the app alone is too large");
        };
        match self.ask(body).await {
            Ok(answer) => answer::outcome(&answer, self.retry_after),
            Err(outcome) => outcome,
        }
    }

    async fn ask(&self, body: Vec<u8>) -> Result<Answer, Outcome> {
        let build = |token: &str| {
            let post = self.door.client.post(&self.address).bearer_auth(token);
            post.header("content-type", "application/json").body(body.clone())
        };
        ask_with_token(&self.door, &self.tokens, build, answer::is_about_our_token).await
    }

    async fn ask_without_device(&self) -> Result<String, CheckError> {
        self.tokens.get().await?;
        let answer = self.ask(message::dry_run()).await;
        let outcome = answer.map(|answer| answer::outcome(&answer, self.retry_after));
        match outcome {
            Ok(Outcome::TokenInvalid { .. } | Outcome::Accepted { .. }) => {
                Ok("Google takes the service account, and the project may send".to_owned())
            }
            Ok(Outcome::Misconfigured { code, detail }) => Err(CheckError::Credentials { code, detail }),
            Ok(other) | Err(other) => Err(super::unexpected(&other)),
        }
    }
}

impl Vendor for FcmClient {
    fn name(&self) -> VendorName {
        VendorName::Fcm
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 200,
            per_second: PER_SECOND,
            ttl_seconds_max: TTL_SECONDS_MAX,
            payload_bytes_max: PAYLOAD_MAX,
            batch: 1,
            batch_least: 1,
            badge: true,
            silent: true,
            day_quota: false,
        }
    }

    fn deliver<'a>(&'a self, to: &'a Target, notification: &'a Notification) -> BoxFuture<'a, Outcome> {
        Box::pin(self.send(to, notification))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, CheckError>> {
        Box::pin(self.ask_without_device())
    }
}
