//! A push as Xiaomi reads it.

use std::collections::BTreeMap;

use super::{TTL_SECONDS_MAX, XiaomiClient};
use crate::app_data::{carried, carried_silently, filled, text};
use crate::settings::{ClassWords, words};
use crate::{Class, Kind, Notification, Tap, Target, cut};

/// Characters: "under 50" and "under 128".
const TITLE_MAX: usize = 49;
const DESCRIPTION_MAX: usize = 127;
/// Bytes of what the app reads.
const PAYLOAD_MAX: usize = 4_000;
const TEMPLATE_VALUE_MAX: usize = 128;
const JOBKEY_MAX: usize = 20;
const DAY_SECONDS: u64 = 24 * 3_600;
const CALL_SECONDS: u64 = 60;
/// Reports of delivery, clicks, dead registrations and quotas: 1, 2, 16, 128.
const REPORTS: &str = "147";

type Form = Vec<(&'static str, String)>;

impl XiaomiClient {
    /// Nothing when what the app reads is too much.
    pub(super) fn form(&self, to: &[Target], first: &Target, notification: &Notification) -> Option<Form> {
        let ids: Vec<&str> = to.iter().map(|target| target.token.as_str()).collect();
        let package = first.package.as_ref().unwrap_or(&self.package);
        let most = match (notification.kind, notification.class) {
            (Kind::Call, _) => CALL_SECONDS,
            (_, Class::Marketing) => DAY_SECONDS,
            _ => TTL_SECONDS_MAX,
        };
        let seconds = notification.seconds_left(self.clock.now_ms(), 1, most);
        let jobkey: String = notification.id.simple().chars().take(JOBKEY_MAX).collect();
        let mut form: Form = vec![
            ("registration_id", ids.join(",")),
            ("restricted_package_name", package.clone()),
            ("time_to_live", (seconds * 1_000).to_string()),
            ("extra.jobkey", jobkey),
            ("payload", self.payload(notification)?),
        ];
        let words = words(&self.classes, notification.class);
        if let Some(channel) = &words.channel {
            form.push(("extra.channel_id", channel.clone()));
        }
        if notification.is_shown() {
            shown(&mut form, notification);
            template(&mut form, &words, notification);
        } else {
            form.push(("pass_through", "1".to_owned()));
        }
        if let Some((callback, secret)) = &self.callback {
            form.push(("extra.callback", callback.url.clone()));
            form.push(("extra.callback.param", secret.clone()));
            form.push(("extra.callback.type", REPORTS.to_owned()));
        }
        Some(form)
    }

    fn payload(&self, notification: &Notification) -> Option<String> {
        let pairs = if notification.is_shown() {
            carried(notification)
        } else {
            carried_silently(notification)
        };
        let payload = text(pairs);
        if payload.len() > PAYLOAD_MAX {
            return None;
        }
        if !self.encode_payload_twice {
            return Some(payload);
        }
        Some(url::form_urlencoded::byte_serialize(payload.as_bytes()).collect())
    }
}

fn shown(form: &mut Form, notification: &Notification) {
    form.push(("pass_through", "0".to_owned()));
    form.push(("title", cut::to_characters(&notification.title, TITLE_MAX)));
    let description = cut::to_characters(&notification.body, DESCRIPTION_MAX);
    form.push(("description", cut::or_more(&description).to_owned()));
    form.push(("notify_type", "-1".to_owned()));
    if !notification.collapse.is_empty() {
        form.push(("notify_id", notification.collapse_number().to_string()));
    }
    match &notification.tap {
        Tap::OpenConversation => form.push(("extra.notify_effect", "1".to_owned())),
        Tap::Intent(intent) => {
            form.push(("extra.notify_effect", "2".to_owned()));
            form.push(("extra.intent_uri", intent.clone()));
        }
        Tap::Url(url) => {
            form.push(("extra.notify_effect", "3".to_owned()));
            form.push(("extra.web_uri", url.clone()));
        }
    }
    if let Some(sound) = &notification.sound {
        form.push(("extra.sound_uri", sound.clone()));
    }
}

/// The approved template, filled: values of 1 to 128 characters without emoji.
fn template(form: &mut Form, words: &ClassWords, notification: &Notification) {
    let Some(template) = &words.template else {
        return;
    };
    let value = |template: &String| {
        let value = filled(template, &notification.title, &notification.body);
        let plain: String = value.chars().filter(|c| !is_emoji(*c)).collect();
        let value = cut::to_characters(plain.trim(), TEMPLATE_VALUE_MAX);
        cut::or_more(&value).to_owned()
    };
    let values: BTreeMap<_, _> = words
        .template_values
        .iter()
        .map(|(name, text)| (name, value(text)))
        .collect();
    let values = serde_json::to_string(&values).expect("a map of texts is JSON");
    form.push(("extra.template_id", template.clone()));
    form.push(("extra.template_param", values));
}

/// Emoji, and what joins or varies them.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{1F000}'..='\u{1FFFF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{200D}' | '\u{20E3}' | '\u{E0020}'..='\u{E007F}')
}
