//! The section of each vendor.

use serde::Deserialize;

use super::{Callback, Classes, Connection, Pace, Secret};
use crate::VendorName;

/// Apple: `team`, `key_id` and `key`, or else a `certificate`. One key of the developer team serves all its apps, and both
/// environments; a certificate is one app's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apns {
    /// The developer team, 10 characters.
    pub team: Option<String>,
    /// The name of the key, 10 characters.
    pub key_id: Option<String>,
    /// The key as Apple gives it: a `.p8` file (PKCS #8, PEM).
    pub key: Option<Secret>,
    /// The app's certificate, and those that lead to Apple's own, if any (PEM). May hold its key as well.
    pub certificate: Option<Secret>,
    /// The certificate's key (PEM), where it is not beside it.
    pub certificate_key: Option<Secret>,
    /// Bundle of the app.
    pub topic: String,
    /// Topic of calls; the bundle and `.voip` when absent.
    pub voip_topic: Option<String>,
    /// Origin for apps built for development; Apple's sandbox when absent.
    pub sandbox_url: Option<String>,
    /// Seconds between two signs of life on an idle connection.
    #[serde(default = "an_hour")]
    pub ping_seconds: u64,
    /// Where it is.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// Google.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fcm {
    /// The key file of the service account (JSON).
    pub service_account: Secret,
    /// The project; the key file's when absent.
    pub project: Option<String>,
    /// Only this package of the app gets the pushes.
    pub package: Option<String>,
    /// Seconds to wait after a 429 that names no time.
    #[serde(default = "a_minute")]
    pub retry_seconds: u64,
    /// Reads `channel`.
    #[serde(default)]
    pub class: Classes,
    /// Where it is.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// Browsers: RFC 8030 with VAPID.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebPush {
    /// The VAPID key: 32 bytes in base64url, or PKCS #8 PEM.
    pub private_key: Secret,
    /// Whom the push service may write to: `mailto:` or `https:`.
    pub subject: String,
    /// Push services that may be asked, as `push.example.org` or `*.example.org`; all when empty.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Lets a subscription name a private or loopback address. For tests only: a client chooses the address.
    #[serde(default)]
    pub private_addresses: bool,
    /// Where it is; `base_url` and `token_url` mean nothing here.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// Xiaomi.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xiaomi {
    /// The app's secret.
    pub app_secret: Secret,
    /// Package of the app.
    pub package: String,
    /// Reads `channel`, `template` and `template_values`.
    #[serde(default)]
    pub class: Classes,
    /// Encodes the payload once more inside the form, as one reading of Xiaomi's text wants.
    #[serde(default)]
    pub encode_payload_twice: bool,
    /// Where devices outside China are, with `{region}` in it; Xiaomi's when absent.
    pub region_url: Option<String>,
    /// Where it reports.
    pub callback: Option<Callback>,
    /// Where it is.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// Huawei: v1 for Android, v3 for HarmonyOS 5 and later. With only one of them, all devices go there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Huawei {
    /// Android.
    pub v1: Option<HuaweiV1>,
    /// HarmonyOS.
    pub v3: Option<HuaweiV3>,
    /// Reads `category`, `importance` and `channel`.
    #[serde(default)]
    pub class: Classes,
    /// Class of the app's start page, which the badge of Android needs.
    pub badge_class: Option<String>,
    /// Name of the receipt endpoint in Huawei's console.
    pub receipt_id: Option<String>,
    /// What signs its receipts; without it they are refused.
    pub receipts: Option<HuaweiReceipts>,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// What signs Huawei's receipts, as entered in its console.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HuaweiReceipts {
    /// The user's name.
    pub user: String,
    /// The key.
    pub key: Secret,
}

/// Huawei's API for Android.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HuaweiV1 {
    /// The app.
    pub app_id: String,
    /// The OAuth client; the app when absent.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Secret,
    /// Where it is.
    #[serde(default)]
    pub connection: Connection,
}

/// Huawei's API for HarmonyOS.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HuaweiV3 {
    /// The key file of the service account (JSON): `project_id`, `key_id`, `private_key`, `sub_account`.
    pub service_account: Secret,
    /// Where it is; `token_url` is the audience that the signed token names.
    #[serde(default)]
    pub connection: Connection,
}

/// Honor.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Honor {
    /// The app.
    pub app_id: String,
    /// The OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Class of the app's start page, which the badge needs.
    pub badge_class: Option<String>,
    /// Reads `importance`.
    #[serde(default)]
    pub class: Classes,
    /// Where it is; sources disagree about `token_url`.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// OPPO.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oppo {
    /// The app's key.
    pub app_key: String,
    /// The app's master secret.
    pub master_secret: Secret,
    /// Reads `channel`, `category`, `notify_level`, `template` and `template_values`.
    #[serde(default)]
    pub class: Classes,
    /// Characters of a body: 50 for the standard style, 128 for the long one.
    #[serde(default = "oppo_body")]
    pub body_max: usize,
    /// Where it is outside China; OPPO's when absent.
    pub overseas_url: Option<String>,
    /// Where it reports.
    pub callback: Option<Callback>,
    /// Where it is.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// vivo.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vivo {
    /// The app.
    pub app_id: u64,
    /// The app's key.
    pub app_key: String,
    /// The app's secret.
    pub app_secret: Secret,
    /// Reads `classification` and `category`.
    #[serde(default)]
    pub class: Classes,
    /// Where it reports.
    pub callback: Option<Callback>,
    /// Where it is.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// Meizu.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meizu {
    /// The app.
    pub app_id: String,
    /// The app's secret.
    pub app_secret: Secret,
    /// Reads `classification`.
    #[serde(default)]
    pub class: Classes,
    /// Where it reports.
    pub callback: Option<Callback>,
    /// Where it is.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

/// A push service that somebody else runs: `docs/push-service.md` is what it must do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// Where it takes pushes, as `https://push.example.org/godwit`.
    pub url: String,
    /// What requests to it are signed with: at least 16 bytes of text, or `whsec_` and base64.
    pub secret: Secret,
    /// Vendors in whose place it stands, where those are not set themselves: their devices' pushes go to it.
    #[serde(default)]
    pub instead_of: Vec<VendorName>,
    /// Whether it is also told of devices that register, leave, come and go.
    #[serde(default)]
    pub calls: bool,
    /// Where it is; `base_url` and `token_url` mean nothing here.
    #[serde(default)]
    pub connection: Connection,
    /// How fast it may be asked.
    #[serde(default)]
    pub pace: Pace,
}

fn an_hour() -> u64 {
    3_600
}

fn a_minute() -> u64 {
    60
}

fn oppo_body() -> usize {
    50
}
