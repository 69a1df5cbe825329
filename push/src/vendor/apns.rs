//! APNs: one HTTP/2 connection, one signed token for the whole team (reference: Apple, "Sending notification requests").

mod answer;
mod payload;
mod provider_token;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use godwit_model::Clock;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use tokio::sync::Mutex;
use url::Url;

use crate::door::{self, Answer, Door, Identity, Speaks, Unreached};
use crate::settings::{Apns, SettingsError};
use crate::token::{Denied, TokenSource};
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
const TOPIC: HeaderName = HeaderName::from_static("apns-topic");
const PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
const PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
const EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
const ID: HeaderName = HeaderName::from_static("apns-id");
const COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");
/// Headers of a request, and room for those that every client adds.
const HEADERS: usize = 12;
/// A token no device has: Apple looks at who asks, and for which app, before it looks at the device.
const NO_DEVICE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub(crate) struct ApnsClient {
    door: Door,
    proof: Proof,
    bearer: Bearer,
    production: Url,
    sandbox: Url,
    topic: Topic,
    voip_topic: Topic,
    clock: Arc<dyn Clock>,
    /// Whether Apple has taken a token on the present connection. Until then it takes one request at a time.
    is_trusted: AtomicBool,
    first: Mutex<()>,
}

/// One request, still without the token that signs it.
struct Asking<'a> {
    device: &'a str,
    topic: HeaderValue,
    topic_is_ours: bool,
    sandbox: bool,
    push_type: &'static str,
    priority: &'static str,
}

/// What says who we are.
enum Proof {
    /// A token of the team in each request.
    Tokens(Arc<TokenSource>),
    /// A certificate of the app in the connection.
    Certificate,
}

impl Proof {
    async fn token(&self) -> Result<Option<Arc<str>>, Denied> {
        match self {
            Self::Tokens(tokens) => tokens.get().await.map(Some),
            Self::Certificate => Ok(None),
        }
    }

    fn invalidate(&self, token: Option<&Arc<str>>) {
        if let (Self::Tokens(tokens), Some(token)) = (self, token) {
            tokens.invalidate(token);
        }
    }
}

/// By a key or by a certificate, whichever is set.
fn proof(
    set: &Apns,
    tokens: &mut ProviderTokens,
    clock: &Arc<dyn Clock>,
) -> Result<(Proof, Option<Identity>), SettingsError> {
    let wrong = |key| move |what: String| SettingsError::new(VendorName::Apns, key, what);
    match (&set.team, &set.key_id, &set.key, &set.certificate) {
        (Some(team), Some(key_id), Some(key), None) if set.certificate_key.is_none() => {
            Ok((Proof::Tokens(tokens.of((team, key_id, key), clock)?), None))
        }
        (None, None, None, Some(certificate)) => {
            let chain = certificate
                .read()
                .map_err(|error| wrong("certificate")(error.to_string()))?;
            let key = set.certificate_key.as_ref().unwrap_or(certificate).read();
            let key = key.map_err(|error| wrong("certificate_key")(error.to_string()))?;
            let identity = Identity::from_pem(&chain, &key).map_err(wrong("certificate"))?;
            Ok((Proof::Certificate, Some(identity)))
        }
        _ => Err(wrong("key")(
            "either team, key_id and key must be set, or certificate and nothing of these".to_owned(),
        )),
    }
}

/// A topic, and the header that names it.
type Topic = (String, HeaderValue);

fn topic(text: String) -> Result<Topic, String> {
    let header = HeaderValue::from_str(&text).map_err(|error| error.to_string())?;
    Ok((text, header))
}

fn origin(configured: Option<&String>, own: &str) -> Result<Url, String> {
    let text = door::origin(configured, own)?;
    Url::parse(&text).map_err(|error| error.to_string())
}

/// The header that signs requests, made once for each token.
#[derive(Default)]
struct Bearer(StdMutex<Option<(Arc<str>, HeaderValue)>>);

impl Bearer {
    fn of(&self, token: &Arc<str>) -> HeaderValue {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, header)) = &*made
            && Arc::ptr_eq(of, token)
        {
            return header.clone();
        }
        let header = HeaderValue::try_from(format!("bearer {token}")).expect("a token is base64url with dots");
        *made = Some((Arc::clone(token), header.clone()));
        header
    }
}

impl ApnsClient {
    pub(crate) fn new(set: &Apns, tokens: &mut ProviderTokens, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::Apns, key, what);
        let connection = &set.connection;
        let (proof, identity) = proof(set, tokens, &clock)?;
        let builder = door::builder(connection, Speaks::Http2, identity).map_err(wrong("connection"))?;
        let builder = builder
            .http2_keep_alive_interval(Duration::from_secs(set.ping_seconds.max(1)))
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .http2_keep_alive_while_idle(true)
            .pool_idle_timeout(None);
        let voip = set.voip_topic.clone().unwrap_or_else(|| format!("{}.voip", set.topic));
        Ok(Self {
            door: Door::built(builder, Arc::clone(&clock)).map_err(wrong("connection"))?,
            proof,
            bearer: Bearer::default(),
            production: origin(connection.base_url.as_ref(), PRODUCTION).map_err(wrong("connection.base_url"))?,
            sandbox: origin(set.sandbox_url.as_ref(), SANDBOX).map_err(wrong("sandbox_url"))?,
            topic: topic(set.topic.clone()).map_err(wrong("topic"))?,
            voip_topic: topic(voip).map_err(wrong("voip_topic"))?,
            clock,
            is_trusted: AtomicBool::new(false),
            first: Mutex::new(()),
        })
    }

    async fn send(&self, to: &Target, notification: &Notification) -> Outcome {
        let Some(request) = self.request(to, notification) else {
            return Outcome::refused("topic_form", "the package of the device is no topic");
        };
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
            let token = match self.proof.token().await {
                Ok(token) => token,
                Err(denied) => return denied.outcome(),
            };
            let post = self.post(&request, notification, token.as_ref(), body.clone());
            let asked = self.ask(post).await;
            let verdict = match &asked {
                Ok(answer) => answer::verdict(answer),
                // The same id again: if Apple has the first, this one changes nothing.
                Err(Unreached::Broken(_)) => Verdict::Reconnect,
                Err(_) => Verdict::Final,
            };
            match verdict {
                Verdict::RenewToken if !renewed => {
                    renewed = true;
                    self.proof.invalidate(token.as_ref());
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
    async fn ask(&self, post: Request) -> Result<Answer, Unreached> {
        let is_known = matches!(self.proof, Proof::Certificate) || self.is_trusted.load(Ordering::Acquire);
        let _alone = if is_known {
            None
        } else {
            let alone = self.first.lock().await;
            // Whoever was first may have made the way free.
            (!self.is_trusted.load(Ordering::Acquire)).then_some(alone)
        };
        let asked = self.door.execute(post).await;
        let is_trusted = asked.as_ref().is_ok_and(|answer| answer.status != 403);
        if is_trusted || matches!(asked, Err(Unreached::Broken(_) | Unreached::Connect(_))) {
            self.is_trusted.store(is_trusted, Ordering::Release);
        }
        asked
    }

    /// Nothing where the device brought a topic that no header can hold.
    fn request<'a>(&'a self, to: &'a Target, notification: &Notification) -> Option<Asking<'a>> {
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
            .filter(|package| voip.is_none() && **package != self.topic.0);
        Some(Asking {
            device: voip.unwrap_or(&to.token),
            topic: match other {
                Some(other) => HeaderValue::from_str(other).ok()?,
                None => own.1.clone(),
            },
            topic_is_ours: other.is_none(),
            sandbox: to.sandbox,
            push_type,
            priority,
        })
    }

    fn post(
        &self,
        request: &Asking<'_>,
        notification: &Notification,
        token: Option<&Arc<str>>,
        body: Bytes,
    ) -> Request {
        let seconds = notification.seconds_left(self.clock.now_ms(), 0, TTL_SECONDS_MAX);
        // 0 would mean "now or never", which is right for what has run out.
        let expiration = if seconds == 0 {
            0
        } else {
            self.clock.now_ms() / 1000 + seconds
        };
        let origin = if request.sandbox {
            &self.sandbox
        } else {
            &self.production
        };
        let mut post = self.plain_post(origin, request.device, token);
        let headers = post.headers_mut();
        headers.insert(TOPIC, request.topic.clone());
        headers.insert(PUSH_TYPE, HeaderValue::from_static(request.push_type));
        headers.insert(PRIORITY, HeaderValue::from_static(request.priority));
        headers.insert(EXPIRATION, HeaderValue::from(expiration));
        headers.insert(ID, notification.id.header());
        let collapses = !notification.collapse.is_empty() && request.push_type != "voip";
        if let Some(collapse) = HeaderValue::from_str(&notification.collapse).ok().filter(|_| collapses) {
            headers.insert(COLLAPSE_ID, collapse);
        }
        *post.body_mut() = Some(body.into());
        post
    }

    /// A request for a device, with what is the same for all.
    fn plain_post(&self, origin: &Url, device: &str, token: Option<&Arc<str>>) -> Request {
        let mut url = origin.clone();
        url.set_path(&format!("/3/device/{device}"));
        let mut post = Request::new(Method::POST, url);
        *post.headers_mut() = HeaderMap::with_capacity(HEADERS);
        if let Some(token) = token {
            post.headers_mut().insert(AUTHORIZATION, self.bearer.of(token));
        }
        post
    }

    async fn ask_without_device(&self) -> Result<String, CheckError> {
        let token = self.proof.token().await?;
        let mut post = self.plain_post(&self.production, NO_DEVICE, token.as_ref());
        let headers = post.headers_mut();
        headers.insert(TOPIC, self.topic.1.clone());
        headers.insert(PUSH_TYPE, HeaderValue::from_static("background"));
        headers.insert(PRIORITY, HeaderValue::from_static("5"));
        headers.insert(EXPIRATION, HeaderValue::from_static("0"));
        *post.body_mut() = Some(r#"{"aps":{"content-available":1}}"#.into());
        let answer = self.door.execute(post).await?;
        match answer::outcome(&answer, true) {
            Outcome::TokenInvalid { code, .. } if code == "BadDeviceToken" => {
                Ok(format!("Apple takes the credentials for {}", self.topic.0))
            }
            Outcome::Misconfigured { code, detail } => Err(CheckError::Credentials { code, detail }),
            other => Err(super::unexpected(&other)),
        }
    }
}

/// The outcome of an answer, with a word in the log where an operator must know.
fn spoken(answer: &Answer, request: &Asking<'_>) -> Outcome {
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
