//! A push as Meizu reads it, and its signature.

use std::collections::BTreeMap;

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::{MeizuClient, TTL_HOURS_MAX};
use crate::app_data::{carried, object};
use crate::hexadecimal::hexadecimal;
use crate::settings::words;
use crate::{Class, Notification, Tap, cut};

/// Characters.
const TITLE_MAX: usize = 32;
const CONTENT_MAX: usize = 100;
const PUBLIC: u8 = 0;
const PRIVATE: u8 = 1;
/// Delivered and clicked.
const REPORTS: &str = "3";

impl MeizuClient {
    pub(super) fn form(&self, ids: &[&str], notification: &Notification) -> BTreeMap<&'static str, String> {
        let mut form = BTreeMap::from([
            ("appId", self.app_id.clone()),
            ("pushIds", ids.join(",")),
            ("messageJson", self.message(notification).to_string()),
        ]);
        form.insert("sign", sign(&form, &self.app_secret));
        form
    }

    fn message(&self, notification: &Notification) -> Value {
        let usual = if notification.class == Class::Marketing {
            PUBLIC
        } else {
            PRIVATE
        };
        let kind = words(&self.classes, notification.class).classification.unwrap_or(usual);
        let content = cut::to_characters(&notification.body, CONTENT_MAX);
        let hours = notification
            .seconds_left(self.clock.now_ms(), 0, TTL_HOURS_MAX * 3_600)
            .div_ceil(3_600)
            .max(1);
        let mut advance = json!({"notificationType": {"vibrate": 1, "lights": 1, "sound": 1}});
        if !notification.collapse.is_empty() {
            advance["notifyKey"] = format!("{:08x}", notification.collapse_number()).into();
        }
        let mut message = json!({
            "noticeBarInfo": {
                "noticeMsgType": kind,
                "noticeBarType": 0,
                "title": cut::to_characters(&notification.title, TITLE_MAX),
                "content": cut::or_more(&content),
            },
            "clickTypeInfo": click(notification),
            "pushTimeInfo": {"offLine": 1, "validTime": hours},
            "advanceInfo": advance,
        });
        if let Some((callback, secret)) = &self.callback {
            let extra = json!({"callback": callback.url, "callback.param": secret, "callback.type": REPORTS});
            message["extra"] = extra;
        }
        message
    }
}

fn click(notification: &Notification) -> Value {
    let parameters = Value::Object(object(carried(notification)));
    match &notification.tap {
        Tap::OpenConversation => json!({"clickType": 0, "parameters": parameters}),
        Tap::Intent(activity) => json!({"clickType": 1, "activity": activity, "parameters": parameters}),
        Tap::Url(url) => json!({"clickType": 2, "url": url}),
    }
}

/// MD5 of `name=value` of all parameters in the order of their names, and the secret, in lower-case hexadecimal.
fn sign(form: &BTreeMap<&'static str, String>, secret: &str) -> String {
    let mut md5 = Md5::new();
    for (name, value) in form {
        for text in [name, "=", value] {
            md5.update(text);
        }
    }
    md5.update(secret);
    hexadecimal(&md5.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s 'appId=100999messageJson={"a":"你好"}pushIds=p1,p2appsecret' | md5sum`
    #[test]
    fn the_signature_is_what_md5sum_says() {
        let form = BTreeMap::from([
            ("pushIds", "p1,p2".to_owned()),
            ("appId", "100999".to_owned()),
            ("messageJson", r#"{"a":"你好"}"#.to_owned()),
        ]);
        assert_eq!(sign(&form, "appsecret"), "80e6a4ec19bd450e0b8643f93cfa2af1");
    }
}
