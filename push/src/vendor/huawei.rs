//! Huawei: v1 for Android, v3 for HarmonyOS 5 and later, each with its own way to prove who asks.

mod answer;
pub(super) mod codes;
mod v1;
mod v3;

use std::sync::Arc;

use godwit_model::Clock;

use crate::door::{Answer, Door};
use crate::settings::{Classes, Huawei, SettingsError, words};
use crate::token::{TokenSource, ask_with_token};
use crate::{BoxFuture, CheckError, Limits, Notification, Outcome, Target, Vendor, VendorName, cut};
use answer::Said;

/// Bytes of a request without its tokens.
const PAYLOAD_MAX: usize = 4_096;
const BATCH: usize = 1_000;
const TTL_SECONDS_MAX: u64 = 15 * 24 * 3_600;
const CALL_SECONDS_MAX: u64 = 60;
const TITLE_BYTES_MAX: usize = 256;

pub(crate) struct HuaweiClient {
    v1: Option<Way>,
    v3: Option<Way>,
    shape: Shape,
    clock: Arc<dyn Clock>,
}

/// One of the two APIs.
struct Way {
    door: Door,
    tokens: Arc<TokenSource>,
    address: String,
    version: Version,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V3,
}

/// What of the settings shapes a request.
struct Shape {
    classes: Classes,
    badge_class: Option<String>,
    receipt_id: Option<String>,
}

/// A request, without its tokens and its body's text.
struct Draft<'a> {
    notification: &'a Notification,
    shape: &'a Shape,
    seconds: u64,
    /// Huawei may grant an app no high priority.
    may_be_urgent: bool,
    /// Huawei only looks at it.
    dry_run: bool,
}

impl HuaweiClient {
    pub(crate) fn new(set: &Huawei, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let (v1, v3) = (set.v1.as_ref(), set.v3.as_ref());
        if v1.is_none() && v3.is_none() {
            return Err(SettingsError::new(VendorName::Huawei, "v1", "neither v1 nor v3 is set"));
        }
        Ok(Self {
            v1: v1.map(|set| v1::way(set, &clock)).transpose()?,
            v3: v3.map(|set| v3::way(set, &clock)).transpose()?,
            shape: Shape {
                classes: set.class.clone(),
                badge_class: set.badge_class.clone(),
                receipt_id: set.receipt_id.clone(),
            },
            clock,
        })
    }

    fn way(&self, harmony: bool) -> &Way {
        let (wanted, other) = if harmony {
            (&self.v3, &self.v1)
        } else {
            (&self.v1, &self.v3)
        };
        wanted
            .as_ref()
            .or(other.as_ref())
            .expect("one of the two is set, or there is no client")
    }

    async fn send(&self, to: &[Target], notification: &Notification) -> Vec<Outcome> {
        let Some(first) = to.first() else {
            return Vec::new();
        };
        if to.iter().any(|target| target.harmony != first.harmony) {
            return vec![Outcome::refused("mixed", "one request is for one system"); to.len()];
        }
        let way = self.way(first.harmony);
        let tokens: Vec<&str> = to.iter().map(|target| target.token.as_str()).collect();
        let outcomes = self.send_by(way, &tokens, notification).await;
        if tokens.len() == 1 || !outcomes.iter().all(answer::is_all_refused) {
            return outcomes;
        }
        // v1 does not say which: each is asked alone, so that no good one goes with the bad.
        super::each_alone(&tokens, |token| async move {
            super::only(self.send_by(way, &[*token], notification).await)
        })
        .await
    }

    async fn send_by(&self, way: &Way, tokens: &[&str], notification: &Notification) -> Vec<Outcome> {
        let mut draft = Draft {
            notification,
            shape: &self.shape,
            seconds: notification.seconds_left(self.clock.now_ms(), 1, TTL_SECONDS_MAX),
            may_be_urgent: true,
            dry_run: false,
        };
        let mut text = notification.body.as_str();
        loop {
            let Some(body) = way.fit(&draft, text, tokens) else {
                return vec![Outcome::refused("too_large", "the data for the app alone is too large"); tokens.len()];
            };
            let answer = match way.ask(&draft, body).await {
                Ok(answer) => answer,
                Err(outcome) => return vec![outcome; tokens.len()],
            };
            match Said::read(&answer).as_ref().map(Said::code) {
                Some(codes::TOO_LARGE) if !text.is_empty() => text = "",
                Some(codes::NO_HIGH_PRIORITY) if draft.may_be_urgent => {
                    tracing::warn!("Huawei grants this app no high priority; the push goes with the normal one");
                    draft.may_be_urgent = false;
                }
                _ => return answer::outcomes(&answer, tokens),
            }
        }
    }

    async fn ask_dry(&self, way: &Way) -> Result<String, CheckError> {
        way.tokens.get().await?;
        let notification = super::probe(self.clock.now_ms());
        let draft = Draft {
            notification: &notification,
            shape: &self.shape,
            seconds: 60,
            may_be_urgent: true,
            dry_run: true,
        };
        let body = way.json(&draft, &notification.body, &["nobody"]);
        let answer = way.ask(&draft, body).await;
        let outcome = answer.map(|answer| super::only(answer::outcomes(&answer, &["nobody"])));
        match outcome {
            Ok(Outcome::Accepted { .. } | Outcome::TokenInvalid { .. }) => {
                Ok("Huawei takes the credentials".to_owned())
            }
            Ok(Outcome::Misconfigured { code, detail }) => Err(CheckError::Credentials { code, detail }),
            Ok(other) | Err(other) => Err(super::unexpected(&other)),
        }
    }

    async fn ask_both(&self) -> Result<String, CheckError> {
        let mut said = Vec::new();
        for way in [&self.v1, &self.v3].into_iter().flatten() {
            let name = if way.version == Version::V1 { "v1" } else { "v3" };
            said.push(format!("{name}: {}", self.ask_dry(way).await?));
        }
        Ok(said.join("; "))
    }
}

impl Way {
    fn json(&self, draft: &Draft<'_>, text: &str, tokens: &[&str]) -> Vec<u8> {
        let whole = match self.version {
            Version::V1 => v1::message(draft, text, tokens),
            Version::V3 => v3::message(draft, text, tokens),
        };
        serde_json::to_vec(&whole).expect("maps of texts and numbers are JSON")
    }

    /// With as much of the text as fits; the tokens do not count.
    fn fit(&self, draft: &Draft<'_>, text: &str, tokens: &[&str]) -> Option<Vec<u8>> {
        let of_tokens: usize = tokens.iter().map(|token| cut::json_bytes(token) + 3).sum();
        cut::fit(text, PAYLOAD_MAX + of_tokens, |text| self.json(draft, text, tokens))
    }

    async fn ask(&self, draft: &Draft<'_>, body: Vec<u8>) -> Result<Answer, Outcome> {
        let build = |token: &str| {
            let post = self.door.client.post(&self.address).bearer_auth(token);
            let post = post
                .header("content-type", "application/json; charset=utf-8")
                .body(body.clone());
            match self.version {
                Version::V1 => post,
                Version::V3 => post.header("push-type", v3::push_type(draft.notification.kind)),
            }
        };
        let is_stale = |answer: &Answer| Said::read(answer).is_some_and(|said| codes::is_about_our_token(said.code()));
        ask_with_token(&self.door, &self.tokens, build, is_stale).await
    }
}

impl Draft<'_> {
    fn words(&self) -> crate::settings::ClassWords {
        words(&self.shape.classes, self.notification.class)
    }
}

impl Vendor for HuaweiClient {
    fn name(&self) -> VendorName {
        VendorName::Huawei
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 200,
            per_second: 6_000,
            ttl_seconds_max: TTL_SECONDS_MAX,
            payload_bytes_max: PAYLOAD_MAX,
            batch: BATCH,
            batch_least: 2,
            badge: true,
            silent: true,
            day_quota: true,
        }
    }

    fn deliver<'a>(&'a self, to: &'a Target, notification: &'a Notification) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { super::only(self.send(std::slice::from_ref(to), notification).await) })
    }

    fn deliver_many<'a>(&'a self, to: &'a [Target], notification: &'a Notification) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(self.send(to, notification))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, CheckError>> {
        Box::pin(self.ask_both())
    }
}
