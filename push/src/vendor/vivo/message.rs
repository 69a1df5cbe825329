//! A push as vivo reads it.

use serde_json::{Map, Value, json};

use super::{TTL_SECONDS_LEAST, TTL_SECONDS_MAX, VivoClient};
use crate::app_data::{carried, object};
use crate::settings::words;
use crate::{Class, Kind, Notification, Tap, Target, cut};

/// Characters.
const TITLE_MAX: usize = 40;
const CONTENT_MAX: usize = 100;
const SKIP_CONTENT_MAX: usize = 1_024;
/// Bytes of what the app reads.
const MAP_MAX: usize = 1_024;
/// Sound and vibration.
const LOUD: u8 = 4;
/// vivo's class for what people write to each other; its category for it is `IM`.
const SYSTEM: u8 = 1;
const MARKETING: u8 = 0;
const CHAT_CATEGORY: &str = "IM";

impl VivoClient {
    /// Nothing when what the app reads is too much. For a list, `to` follows later.
    pub(super) fn message(&self, to: Option<&Target>, notification: &Notification) -> Option<Value> {
        let map = Value::Object(object(carried(notification)));
        if map.to_string().len() > MAP_MAX {
            return None;
        }
        // A call is of no use after the shortest time that vivo takes.
        let is_call = notification.kind == Kind::Call;
        let most = if is_call { TTL_SECONDS_LEAST } else { TTL_SECONDS_MAX };
        let seconds = notification.seconds_left(self.clock.now_ms(), TTL_SECONDS_LEAST, most);
        let content = cut::to_characters(&notification.body, CONTENT_MAX);
        let mut message = json!({
            "appId": self.app_id,
            "notifyType": LOUD,
            "title": cut::to_characters(&notification.title, TITLE_MAX),
            "content": cut::or_more(&content),
            "timeToLive": seconds,
            "networkType": -1,
            "clientCustomMap": map,
            "requestId": notification.id.simple(),
        });
        let object = message.as_object_mut().expect("it was just made as one");
        if let Some(to) = to {
            object.insert("regId".to_owned(), to.token.as_str().into());
        }
        click(object, &notification.tap)?;
        self.classify(object, notification.class);
        if !notification.collapse.is_empty() {
            object.insert("notifyId".to_owned(), notification.collapse_number().into());
        }
        if let Some((callback, secret)) = &self.callback {
            let extra = json!({"callback": callback.url, "callback.param": secret});
            object.insert("extra".to_owned(), extra);
        }
        Some(message)
    }

    fn classify(&self, message: &mut Map<String, Value>, class: Class) {
        let words = words(&self.classes, class);
        let usual = if class == Class::Marketing { MARKETING } else { SYSTEM };
        let classification = words.classification.unwrap_or(usual);
        message.insert("classification".to_owned(), classification.into());
        let is_chat = !matches!(class, Class::System | Class::Marketing) && classification == SYSTEM;
        let category = words.category.or_else(|| is_chat.then(|| CHAT_CATEGORY.to_owned()));
        if let Some(category) = category {
            message.insert("category".to_owned(), category.into());
        }
    }
}

/// Nothing when the address is too long.
fn click(message: &mut Map<String, Value>, tap: &Tap) -> Option<()> {
    let (kind, content) = match tap {
        Tap::OpenConversation => (1, None),
        Tap::Url(url) => (2, Some(url)),
        Tap::Intent(intent) => (4, Some(intent)),
    };
    message.insert("skipType".to_owned(), kind.into());
    if let Some(content) = content {
        if content.len() > SKIP_CONTENT_MAX {
            return None;
        }
        message.insert("skipContent".to_owned(), content.as_str().into());
    }
    Some(())
}
