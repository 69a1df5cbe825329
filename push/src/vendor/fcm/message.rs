//! A message as Google reads it.

use serde_json::{Map, Value, json};

use crate::app_data::{carried, carried_silently, object};
use crate::settings::ClassWords;
use crate::{Class, Kind, Notification};

/// Bytes of a title.
const TITLE_BYTES_MAX: usize = 256;
/// A call is of no use after a minute.
const CALL_SECONDS_MAX: u64 = 60;

pub(super) struct Message<'a> {
    pub(super) token: &'a str,
    pub(super) package: Option<&'a String>,
    pub(super) words: ClassWords,
    pub(super) seconds: u64,
}

impl Message<'_> {
    pub(super) fn json(&self, notification: &Notification, body: &str, validate_only: bool) -> Vec<u8> {
        let shown = notification.kind == Kind::Alert;
        let mut message = Map::new();
        message.insert("token".to_owned(), self.token.into());
        let data = if shown {
            carried(notification)
        } else {
            carried_silently(notification)
        };
        let mut data = object(data);
        if notification.kind == Kind::Call {
            data.insert("body".to_owned(), body.into());
        }
        message.insert("data".to_owned(), Value::Object(data));
        if shown {
            let mut notice = Map::new();
            notice.insert(
                "title".to_owned(),
                crate::cut::to_bytes(&notification.title, TITLE_BYTES_MAX).into(),
            );
            notice.insert("body".to_owned(), body.into());
            insert(&mut notice, "image", notification.image.as_ref());
            message.insert("notification".to_owned(), Value::Object(notice));
        }
        message.insert("android".to_owned(), Value::Object(self.android(notification, shown)));
        let whole = json!({"validate_only": validate_only, "message": message});
        serde_json::to_vec(&whole).expect("a map of texts and numbers is JSON")
    }

    fn android(&self, notification: &Notification, shown: bool) -> Map<String, Value> {
        let urgent = match notification.kind {
            Kind::Call => true,
            Kind::Alert => !matches!(notification.class, Class::Group | Class::System | Class::Marketing),
            Kind::Background | Kind::Withdraw => false,
        };
        let most = if notification.kind == Kind::Call {
            CALL_SECONDS_MAX
        } else {
            self.seconds
        };
        let mut android = Map::new();
        android.insert("priority".to_owned(), if urgent { "HIGH" } else { "NORMAL" }.into());
        android.insert("ttl".to_owned(), format!("{}s", self.seconds.min(most)).into());
        insert(&mut android, "restricted_package_name", self.package);
        if matches!(notification.kind, Kind::Background) {
            // Only the newest badge counts. What is shown is replaced by its tag: a collapse key on it would meet
            // Google's limit of 20 at once.
            android.insert("collapse_key".to_owned(), "badge".into());
        }
        if shown {
            android.insert("notification".to_owned(), Value::Object(self.look(notification)));
        }
        android
    }

    fn look(&self, notification: &Notification) -> Map<String, Value> {
        let mut look = Map::new();
        if !notification.collapse.is_empty() {
            look.insert("tag".to_owned(), notification.collapse.as_str().into());
        }
        insert(&mut look, "channel_id", self.words.channel.as_ref());
        insert(&mut look, "icon", notification.icon.as_ref());
        look.insert(
            "sound".to_owned(),
            notification.sound.as_deref().unwrap_or("default").into(),
        );
        // 0 would show a number where none belongs.
        if let Some(badge) = notification.badge.filter(|badge| *badge > 0) {
            look.insert("notification_count".to_owned(), badge.into());
        }
        look
    }
}

fn insert(into: &mut Map<String, Value>, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        into.insert(name.to_owned(), value.as_str().into());
    }
}

/// A message that Google only looks at, to a token that nobody has.
pub(super) fn dry_run() -> Vec<u8> {
    let message = json!({"token": "nobody", "data": {"check": "1"}});
    let whole = json!({"validate_only": true, "message": message});
    serde_json::to_vec(&whole).expect("a map of texts is JSON")
}
