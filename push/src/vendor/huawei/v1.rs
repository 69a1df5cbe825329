//! Huawei's API for Android.

use std::sync::Arc;

use godwit_model::Clock;
use serde_json::{Map, Value, json};

use super::{CALL_SECONDS_MAX, Draft, TITLE_BYTES_MAX, Version, Way};
use crate::app_data::{carried, carried_silently, text};
use crate::door::{self, Door, Speaks};
use crate::oauth::ClientCredentials;
use crate::settings::{HuaweiV1, SettingsError};
use crate::token::TokenSource;
use crate::{Class, Kind, Notification, Tap, VendorName, cut};

const ORIGIN: &str = "https://push-api.cloud.huawei.com";
const TOKENS: &str = "https://oauth-login.cloud.huawei.com/oauth2/v3/token";

pub(super) fn way(set: &HuaweiV1, clock: &Arc<dyn Clock>) -> Result<Way, SettingsError> {
    let wrong = |key| move |what: String| SettingsError::new(VendorName::Huawei, key, what);
    let connection = &set.connection;
    let door = || Door::new(connection, Speaks::Either, Arc::clone(clock)).map_err(wrong("v1.connection"));
    let secret = set
        .client_secret
        .read()
        .map_err(|error| wrong("v1.client_secret")(error.to_string()))?;
    let giver = ClientCredentials {
        door: door()?,
        address: connection.token_url.clone().unwrap_or_else(|| TOKENS.to_owned()),
        client_id: set.client_id.as_ref().unwrap_or(&set.app_id).clone(),
        client_secret: secret,
    };
    let origin = door::origin(connection.base_url.as_ref(), ORIGIN).map_err(wrong("v1.connection.base_url"))?;
    Ok(Way {
        door: door()?,
        tokens: TokenSource::new(giver, Arc::clone(clock)),
        address: format!("{origin}/v1/{}/messages:send", set.app_id),
        version: Version::V1,
    })
}

pub(super) fn message(draft: &Draft<'_>, body: &str, tokens: &[&str]) -> Value {
    let (notification, body) = (draft.notification, cut::or_more(body));
    let shown = notification.kind == Kind::Alert;
    let mut message = Map::new();
    message.insert("android".to_owned(), Value::Object(android(draft, shown, body)));
    if shown {
        let title = cut::to_bytes(&notification.title, TITLE_BYTES_MAX);
        message.insert("notification".to_owned(), json!({"title": title, "body": body}));
    } else {
        message.insert("data".to_owned(), text(carried_silently(notification)).into());
    }
    message.insert("token".to_owned(), json!(tokens));
    json!({"validate_only": draft.dry_run, "message": message})
}

fn android(draft: &Draft<'_>, shown: bool, body: &str) -> Map<String, Value> {
    let notification = draft.notification;
    let words = draft.words();
    let urgent = match notification.kind {
        Kind::Call => true,
        Kind::Alert => !matches!(notification.class, Class::Group | Class::System | Class::Marketing),
        Kind::Background | Kind::Withdraw => false,
    };
    let most = if notification.kind == Kind::Call {
        CALL_SECONDS_MAX
    } else {
        draft.seconds
    };
    let mut android = Map::new();
    let urgency = if urgent && draft.may_be_urgent {
        "HIGH"
    } else {
        "NORMAL"
    };
    android.insert("urgency".to_owned(), urgency.into());
    android.insert("ttl".to_owned(), format!("{}s", draft.seconds.min(most)).into());
    android.insert("bi_tag".to_owned(), notification.id.simple().into());
    let optional = [("category", &words.category), ("receipt_id", &draft.shape.receipt_id)];
    for (name, value) in optional {
        if let Some(value) = value {
            android.insert(name.to_owned(), value.as_str().into());
        }
    }
    if shown {
        android.insert("data".to_owned(), text(carried(notification)).into());
        let look = look(draft, words.importance.as_deref(), words.channel.as_deref(), body);
        android.insert("notification".to_owned(), look);
    }
    android
}

fn look(draft: &Draft<'_>, importance: Option<&str>, channel: Option<&str>, body: &str) -> Value {
    let notification = draft.notification;
    let mut look = json!({
        "title": cut::to_bytes(&notification.title, TITLE_BYTES_MAX),
        "body": body,
        "click_action": click(notification),
        "importance": importance.unwrap_or("NORMAL"),
        "foreground_show": false,
    });
    let mut set = |name: &str, value: Value| look[name] = value;
    if !notification.collapse.is_empty() {
        set("tag", notification.collapse.as_str().into());
        set("notify_id", notification.collapse_number().into());
    }
    match &notification.sound {
        Some(sound) => set("sound", sound.as_str().into()),
        None => set("default_sound", true.into()),
    }
    if let Some(channel) = channel {
        set("channel_id", channel.into());
    }
    if let Some(image) = &notification.image {
        set("image", image.as_str().into());
    }
    // A badge without the start page's class is refused.
    if let (Some(badge), Some(class)) = (notification.badge, &draft.shape.badge_class) {
        set("badge", json!({"set_num": badge.min(99), "class": class}));
    }
    look
}

fn click(notification: &Notification) -> Value {
    match &notification.tap {
        Tap::OpenConversation => json!({"type": 3}),
        Tap::Url(url) => json!({"type": 2, "url": url}),
        Tap::Intent(intent) => json!({"type": 1, "intent": intent}),
    }
}
