//! What an operator may set about push: credentials, addresses, pace, and how classes are told to each vendor.
//!
//! Unknown keys are refused everywhere, because a setting that is silently ignored costs days.

mod google;
mod secret;
mod secrets;
mod vendors;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use google::ServiceAccount;
pub use secret::{Secret, SecretError};
pub(crate) use secrets::Section;
pub use vendors::{
    Apns, External, Fcm, Honor, Huawei, HuaweiReceipts, HuaweiV1, HuaweiV3, Meizu, Oppo, Vivo, WebPush, Xiaomi,
};

use crate::{Class, VendorName};

/// The vendors of every app, and of single apps.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Apple.
    pub apns: Option<Apns>,
    /// Google.
    pub fcm: Option<Fcm>,
    /// Browsers.
    pub webpush: Option<WebPush>,
    /// Xiaomi.
    pub xiaomi: Option<Xiaomi>,
    /// Huawei.
    pub huawei: Option<Huawei>,
    /// Honor.
    pub honor: Option<Honor>,
    /// OPPO.
    pub oppo: Option<Oppo>,
    /// vivo.
    pub vivo: Option<Vivo>,
    /// Meizu.
    pub meizu: Option<Meizu>,
    /// A push service that somebody else runs.
    pub external: Option<External>,
    /// After how many days without a sign of life a vendor's token is passed over, where that is not the vendor's own rule
    /// (Xiaomi 30, FCM 270); 0: never.
    pub idle_days: BTreeMap<VendorName, u32>,
    /// Vendors of single apps, by the app's name; each goes before the one of every app.
    pub app: BTreeMap<String, AppVendors>,
}

/// The vendors of one app.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppVendors {
    /// Apple.
    pub apns: Option<Apns>,
    /// Google.
    pub fcm: Option<Fcm>,
    /// Browsers.
    pub webpush: Option<WebPush>,
    /// Xiaomi.
    pub xiaomi: Option<Xiaomi>,
    /// Huawei.
    pub huawei: Option<Huawei>,
    /// Honor.
    pub honor: Option<Honor>,
    /// OPPO.
    pub oppo: Option<Oppo>,
    /// vivo.
    pub vivo: Option<Vivo>,
    /// Meizu.
    pub meizu: Option<Meizu>,
    /// A push service that somebody else runs.
    pub external: Option<External>,
}

impl Settings {
    /// The vendors of every app that has none of its own.
    pub(crate) fn of_every_app(&self) -> AppVendors {
        AppVendors {
            apns: self.apns.clone(),
            fcm: self.fcm.clone(),
            webpush: self.webpush.clone(),
            xiaomi: self.xiaomi.clone(),
            huawei: self.huawei.clone(),
            honor: self.honor.clone(),
            oppo: self.oppo.clone(),
            vivo: self.vivo.clone(),
            meizu: self.meizu.clone(),
            external: self.external.clone(),
        }
    }

    /// After how many days without a sign of life a token of a vendor is passed over; `None`: never.
    pub fn idle_days(&self, vendor: VendorName) -> Option<u32> {
        let own = match vendor {
            VendorName::Xiaomi => 30,
            VendorName::Fcm => 270,
            _ => 0,
        };
        let days = self.idle_days.get(&vendor).copied().unwrap_or(own);
        (days > 0).then_some(days)
    }

    /// Whether no vendor is set at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a vendor is, and how long we wait for it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connection {
    /// Origin of its API, as `https://host[:port]`; its public one when absent.
    pub base_url: Option<String>,
    /// Full address that gives tokens; its public one when absent.
    pub token_url: Option<String>,
    /// Certificates (PEM) trusted beside the host's.
    pub extra_roots: Option<Secret>,
    /// Longest wait for a connection, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Longest wait for an answer, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            base_url: None,
            token_url: None,
            extra_roots: None,
            connect_timeout_ms: 5_000,
            timeout_ms: 10_000,
        }
    }
}

/// How fast a vendor may be asked; what is absent is what the vendor allows by its documents.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// Most requests on their way at the same time.
    pub in_flight: Option<usize>,
    /// Most requests a second.
    pub per_second: Option<u32>,
    /// Most devices of one request, where the vendor takes several; 1 for one at a time.
    pub batch: Option<usize>,
    /// Most pushes a day, from midnight to midnight in China; no limit when absent.
    pub per_day: Option<u64>,
    /// How many of `per_day` only calls and mentions may use.
    pub reserve: u64,
}

/// How a class is told to a vendor. Each vendor reads what it knows; `docs/push-vendors.md` says which.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassWords {
    /// Channel that the app created or the vendor approved.
    pub channel: Option<String>,
    /// The vendor's category, as `IM`.
    pub category: Option<String>,
    /// The vendor's importance, as `NORMAL`.
    pub importance: Option<String>,
    /// vivo: 0 marketing, 1 system. Meizu: 0 public, 1 private.
    pub classification: Option<u8>,
    /// OPPO: 1, 2 or 16.
    pub notify_level: Option<u8>,
    /// Approved template.
    pub template: Option<String>,
    /// What fills the template: its names, with texts in which `{title}` and `{body}` stand for the notification's.
    pub template_values: BTreeMap<String, String>,
}

/// The words for each class; a class without goes as `chat` does, and `marketing` and `system` go without any.
pub type Classes = BTreeMap<Class, ClassWords>;

/// The words for a class.
pub(crate) fn words(classes: &Classes, class: Class) -> ClassWords {
    let own = classes.get(&class);
    let like_chat = matches!(class, Class::Call | Class::Mention | Class::Group);
    let found = own.or_else(|| classes.get(&Class::Chat).filter(|_| like_chat));
    found.cloned().unwrap_or_default()
}

/// Where a vendor reports what became of a push.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    /// Public address of our endpoint.
    pub url: String,
    /// Comes back with each report, where the vendor signs nothing.
    pub secret: Secret,
}

/// What is wrong with the settings of a vendor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("push.{vendor}.{key}: {what}")]
pub struct SettingsError {
    /// Whose.
    pub vendor: VendorName,
    /// The setting inside the vendor's section.
    pub key: &'static str,
    /// What is wrong with it; holds no secret.
    pub what: String,
}

impl SettingsError {
    pub(crate) fn new(vendor: VendorName, key: &'static str, what: impl std::fmt::Display) -> Self {
        Self {
            vendor,
            key,
            what: what.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_at_every_depth() {
        for text in [
            r#"{"apn": {}}"#,
            r#"{"meizu": {"app_id": "1", "app_secret": "s", "colour": 1}}"#,
            r#"{"meizu": {"app_id": "1", "app_secret": "s", "pace": {"per_minute": 1}}}"#,
            r#"{"meizu": {"app_id": "1", "app_secret": "s", "class": {"chat": {"chanel": "1"}}}}"#,
            r#"{"app": {"acme": {"fcn": {}}}}"#,
        ] {
            let read: Result<Settings, _> = serde_json::from_str(text);
            assert!(read.is_err(), "{text}");
        }
    }

    #[test]
    fn a_call_goes_in_the_chat_class_unless_it_has_its_own() {
        let chat = ClassWords {
            category: Some("IM".to_owned()),
            ..ClassWords::default()
        };
        let classes = Classes::from([(Class::Chat, chat.clone())]);
        assert_eq!(words(&classes, Class::Call), chat);
        assert_eq!(words(&classes, Class::Marketing), ClassWords::default());
    }
}
