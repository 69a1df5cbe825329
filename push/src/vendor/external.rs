//! An external push service: a signed HTTP request with the finished notification, answered with an outcome.
//!
//! It is a vendor like the others, beside them or in the place of some: `docs/push-service.md` is its contract.

mod answer;
mod signature;

pub(crate) use signature::Signer;

use std::sync::Arc;
use std::time::Duration;

use godwit_model::Clock;
use serde_json::{Map, Value, json};

use crate::app_data::{PUSH_ID, carried};
use crate::door::{Answer, Door, Speaks};
use crate::settings::{External, SettingsError};
use crate::vendor::kind_word;
use crate::{BoxFuture, CheckError, Limits, Notification, Outcome, PushId, Tap, Target, Vendor, VendorName};

/// Bytes of a title and of a body; the service cuts further for its vendors.
const TITLE_BYTES_MAX: usize = 1_000;
const BODY_BYTES_MAX: usize = 4_000;
const TTL_SECONDS_MAX: u64 = 28 * 24 * 3_600;

/// A push service that somebody else runs.
pub struct ExternalService {
    door: Door,
    url: String,
    signer: Signer,
    clock: Arc<dyn Clock>,
    /// Whether it wants to hear of devices.
    pub(crate) hears_calls: bool,
}

/// Why a call was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotHeard {
    /// Not now; it may be tried again, not before this has passed where a time is named.
    Later(Option<Duration>),
    /// The service refuses it for good.
    Never(String),
}

impl ExternalService {
    pub(crate) fn new(set: &External, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::External, key, what);
        let url = url::Url::parse(&set.url).map_err(|error| wrong("url")(error.to_string()))?;
        if url.scheme() != "https" {
            return Err(wrong("url")(format!("{:?} must begin with https://", set.url)));
        }
        let secret = set.secret.read().map_err(|error| wrong("secret")(error.to_string()))?;
        Ok(Self {
            door: Door::new(&set.connection, Speaks::Either, Arc::clone(&clock)).map_err(wrong("connection"))?,
            url: set.url.clone(),
            signer: Signer::new(&secret).map_err(wrong("secret"))?,
            clock,
            hears_calls: set.calls,
        })
    }

    /// Tells the service of a device or user; `id` is the same for every repeat.
    pub async fn call(&self, id: &str, body: &Value) -> Result<(), NotHeard> {
        let answer = self.post(id, body).await.map_err(|_| NotHeard::Later(None))?;
        match answer.status {
            200..300 => Ok(()),
            429 | 500.. => Err(NotHeard::Later(answer.retry_after)),
            status => Err(NotHeard::Never(status.to_string())),
        }
    }

    async fn post(&self, id: &str, body: &Value) -> Result<Answer, crate::door::Unreached> {
        let body = body.to_string();
        let signed = self.signer.sign(id, self.clock.now_ms() / 1_000, &body);
        let request = self
            .door
            .client
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", signed.timestamp)
            .header("webhook-signature", signed.signature)
            .body(body);
        self.door.ask(request).await
    }
}

/// The service as the vendor `name`.
pub(crate) struct ExternalClient {
    pub(crate) service: Arc<ExternalService>,
    pub(crate) name: VendorName,
}

impl ExternalClient {
    async fn send(&self, to: &Target, notification: &Notification) -> Outcome {
        let body = push(self.name, to, notification);
        match self.service.post(&notification.id.hyphenated(), &body).await {
            Ok(answer) => answer::outcome(&answer),
            Err(unreached) => unreached.outcome(),
        }
    }

    async fn ask(&self) -> Result<String, CheckError> {
        let body = json!({"type": "check"});
        let id = PushId([0; 16]).hyphenated();
        let answer = self.service.post(&id, &body).await?;
        match answer.status {
            200..300 => Ok("the service takes the signature".to_owned()),
            401 | 403 => Err(CheckError::Credentials {
                code: answer.status.to_string(),
                detail: crate::outcome::detail(answer.text()),
            }),
            _ => Err(CheckError::Unexpected {
                code: answer.status.to_string(),
                detail: crate::outcome::detail(answer.text()),
            }),
        }
    }
}

/// The push as JSON.
fn push(vendor: VendorName, to: &Target, notification: &Notification) -> Value {
    let mut body = json!({
        "type": "push",
        "id": notification.id.hyphenated(),
        "kind": kind_word(notification.kind),
        "class": notification.class.as_str(),
        "device": device(vendor, to),
        "title": crate::cut::to_bytes(&notification.title, TITLE_BYTES_MAX),
        "body": crate::cut::to_bytes(&notification.body, BODY_BYTES_MAX),
        "collapse": notification.collapse,
        "tap": tap(&notification.tap),
        "data": data(notification),
        "expiresAt": notification.expires_at_ms,
    });
    let mut put = |name: &str, value: Value| body[name] = value;
    if let Some(badge) = notification.badge {
        put("badge", badge.into());
    }
    let texts = [
        ("sound", &notification.sound),
        ("icon", &notification.icon),
        ("image", &notification.image),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            put(name, text.as_str().into());
        }
    }
    body
}

fn device(vendor: VendorName, to: &Target) -> Value {
    let mut device = Map::new();
    let mut put = |name: &str, value: Value| device.insert(name.to_owned(), value);
    put("vendor", vendor.as_str().into());
    put("token", to.token.as_str().into());
    let texts = [
        ("voipToken", &to.voip_token),
        ("package", &to.package),
        ("region", &to.region),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            put(name, text.as_str().into());
        }
    }
    for (name, is_so) in [("sandbox", to.sandbox), ("harmony", to.harmony)] {
        if is_so {
            put(name, true.into());
        }
    }
    Value::Object(device)
}

fn tap(tap: &Tap) -> Value {
    match tap {
        Tap::OpenConversation => json!({"type": "conversation"}),
        Tap::Url(url) => json!({"type": "url", "value": url}),
        Tap::Intent(intent) => json!({"type": "intent", "value": intent}),
    }
}

/// What the app reads; the push's id is beside it already.
fn data(notification: &Notification) -> Map<String, Value> {
    let pairs = carried(notification).into_iter();
    let free = pairs.filter(|(name, _)| *name != PUSH_ID);
    free.map(|(name, value)| (name.to_owned(), Value::String(value.into_owned())))
        .collect()
}

impl Vendor for ExternalClient {
    fn name(&self) -> VendorName {
        self.name
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 100,
            per_second: 1_000,
            ttl_seconds_max: TTL_SECONDS_MAX,
            payload_bytes_max: 8_192,
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
        Box::pin(self.ask())
    }
}
