//! Huawei's API for HarmonyOS 5 and later.

use std::sync::Arc;

use godwit_model::Clock;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CALL_SECONDS_MAX, Draft, TITLE_BYTES_MAX, Version, Way};
use crate::app_data::{carried, carried_silently, object, text};
use crate::door::{self, Door, Speaks};
use crate::jwt::RsaKey;
use crate::settings::{HuaweiV3, SettingsError};
use crate::token::{Denied, Fetch, Fresh, TokenSource};
use crate::{BoxFuture, Kind, Notification, Tap, VendorName, cut};

const ORIGIN: &str = "https://push-api.cloud.huawei.com";
const AUDIENCE: &str = "https://oauth-login.cloud.huawei.com/oauth2/v3/token";
/// Huawei advises an hour and refuses more than a day.
const LIFE_SECONDS: u64 = 3_600;

/// What of the key file is used; the rest is passed over.
#[derive(Deserialize)]
struct Account {
    project_id: String,
    key_id: String,
    private_key: String,
    #[serde(rename = "sub_account")]
    issuer: String,
}

pub(super) fn way(set: &HuaweiV3, clock: &Arc<dyn Clock>) -> Result<Way, SettingsError> {
    let wrong = |key| move |what: String| SettingsError::new(VendorName::Huawei, key, what);
    let connection = &set.connection;
    let text = set
        .service_account
        .read()
        .map_err(|error| wrong("v3.service_account")(error.to_string()))?;
    let account: Account = serde_json::from_str(&text)
        .map_err(|error| wrong("v3.service_account")(format!("not a key file of Huawei: {error}")))?;
    let signer = Signer {
        key: RsaKey::from_pem(&account.private_key).map_err(wrong("v3.service_account"))?,
        key_id: account.key_id,
        issuer: account.issuer,
        audience: connection.token_url.clone().unwrap_or_else(|| AUDIENCE.to_owned()),
        clock: Arc::clone(clock),
    };
    let origin = door::origin(connection.base_url.as_ref(), ORIGIN).map_err(wrong("v3.connection.base_url"))?;
    Ok(Way {
        door: Door::new(connection, Speaks::Either, Arc::clone(clock)).map_err(wrong("v3.connection"))?,
        tokens: TokenSource::new(signer, Arc::clone(clock)),
        address: format!("{origin}/v3/{}/messages:send", account.project_id),
        version: Version::V3,
    })
}

struct Signer {
    key: RsaKey,
    key_id: String,
    issuer: String,
    audience: String,
    clock: Arc<dyn Clock>,
}

impl Fetch for Signer {
    fn fetch(&self) -> BoxFuture<'_, Result<Fresh, Denied>> {
        let now = self.clock.now_ms() / 1000;
        let claims = json!({"iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + LIFE_SECONDS});
        let signed = self.key.sign(Algorithm::PS256, &self.key_id, &claims);
        let signed = signed.map(|token| Fresh::new(token, LIFE_SECONDS * 1_000));
        Box::pin(std::future::ready(
            signed.map_err(|error| Denied::refused("signing", error)),
        ))
    }
}

/// What kind of message it is, for the header.
pub(super) fn push_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Alert => "0",
        Kind::Background | Kind::Withdraw => "6",
        Kind::Call => "10",
    }
}

pub(super) fn message(draft: &Draft<'_>, body: &str, tokens: &[&str]) -> Value {
    let notification = draft.notification;
    let payload = if notification.kind == Kind::Alert {
        json!({"notification": look(draft, body)})
    } else {
        json!({"extraData": text(carried_silently(notification))})
    };
    let most = if notification.kind == Kind::Call {
        CALL_SECONDS_MAX
    } else {
        draft.seconds
    };
    let mut options = Map::new();
    options.insert("ttl".to_owned(), draft.seconds.min(most).into());
    options.insert("biTag".to_owned(), notification.id.simple().into());
    if draft.dry_run {
        options.insert("testMessage".to_owned(), true.into());
    }
    if let Some(receipt) = &draft.shape.receipt_id {
        options.insert("receiptId".to_owned(), receipt.as_str().into());
    }
    json!({"payload": payload, "target": {"token": tokens}, "pushOptions": options})
}

fn look(draft: &Draft<'_>, body: &str) -> Value {
    let notification = draft.notification;
    let mut look = json!({
        "title": cut::to_bytes(&notification.title, TITLE_BYTES_MAX),
        "body": cut::or_more(body),
        "clickAction": click(notification),
        "foregroundShow": false,
    });
    let mut set = |name: &str, value: Value| look[name] = value;
    if let Some(category) = draft.words().category {
        set("category", category.into());
    }
    if !notification.collapse.is_empty() {
        set("notifyId", notification.collapse_number().into());
    }
    if let Some(badge) = notification.badge {
        set("badge", json!({"setNum": badge.min(99)}));
    }
    for (name, value) in [("sound", &notification.sound), ("image", &notification.image)] {
        if let Some(value) = value {
            set(name, value.as_str().into());
        }
    }
    look
}

fn click(notification: &Notification) -> Value {
    let data = object(carried(notification));
    match &notification.tap {
        Tap::OpenConversation | Tap::Url(_) => json!({"actionType": 0, "data": data}),
        Tap::Intent(action) => json!({"actionType": 1, "action": action, "data": data}),
    }
}
