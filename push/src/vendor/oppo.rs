//! OPPO (HeyTap): a signed call gives a token, a push is a form with JSON in a field.

mod answer;
mod message;
mod token;

use std::sync::Arc;

use godwit_model::Clock;
use serde_json::Value;

use crate::door::{self, Answer, Door, Speaks};
use crate::settings::{Callback, Classes, Oppo, SettingsError};
use crate::token::{TokenSource, ask_with_token};
use crate::{BoxFuture, CheckError, Limits, Notification, Outcome, Target, Vendor, VendorName};

const ORIGIN: &str = "https://api.push.oppomobile.com";
const OVERSEAS_ORIGIN: &str = "https://api-intl.push.oppomobile.com";
const SEND: &str = "/server/v1/message/notification/unicast";
const SEND_MANY: &str = "/server/v1/message/notification/unicast_batch";
/// Messages of one request: sources say 1,000 and 100.
const BATCH_MAX: usize = 1_000;
const BATCH: usize = 100;
const TTL_SECONDS_MAX: u64 = 10 * 24 * 3_600;

pub(crate) struct OppoClient {
    door: Door,
    china: Host,
    overseas: Host,
    classes: Classes,
    body_max: usize,
    batch: usize,
    callback: Option<(Callback, String)>,
    clock: Arc<dyn Clock>,
}

/// One of OPPO's two platforms, each with its own tokens.
struct Host {
    origin: String,
    tokens: Arc<TokenSource>,
}

impl OppoClient {
    pub(crate) fn new(set: &Oppo, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::Oppo, key, what);
        let secret = set
            .master_secret
            .read()
            .map_err(|error| wrong("master_secret")(error.to_string()))?;
        let host = |origin: String| -> Result<Host, SettingsError> {
            let door = Door::new(&set.connection, Speaks::Either, Arc::clone(&clock)).map_err(wrong("connection"))?;
            let giver = token::OppoTokens {
                door,
                address: format!("{origin}{}", token::AUTH),
                app_key: set.app_key.clone(),
                master_secret: secret.clone(),
                clock: Arc::clone(&clock),
            };
            let tokens = TokenSource::new(giver, Arc::clone(&clock));
            Ok(Host { origin, tokens })
        };
        let china = door::origin(set.connection.base_url.as_ref(), ORIGIN).map_err(wrong("connection.base_url"))?;
        let overseas = door::origin(set.overseas_url.as_ref(), OVERSEAS_ORIGIN).map_err(wrong("overseas_url"))?;
        Ok(Self {
            door: Door::new(&set.connection, Speaks::Either, Arc::clone(&clock)).map_err(wrong("connection"))?,
            china: host(china)?,
            overseas: host(overseas)?,
            classes: set.class.clone(),
            body_max: set.body_max,
            batch: set.pace.batch.unwrap_or(BATCH).clamp(1, BATCH_MAX),
            callback: super::callback(set.callback.as_ref()).map_err(wrong("callback"))?,
            clock,
        })
    }

    async fn send(&self, to: &Target, notification: &Notification) -> Outcome {
        if !notification.is_shown() {
            return Outcome::Unsupported;
        }
        let Some(message) = self.message(to, notification) else {
            return Outcome::refused("too_large", "the data for the app is too large");
        };
        match self.ask(self.host(to), SEND, ("message", message.to_string())).await {
            Ok(answer) => answer::outcome(&answer),
            Err(outcome) => outcome,
        }
    }

    /// One request for each of the two platforms.
    async fn send_to(&self, to: &[Target], notification: &Notification) -> Vec<Outcome> {
        if let [only] = to {
            return vec![self.send(only, notification).await];
        }
        let mut outcomes = vec![Outcome::Unsupported; to.len()];
        for host in [&self.china, &self.overseas] {
            let (places, there): (Vec<usize>, Vec<&Target>) = to
                .iter()
                .enumerate()
                .filter(|(_, target)| std::ptr::eq(self.host(target), host))
                .unzip();
            let said = self.send_many(host, &there, notification).await;
            for (place, outcome) in places.into_iter().zip(said) {
                if let Some(slot) = outcomes.get_mut(place) {
                    *slot = outcome;
                }
            }
        }
        outcomes
    }

    async fn send_many(&self, host: &Host, to: &[&Target], notification: &Notification) -> Vec<Outcome> {
        if to.is_empty() || !notification.is_shown() {
            return vec![Outcome::Unsupported; to.len()];
        }
        let messages: Option<Vec<Value>> = to.iter().map(|target| self.message(target, notification)).collect();
        let Some(messages) = messages else {
            return vec![Outcome::refused("too_large", "the data for the app is too large"); to.len()];
        };
        let messages = Value::Array(messages).to_string();
        let ids: Vec<&str> = to.iter().map(|target| target.token.as_str()).collect();
        match self.ask(host, SEND_MANY, ("messages", messages)).await {
            Ok(answer) if answer::code(&answer) == Some(answer::TOKEN_INVALID) => {
                super::each_alone(to, |target| self.send(target, notification)).await
            }
            Ok(answer) => answer::outcomes(&answer, &ids),
            Err(outcome) => vec![outcome; to.len()],
        }
    }

    async fn ask(&self, host: &Host, path: &str, field: (&str, String)) -> Result<Answer, Outcome> {
        let address = format!("{}{path}", host.origin);
        let build = |token: &str| {
            let post = self.door.client.post(&address).header("auth_token", token);
            post.form(&[&field])
        };
        let is_stale = |answer: &Answer| answer::code(answer) == Some(answer::TOKEN_STALE);
        ask_with_token(&self.door, &host.tokens, build, is_stale).await
    }

    fn host(&self, to: &Target) -> &Host {
        if is_overseas(&to.token) {
            &self.overseas
        } else {
            &self.china
        }
    }

    async fn ask_for_token(&self) -> Result<String, CheckError> {
        self.china.tokens.get().await?;
        Ok("OPPO gives a token for the key".to_owned())
    }
}

/// A registration id says where it is from: `ID`, `REGION_ID` or `OPPO_REGION_ID`.
fn is_overseas(id: &str) -> bool {
    let parts: Vec<&str> = id.split('_').collect();
    match parts.as_slice() {
        [region, _] | [_, region, _] => *region != "CN",
        _ => false,
    }
}

impl Vendor for OppoClient {
    fn name(&self) -> VendorName {
        VendorName::Oppo
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 100,
            per_second: 5_000,
            ttl_seconds_max: TTL_SECONDS_MAX,
            payload_bytes_max: 4_096,
            batch: self.batch,
            batch_least: 2,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_id_says_its_region() {
        assert!(!is_overseas("abc123"));
        assert!(!is_overseas("CN_abc123"));
        assert!(!is_overseas("OPPO_CN_abc123"));
        assert!(is_overseas("IN_abc123"));
        assert!(is_overseas("OPPO_IN_abc123"));
    }
}
