//! Web Push: RFC 8030, with VAPID (RFC 8292) and aes128gcm (RFC 8291).

mod encrypt;
mod subscription;
mod vapid;

use std::sync::Arc;

use godwit_model::Clock;
use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};

use crate::address_guard::{NoPublicAddress, PublicOnly};
use crate::app_data::{carried, object};
use crate::door::{self, Answer, Door, Speaks, Unreached};
use crate::settings::{SettingsError, WebPush};
use crate::{BoxFuture, CheckError, Class, Kind, Limits, Notification, Outcome, Scope, Target, Vendor, VendorName};
use subscription::Subscription;
use vapid::Vapid;

/// Bytes before encryption; a service takes 4,096 after it.
const PAYLOAD_MAX: usize = 3_900;
const TITLE_BYTES_MAX: usize = 256;
/// Services keep a message for about four weeks.
const TTL_SECONDS_MAX: u64 = 28 * 24 * 3_600;
const CALL_SECONDS_MAX: u64 = 60;
/// The push services of the browsers. What others answer says nothing about the vendor as a whole: anybody may register
/// a subscription that leads to a server of his own.
const KNOWN_HOSTS: [&str; 4] = [
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    "*.notify.windows.com",
];

pub(crate) struct WebPushClient {
    door: Door,
    vapid: Vapid,
    /// Only these, when there are any.
    hosts: Vec<String>,
    private_addresses: bool,
    clock: Arc<dyn Clock>,
}

impl WebPushClient {
    pub(crate) fn new(set: &WebPush, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::WebPush, key, what);
        let mut builder = door::builder(&set.connection, Speaks::Either, None).map_err(wrong("connection"))?;
        if !set.private_addresses {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        let key = set
            .private_key
            .read()
            .map_err(|error| wrong("private_key")(error.to_string()))?;
        if !set.subject.starts_with("mailto:") && !set.subject.starts_with("https:") {
            return Err(wrong("subject")("must begin with mailto: or https:".to_owned()));
        }
        Ok(Self {
            door: Door::built(builder, Arc::clone(&clock)).map_err(wrong("connection"))?,
            vapid: Vapid::new(&key, &set.subject).map_err(wrong("private_key"))?,
            hosts: set.hosts.clone(),
            private_addresses: set.private_addresses,
            clock,
        })
    }

    async fn send(&self, to: &Target, notification: &Notification) -> Outcome {
        let subscription = match Subscription::read(&to.token, self.private_addresses) {
            Ok(subscription) => subscription,
            Err(why) => return Outcome::refused("subscription", why),
        };
        let known = self.is_known(&subscription);
        if !known && !self.hosts.is_empty() {
            return Outcome::refused("address", "the push service is not among those allowed");
        }
        let Some(mut text) = crate::cut::fit(&notification.body, PAYLOAD_MAX, |body| payload(notification, body))
        else {
            return Outcome::refused("413", "the data for the app alone is too large");
        };
        let mut shrunk = false;
        loop {
            let encrypted = match encrypt::encrypt(&text, &subscription) {
                Ok(encrypted) => encrypted,
                Err(why) => return Outcome::refused("subscription", why),
            };
            let asked = self.door.ask(self.post(&subscription, notification, encrypted)).await;
            match asked {
                Ok(answer) if answer.status == 413 && !shrunk => {
                    shrunk = true;
                    text = payload(notification, "");
                }
                Ok(answer) => return narrowed(outcome(&answer), known),
                Err(Unreached::Connect(why)) if why == NoPublicAddress.to_string() => {
                    return Outcome::refused("address", why);
                }
                Err(unreached) => return narrowed(unreached.outcome(), known),
            }
        }
    }

    fn is_known(&self, subscription: &Subscription) -> bool {
        let host = subscription.endpoint.host_str().unwrap_or_default();
        let matches = |pattern: &str| match pattern.strip_prefix('*') {
            Some(end) => host.ends_with(end),
            None => host == pattern,
        };
        if self.hosts.is_empty() {
            KNOWN_HOSTS.into_iter().any(matches)
        } else {
            self.hosts.iter().any(|pattern| matches(pattern))
        }
    }

    fn post(&self, subscription: &Subscription, notification: &Notification, body: Vec<u8>) -> RequestBuilder {
        let most = if notification.kind == Kind::Call {
            CALL_SECONDS_MAX
        } else {
            TTL_SECONDS_MAX
        };
        let now_ms = self.clock.now_ms();
        let post = self
            .door
            .client
            .post(subscription.endpoint.clone())
            .header("ttl", notification.seconds_left(now_ms, 0, most))
            .header("urgency", urgency(notification))
            .header(
                "authorization",
                self.vapid.authorization(&subscription.endpoint, now_ms),
            )
            .header("content-type", "application/octet-stream")
            .header("content-encoding", "aes128gcm");
        let post = if notification.collapse.is_empty() {
            post
        } else {
            post.header("topic", &notification.collapse)
        };
        post.body(body)
    }
}

/// What a server that anybody may have brought says is about its own subscriptions only.
fn narrowed(outcome: Outcome, known: bool) -> Outcome {
    match outcome {
        Outcome::Retry {
            after, code, detail, ..
        } if !known => Outcome::Retry {
            after,
            code,
            detail,
            scope: Scope::Token,
        },
        Outcome::Misconfigured { code, detail } if !known => Outcome::Refused { code, detail },
        other => other,
    }
}

fn urgency(notification: &Notification) -> &'static str {
    match (notification.kind, notification.class) {
        (Kind::Background | Kind::Withdraw, _) | (Kind::Alert, Class::System | Class::Marketing) => "low",
        (Kind::Alert, Class::Group) => "normal",
        (Kind::Call | Kind::Alert, _) => "high",
    }
}

/// What the app's service worker reads.
fn payload(notification: &Notification, body: &str) -> Vec<u8> {
    let kind = match notification.kind {
        Kind::Alert => "alert",
        Kind::Call => "call",
        Kind::Background => "background",
        Kind::Withdraw => "withdraw",
    };
    let mut whole = Map::new();
    whole.insert("kind".to_owned(), kind.into());
    whole.insert("tag".to_owned(), notification.collapse.as_str().into());
    if notification.is_shown() {
        whole.insert(
            "title".to_owned(),
            crate::cut::to_bytes(&notification.title, TITLE_BYTES_MAX).into(),
        );
        whole.insert("body".to_owned(), body.into());
    }
    for (name, value) in [
        ("icon", &notification.icon),
        ("image", &notification.image),
        ("sound", &notification.sound),
    ] {
        if let Some(value) = value {
            whole.insert(name.to_owned(), value.as_str().into());
        }
    }
    if let Some(unread) = notification.badge {
        whole.insert("unread".to_owned(), unread.into());
    }
    whole.insert("data".to_owned(), Value::Object(object(carried(notification))));
    serde_json::to_vec(&json!(whole)).expect("a map of texts and numbers is JSON")
}

fn outcome(answer: &Answer) -> Outcome {
    let location = answer.headers.get("location").and_then(|value| value.to_str().ok());
    match answer.status {
        200..=202 => Outcome::accepted(location.map(str::to_owned)),
        300..=399 => Outcome::refused("redirect", "a push service does not send us elsewhere"),
        code @ (404 | 410) => Outcome::token_invalid(code.to_string(), answer.text()),
        code @ (401 | 403) => Outcome::misconfigured(code.to_string(), answer.text()),
        _ => answer.by_status(),
    }
}

impl Vendor for WebPushClient {
    fn name(&self) -> VendorName {
        VendorName::WebPush
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 200,
            per_second: 2_000,
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

    /// There is nobody to ask: push services meet the key for the first time with a subscription.
    fn check(&self) -> BoxFuture<'_, Result<String, CheckError>> {
        let text = format!(
            "browsers subscribe with applicationServerKey {}",
            self.vapid.public_key()
        );
        Box::pin(std::future::ready(Ok(text)))
    }
}
