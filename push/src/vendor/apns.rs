//! APNs: one HTTP/2 connection, one signed token for the whole team (reference: Apple, "Sending notification requests").

mod answer;
mod payload;
mod provider_token;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use godwit_model::Clock;
use reqwest::RequestBuilder;
use tokio::sync::Mutex;

use crate::door::{self, Answer, Door, Speaks, Unreached};
use crate::settings::{Apns, SettingsError};
use crate::token::TokenSource;
use crate::{BoxFuture, CheckError, Kind, Limits, Notification, Outcome, Scope, Target, Vendor, VendorName};
use answer::Verdict;
pub(crate) use provider_token::ProviderTokens;

const PRODUCTION: &str = "https://api.push.apple.com";
const SANDBOX: &str = "https://api.sandbox.push.apple.com";
/// Bytes of a payload.
const PAYLOAD_MAX: usize = 4_096;
/// Bytes of the payload of a call.
const VOIP_PAYLOAD_MAX: usize = 5_120;
/// Apple keeps a notification for up to 30 days.
const TTL_SECONDS_MAX: u64 = 30 * 24 * 3_600;
/// How long a sign of life may take.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// A token no device has: Apple looks at who asks, and for which app, before it looks at the device.
const NO_DEVICE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub(crate) struct ApnsClient {
    door: Door,
    tokens: Arc<TokenSource>,
    production: String,
    sandbox: String,
    topic: String,
    voip_topic: String,
    clock: Arc<dyn Clock>,
    /// Whether Apple has taken a token on the present connection. Until then it takes one request at a time.
    is_trusted: AtomicBool,
    first: Mutex<()>,
}

/// One request, still without the token that signs it.
struct Request<'a> {
    device: &'a str,
    topic: &'a str,
    topic_is_ours: bool,
    sandbox: bool,
    push_type: &'static str,
    priority: &'static str,
}

impl ApnsClient {
    pub(crate) fn new(set: &Apns, tokens: &mut ProviderTokens, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::Apns, key, what);
        let connection = &set.connection;
        let builder = door::builder(connection, Speaks::Http2).map_err(wrong("connection"))?;
        let builder = builder
            .http2_keep_alive_interval(Duration::from_secs(set.ping_seconds.max(1)))
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .http2_keep_alive_while_idle(true)
            .pool_idle_timeout(None);
        Ok(Self {
            door: Door::built(builder, Arc::clone(&clock)).map_err(wrong("connection"))?,
            tokens: tokens.of(set, &clock)?,
            production: door::origin(connection.base_url.as_ref(), PRODUCTION).map_err(wrong("connection.base_url"))?,
            sandbox: door::origin(set.sandbox_url.as_ref(), SANDBOX).map_err(wrong("sandbox_url"))?,
            topic: set.topic.clone(),
            voip_topic: set.voip_topic.clone().unwrap_or_else(|| format!("{}.voip", set.topic)),
            clock,
            is_trusted: AtomicBool::new(false),
            first: Mutex::new(()),
        })
    }

    async fn send(&self, to: &Target, notification: &Notification) -> Outcome {
        let request = self.request(to, notification);
        if request.device.is_empty() || !request.device.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Outcome::refused("token_form", "a device token is hexadecimal");
        }
        let limit = if request.push_type == "voip" {
            VOIP_PAYLOAD_MAX
        } else {
            PAYLOAD_MAX
        };
        let payload = |body: &str| payload::payload(notification, request.push_type, body);
        let Some(fitted) = crate::cut::fit(&notification.body, limit, payload) else {
            return Outcome::refused("PayloadTooLarge", "the data for the app alone is too large");
        };
        let mut body = Bytes::from(fitted);
        let (mut renewed, mut reconnected, mut shrunk) = (false, false, false);
        loop {
            let token = match self.tokens.get().await {
                Ok(token) => token,
                Err(denied) => return denied.outcome(),
            };
            let asked = self.ask(self.post(&request, notification, &token, body.clone())).await;
            let verdict = match &asked {
                Ok(answer) => answer::verdict(answer),
                // The same id again: if Apple has the first, this one changes nothing.
                Err(Unreached::Broken(_)) => Verdict::Reconnect,
                Err(_) => Verdict::Final,
            };
            match verdict {
                Verdict::RenewToken if !renewed => {
                    renewed = true;
                    self.tokens.invalidate(&token);
                }
                Verdict::Reconnect if !reconnected => reconnected = true,
                Verdict::Shrink if !shrunk => {
                    shrunk = true;
                    body = payload("").into();
                }
                _ => {
                    return asked.map_or_else(|unreached| unreached.outcome(), |answer| spoken(&answer, &request));
                }
            }
        }
    }

    /// Asks; alone, as long as Apple does not know the connection.
    async fn ask(&self, post: RequestBuilder) -> Result<Answer, Unreached> {
        let _alone = if self.is_trusted.load(Ordering::Acquire) {
            None
        } else {
            let alone = self.first.lock().await;
            // Whoever was first may have made the way free.
            (!self.is_trusted.load(Ordering::Acquire)).then_some(alone)
        };
        let asked = self.door.ask(post).await;
        let is_trusted = asked.as_ref().is_ok_and(|answer| answer.status != 403);
        if is_trusted || matches!(asked, Err(Unreached::Broken(_) | Unreached::Connect(_))) {
            self.is_trusted.store(is_trusted, Ordering::Release);
        }
        asked
    }

    fn request<'a>(&'a self, to: &'a Target, notification: &Notification) -> Request<'a> {
        let voip = to.voip_token.as_deref().filter(|_| notification.kind == Kind::Call);
        let (push_type, priority) = if voip.is_some() {
            ("voip", "10")
        } else {
            payload::push_type(notification)
        };
        let own = if voip.is_some() { &self.voip_topic } else { &self.topic };
        // A call's topic is the app's with a suffix that only we know.
        let other = to
            .package
            .as_ref()
            .filter(|package| voip.is_none() && **package != self.topic);
        Request {
            device: voip.unwrap_or(&to.token),
            topic: other.unwrap_or(own),
            topic_is_ours: other.is_none(),
            sandbox: to.sandbox,
            push_type,
            priority,
        }
    }

    fn post(&self, request: &Request<'_>, notification: &Notification, token: &str, body: Bytes) -> RequestBuilder {
        let origin = if request.sandbox {
            &self.sandbox
        } else {
            &self.production
        };
        let seconds = notification.seconds_left(self.clock.now_ms(), 0, TTL_SECONDS_MAX);
        // 0 would mean "now or never", which is right for what has run out.
        let expiration = if seconds == 0 {
            0
        } else {
            self.clock.now_ms() / 1000 + seconds
        };
        let post = self
            .door
            .client
            .post(format!("{origin}/3/device/{}", request.device))
            .header("authorization", format!("bearer {token}"))
            .header("apns-topic", request.topic)
            .header("apns-push-type", request.push_type)
            .header("apns-priority", request.priority)
            .header("apns-expiration", expiration)
            .header("apns-id", notification.id.hyphenated());
        let post = if notification.collapse.is_empty() || request.push_type == "voip" {
            post
        } else {
            post.header("apns-collapse-id", &notification.collapse)
        };
        post.body(body)
    }

    async fn ask_without_device(&self) -> Result<String, CheckError> {
        let token = self.tokens.get().await?;
        let post = self
            .door
            .client
            .post(format!("{}/3/device/{NO_DEVICE}", self.production))
            .header("authorization", format!("bearer {token}"))
            .header("apns-topic", &self.topic)
            .header("apns-push-type", "background")
            .header("apns-priority", "5")
            .header("apns-expiration", 0)
            .body(r#"{"aps":{"content-available":1}}"#);
        let answer = self.door.ask(post).await?;
        match answer::outcome(&answer, true) {
            Outcome::TokenInvalid { code, .. } if code == "BadDeviceToken" => {
                Ok(format!("Apple takes the key for {}", self.topic))
            }
            Outcome::Misconfigured { code, detail } => Err(CheckError::Credentials { code, detail }),
            other => Err(super::unexpected(&other)),
        }
    }
}

/// The outcome of an answer, with a word in the log where an operator must know.
fn spoken(answer: &Answer, request: &Request<'_>) -> Outcome {
    let outcome = answer::outcome(answer, request.topic_is_ours);
    if outcome.code() == "TooManyProviderTokenUpdates" {
        tracing::error!(
            "Apple says that the signing token of the team changes too often: who else signs with its key?"
        );
    }
    outcome
}

impl Vendor for ApnsClient {
    fn name(&self) -> VendorName {
        VendorName::Apns
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 500,
            per_second: 10_000,
            ttl_seconds_max: TTL_SECONDS_MAX,
            payload_bytes_max: PAYLOAD_MAX,
            batch: 1,
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

/// How long to leave a team alone that changed its token too often.
const TOO_MANY_UPDATES_PAUSE: Duration = Duration::from_mins(1);

/// The scope of Apple's 429: one device, unless it is about the team's token.
fn too_many(reason: &str, answer: &Answer) -> Outcome {
    if reason == "TooManyProviderTokenUpdates" {
        let after = answer.retry_after.unwrap_or(TOO_MANY_UPDATES_PAUSE);
        return Outcome::retry_after(Scope::App, Some(after), reason, "");
    }
    Outcome::retry_after(Scope::Token, answer.retry_after, reason, "")
}
