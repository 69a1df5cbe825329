//! Honor: Huawei's shape in camel case, with its own tokens and its own lists of refused devices.

use std::sync::Arc;

use godwit_model::Clock;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::huawei::codes;
use crate::app_data::{carried, carried_silently, text};
use crate::cut;
use crate::door::{self, Answer, Door, Speaks};
use crate::oauth::ClientCredentials;
use crate::settings::{Classes, Honor, SettingsError, words};
use crate::token::{TokenSource, ask_with_token};
use crate::{
    BoxFuture, CheckError, Class, Kind, Limits, Notification, Outcome, Scope, Tap, Target, Vendor, VendorName,
};

const ORIGIN: &str = "https://push-api.cloud.honor.com";
const TOKENS: &str = "https://iam.developer.honor.com/auth/token";
const PAYLOAD_MAX: usize = 4_096;
const TITLE_BYTES_MAX: usize = 256;
const BATCH: usize = 1_000;
const TTL_SECONDS_MAX: u64 = 15 * 24 * 3_600;
const CALL_SECONDS_MAX: u64 = 60;
/// Honor's word for success.
const OK: i64 = 200;

pub(crate) struct HonorClient {
    door: Door,
    tokens: Arc<TokenSource>,
    address: String,
    badge_class: Option<String>,
    classes: Classes,
    clock: Arc<dyn Clock>,
}

impl HonorClient {
    pub(crate) fn new(set: &Honor, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::Honor, key, what);
        let connection = &set.connection;
        let door = |clock| Door::new(connection, Speaks::Either, clock).map_err(wrong("connection"));
        let secret = set
            .client_secret
            .read()
            .map_err(|error| wrong("client_secret")(error.to_string()))?;
        let giver = ClientCredentials {
            door: door(Arc::clone(&clock))?,
            address: connection.token_url.clone().unwrap_or_else(|| TOKENS.to_owned()),
            client_id: set.client_id.clone(),
            client_secret: secret,
        };
        let origin = door::origin(connection.base_url.as_ref(), ORIGIN).map_err(wrong("connection.base_url"))?;
        Ok(Self {
            door: door(Arc::clone(&clock))?,
            tokens: TokenSource::new(giver, Arc::clone(&clock)),
            address: format!("{origin}/api/v1/{}/sendMessage", set.app_id),
            badge_class: set.badge_class.clone(),
            classes: set.class.clone(),
            clock,
        })
    }

    async fn send(&self, to: &[Target], notification: &Notification) -> Vec<Outcome> {
        let tokens: Vec<&str> = to.iter().map(|target| target.token.as_str()).collect();
        if tokens.is_empty() {
            return Vec::new();
        }
        let mut body = notification.body.as_str();
        loop {
            let Some(json) = self.fit(notification, body, &tokens) else {
                return vec![Outcome::refused("too_large", "the data for the app alone is too large"); to.len()];
            };
            match self.ask(json).await {
                Ok(answer) if code(&answer).as_deref() == Some(codes::TOO_LARGE) && !body.is_empty() => body = "",
                Ok(answer) => return outcomes(&answer, &tokens),
                Err(outcome) => return vec![outcome; to.len()],
            }
        }
    }

    fn fit(&self, notification: &Notification, body: &str, tokens: &[&str]) -> Option<Vec<u8>> {
        let of_tokens: usize = tokens.iter().map(|token| cut::json_bytes(token) + 3).sum();
        cut::fit(body, PAYLOAD_MAX + of_tokens, |body| {
            self.json(notification, body, tokens)
        })
    }

    async fn ask(&self, body: Vec<u8>) -> Result<Answer, Outcome> {
        let build = |token: &str| {
            let post = self.door.client.post(&self.address).bearer_auth(token);
            let post = post.header("timestamp", self.clock.now_ms());
            post.header("content-type", "application/json; charset=utf-8")
                .body(body.clone())
        };
        let is_stale = |answer: &Answer| {
            answer.status == 401 || code(answer).is_some_and(|code| code == "401" || codes::is_about_our_token(&code))
        };
        ask_with_token(&self.door, &self.tokens, build, is_stale).await
    }

    fn json(&self, notification: &Notification, body: &str, tokens: &[&str]) -> Vec<u8> {
        let (shown, body) = (notification.is_shown(), cut::or_more(body));
        let mut message = Map::new();
        message.insert("android".to_owned(), self.android(notification, body));
        if shown {
            let title = cut::to_bytes(&notification.title, TITLE_BYTES_MAX);
            message.insert("notification".to_owned(), json!({"title": title, "body": body}));
        } else {
            message.insert("data".to_owned(), text(carried_silently(notification)).into());
        }
        message.insert("token".to_owned(), json!(tokens));
        serde_json::to_vec(&message).expect("maps of texts and numbers are JSON")
    }

    fn android(&self, notification: &Notification, body: &str) -> Value {
        let most = if notification.kind == Kind::Call {
            CALL_SECONDS_MAX
        } else {
            TTL_SECONDS_MAX
        };
        let seconds = notification.seconds_left(self.clock.now_ms(), 1, most);
        let mut android = json!({"ttl": format!("{seconds}s"), "biTag": notification.id.simple()});
        if notification.is_shown() {
            android["data"] = text(carried(notification)).into();
            android["notification"] = self.look(notification, body);
        }
        android
    }

    fn look(&self, notification: &Notification, body: &str) -> Value {
        let own = words(&self.classes, notification.class).importance;
        let usual = if notification.class == Class::Marketing {
            "LOW"
        } else {
            "NORMAL"
        };
        let mut look = json!({
            "title": cut::to_bytes(&notification.title, TITLE_BYTES_MAX),
            "body": body,
            "clickAction": click(notification),
            "importance": own.as_deref().unwrap_or(usual),
        });
        let mut set = |name: &str, value: Value| look[name] = value;
        if !notification.collapse.is_empty() {
            set("tag", notification.collapse.as_str().into());
            set("notifyId", notification.collapse_number().into());
        }
        if let Some(image) = &notification.image {
            set("image", image.as_str().into());
        }
        if let (Some(badge), Some(class)) = (notification.badge, &self.badge_class) {
            set("badge", json!({"setNum": badge.min(99), "badgeClass": class}));
        }
        look
    }

    async fn ask_for_token(&self) -> Result<String, CheckError> {
        self.tokens.get().await?;
        Ok("Honor gives a token for the credentials".to_owned())
    }
}

fn click(notification: &Notification) -> Value {
    match &notification.tap {
        Tap::OpenConversation => json!({"type": 3}),
        Tap::Url(url) => json!({"type": 2, "url": url}),
        Tap::Intent(intent) => json!({"type": 1, "intent": intent}),
    }
}

#[derive(Deserialize)]
struct Said {
    code: Value,
    #[serde(default)]
    message: String,
    data: Option<Data>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    request_id: Option<String>,
    fail_tokens: Vec<String>,
    expire_tokens: Vec<String>,
}

/// Numbers and texts alike: sources show both.
fn code_of(said: &Said) -> String {
    said.code.as_str().map_or_else(|| said.code.to_string(), str::to_owned)
}

fn code(answer: &Answer) -> Option<String> {
    serde_json::from_slice::<Said>(&answer.body)
        .ok()
        .map(|said| code_of(&said))
}

fn outcomes(answer: &Answer, tokens: &[&str]) -> Vec<Outcome> {
    let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
        return vec![answer.by_status(); tokens.len()];
    };
    let code = code_of(&said);
    let data = said.data.unwrap_or_default();
    let listed = !data.expire_tokens.is_empty() || !data.fail_tokens.is_empty();
    if said.code != OK && !listed {
        let known = codes::outcome(&code, &said.message, answer.retry_after);
        let unknown = || match answer.status {
            200 => by_code(&code, &said.message),
            _ => answer.by_status(),
        };
        return vec![known.unwrap_or_else(unknown); tokens.len()];
    }
    let is_in = |list: &[String], token: &str| list.iter().any(|listed| listed == token);
    let of_token = |token: &&str| {
        if is_in(&data.expire_tokens, token) {
            Outcome::token_invalid("expireTokens", &said.message)
        } else if is_in(&data.fail_tokens, token) {
            Outcome::retry(Scope::Token, "failTokens", &said.message)
        } else {
            Outcome::accepted(data.request_id.clone())
        }
    };
    tokens.iter().map(of_token).collect()
}

/// Codes that look like HTTP's, inside an answer of 200.
fn by_code(code: &str, text: &str) -> Outcome {
    match code {
        "401" | "403" => Outcome::misconfigured(code, text),
        "429" => Outcome::retry(Scope::App, code, text),
        "500" | "502" | "503" => Outcome::retry(Scope::Vendor, code, text),
        _ => Outcome::refused(code, text),
    }
}

impl Vendor for HonorClient {
    fn name(&self) -> VendorName {
        VendorName::Honor
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 100,
            per_second: 3_000,
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
        Box::pin(self.ask_for_token())
    }
}
