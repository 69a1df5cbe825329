//! A push as OPPO reads it.

use serde_json::{Map, Value, json};

use super::{OppoClient, TTL_SECONDS_MAX};
use crate::app_data::{carried, filled, text};
use crate::settings::{ClassWords, words};
use crate::{Kind, Notification, Tap, Target, cut};

/// Characters of a title.
const TITLE_MAX: usize = 50;
/// Bytes of what the app reads.
const PARAMETERS_MAX: usize = 4_000;
/// Characters of a body in the standard style; more is the long style.
const STANDARD_BODY_MAX: usize = 50;
const CALL_SECONDS_MAX: u64 = 60;
/// Target type of a registration id.
const REGISTRATION: u8 = 2;

impl OppoClient {
    /// Nothing when what the app reads is too much.
    pub(super) fn message(&self, to: &Target, notification: &Notification) -> Option<Value> {
        let parameters = text(carried(notification));
        if parameters.len() > PARAMETERS_MAX {
            return None;
        }
        let mut look = self.look(notification);
        look.insert("action_parameters".to_owned(), parameters.into());
        click(&mut look, &notification.tap);
        classify(&mut look, &words(&self.classes, notification.class), notification);
        if let Some((callback, secret)) = &self.callback {
            look.insert("call_back_url".to_owned(), callback.url.as_str().into());
            look.insert("call_back_parameter".to_owned(), secret.as_str().into());
        }
        Some(json!({
            "target_type": REGISTRATION,
            "target_value": to.token,
            "verify_registration_id": true,
            "notification": look,
        }))
    }

    fn look(&self, notification: &Notification) -> Map<String, Value> {
        let most = if notification.kind == Kind::Call {
            CALL_SECONDS_MAX
        } else {
            TTL_SECONDS_MAX
        };
        let seconds = notification.seconds_left(self.clock.now_ms(), 1, most);
        let content = cut::to_characters(&notification.body, self.body_max);
        // OPPO refuses a notification without words.
        let style = if self.body_max > STANDARD_BODY_MAX { 2 } else { 1 };
        let mut look = Map::new();
        let mut set = |name: &str, value: Value| look.insert(name.to_owned(), value);
        set("app_message_id", notification.id.simple().into());
        set("style", style.into());
        set("title", cut::to_characters(&notification.title, TITLE_MAX).into());
        set("content", cut::or_more(&content).into());
        set("off_line", true.into());
        set("off_line_ttl", seconds.into());
        if !notification.collapse.is_empty() {
            set("notify_id", notification.collapse_number().into());
        }
        look
    }
}

fn click(look: &mut Map<String, Value>, tap: &Tap) {
    let (kind, url) = match tap {
        Tap::OpenConversation => (0, None),
        Tap::Url(url) => (2, Some(url)),
        Tap::Intent(scheme) => (5, Some(scheme)),
    };
    look.insert("click_action_type".to_owned(), kind.into());
    if let Some(url) = url {
        look.insert("click_action_url".to_owned(), url.as_str().into());
    }
}

/// Channel, category, level (only with a category) and the template of private messages, whose values are named
/// `title.NAME` and `content.NAME` in the settings.
fn classify(look: &mut Map<String, Value>, words: &ClassWords, notification: &Notification) {
    if let Some(channel) = &words.channel {
        look.insert("channel_id".to_owned(), channel.as_str().into());
    }
    if let Some(category) = &words.category {
        look.insert("category".to_owned(), category.as_str().into());
        if let Some(level) = words.notify_level {
            look.insert("notify_level".to_owned(), level.into());
        }
    }
    if let Some(template) = &words.template {
        look.insert("private_msg_template_id".to_owned(), template.as_str().into());
        for (prefix, name) in [
            ("title.", "private_title_parameters"),
            ("content.", "private_content_parameters"),
        ] {
            let values = words.template_values.iter();
            let values = values.filter_map(|(name, text)| Some((name.strip_prefix(prefix)?, text)));
            let fill = |text: &String| filled(text, &notification.title, &notification.body);
            let values: Map<_, _> = values
                .map(|(name, text)| (name.to_owned(), fill(text).into()))
                .collect();
            if !values.is_empty() {
                look.insert(name.to_owned(), Value::Object(values));
            }
        }
    }
}
