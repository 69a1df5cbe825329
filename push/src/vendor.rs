//! The one trait of all vendors, and what they say about themselves.

pub(crate) mod apns;
pub(crate) mod external;
pub(crate) mod fcm;
pub(crate) mod honor;
pub(crate) mod huawei;
pub(crate) mod meizu;
pub(crate) mod oppo;
pub(crate) mod vivo;
pub(crate) mod webpush;
pub(crate) mod xiaomi;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::str::FromStr;
use std::task::Poll;

use serde::Deserialize;

use crate::settings::Callback;
use crate::{Class, Kind, Notification, Outcome, PushId, Tap};

/// A future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A push service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VendorName {
    /// Apple.
    Apns,
    /// Google.
    Fcm,
    /// Browsers.
    WebPush,
    /// Xiaomi.
    Xiaomi,
    /// Huawei, Android and HarmonyOS.
    Huawei,
    /// Honor.
    Honor,
    /// OPPO, realme and OnePlus in China.
    Oppo,
    /// vivo.
    Vivo,
    /// Meizu.
    Meizu,
    /// A push service that somebody else runs.
    External,
}

impl VendorName {
    /// The vendors; [`Self::External`], which stands for others, is none of them.
    pub const ALL: [Self; 9] = [
        Self::Apns,
        Self::Fcm,
        Self::WebPush,
        Self::Xiaomi,
        Self::Huawei,
        Self::Honor,
        Self::Oppo,
        Self::Vivo,
        Self::Meizu,
    ];

    /// As registrations and settings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apns => "apns",
            Self::Fcm => "fcm",
            Self::WebPush => "webpush",
            Self::Xiaomi => "xiaomi",
            Self::Huawei => "huawei",
            Self::Honor => "honor",
            Self::Oppo => "oppo",
            Self::Vivo => "vivo",
            Self::Meizu => "meizu",
            Self::External => "external",
        }
    }
}

impl fmt::Display for VendorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No vendor has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no push vendor is called {0:?}")]
pub struct UnknownVendor(pub String);

impl FromStr for VendorName {
    type Err = UnknownVendor;

    fn from_str(text: &str) -> Result<Self, UnknownVendor> {
        let mut known = Self::ALL.into_iter().chain([Self::External]);
        let found = known.find(|name| name.as_str() == text);
        found.ok_or_else(|| UnknownVendor(text.to_owned()))
    }
}

/// Where a push goes: what a device said of itself when it registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The vendor's name for the app on the device. For Web Push the subscription as the browser gives it, as JSON:
    /// `{"endpoint", "keys": {"p256dh", "auth"}}`.
    pub token: String,
    /// APNs only: the token that rings.
    pub voip_token: Option<String>,
    /// Package or bundle of the app, where it differs from the configured one.
    pub package: Option<String>,
    /// APNs only: built for development.
    pub sandbox: bool,
    /// Xiaomi only: where the device registered, as `sgp`, `fr`, `ru` or `idmb`; `None` is China.
    pub region: Option<String>,
    /// Huawei only: runs HarmonyOS 5 or later, which only v3 reaches.
    pub harmony: bool,
}

impl Target {
    /// A target with this token and nothing else.
    pub fn token(token: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            ..Self::default()
        }
    }
}

/// What a vendor can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests on their way at the same time.
    pub in_flight: usize,
    /// Requests a second.
    pub per_second: u32,
    /// Longest time it keeps a push, in seconds.
    pub ttl_seconds_max: u64,
    /// Bytes of a payload.
    pub payload_bytes_max: usize,
    /// Targets of one request; 1 where it takes one at a time.
    pub batch: usize,
    /// So many targets at least make one request for all cheaper than one for each.
    pub batch_least: usize,
    /// Whether what it shows carries the account's badge, so that devices of different accounts may get different pushes.
    pub badge: bool,
    /// Whether it can reach the app without showing anything, which [`crate::Kind::Background`] and
    /// [`crate::Kind::Withdraw`] need.
    pub silent: bool,
    /// Whether its quotas end at midnight in China.
    pub day_quota: bool,
}

/// Why a vendor would not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It could not be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It does not take the credentials.
    #[error("the credentials are refused: {code}: {detail}")]
    Credentials {
        /// The vendor's code.
        code: String,
        /// The vendor's text.
        detail: String,
    },
    /// It answered something else than expected.
    #[error("unexpected answer: {code}: {detail}")]
    Unexpected {
        /// The vendor's code, or the HTTP status.
        code: String,
        /// The vendor's text.
        detail: String,
    },
}

/// A push service that one app may use. Does not wait, queue or repeat beyond what a single push needs (a renewed token,
/// a fresh connection): that is the [`crate::Lane`]'s.
pub trait Vendor: Send + Sync {
    /// Which one.
    fn name(&self) -> VendorName;

    /// What it can take.
    fn limits(&self) -> Limits;

    /// Sends one notification to one device. Never takes longer than the configured timeouts.
    fn deliver<'a>(&'a self, to: &'a Target, notification: &'a Notification) -> BoxFuture<'a, Outcome>;

    /// Sends one notification to several devices, at most [`Limits::batch`]; outcomes come in the order of `to`.
    fn deliver_many<'a>(&'a self, to: &'a [Target], notification: &'a Notification) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(to.len());
            for target in to {
                outcomes.push(self.deliver(target, notification).await);
            }
            outcomes
        })
    }

    /// Asks the vendor whether the credentials work, without reaching a device; says what was found.
    fn check(&self) -> BoxFuture<'_, Result<String, CheckError>>;
}

/// As the ledger and an external service spell it.
pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Alert => "alert",
        Kind::Call => "call",
        Kind::Background => "background",
        Kind::Withdraw => "withdraw",
    }
}

/// An outcome that a check did not expect.
fn unexpected(outcome: &Outcome) -> CheckError {
    CheckError::Unexpected {
        code: outcome.code().to_owned(),
        detail: outcome.detail().to_owned(),
    }
}

/// What a vendor gets to look at when it is asked whether the credentials work.
pub(crate) fn probe(now_ms: u64) -> Notification {
    Notification {
        id: PushId([0; 16]),
        kind: Kind::Alert,
        class: Class::System,
        title: "Godwit".to_owned(),
        body: "Are the credentials right?".to_owned(),
        badge: None,
        collapse: String::new(),
        sound: None,
        icon: None,
        image: None,
        tap: Tap::OpenConversation,
        thread: String::new(),
        data: Vec::new(),
        expires_at_ms: now_ms + 60_000,
    }
}

/// The one outcome of a request for one.
fn only(outcomes: Vec<Outcome>) -> Outcome {
    let mut outcomes = outcomes.into_iter();
    outcomes.next().expect("as many outcomes as targets, and there was one")
}

/// How many are asked at once, when a vendor that refused a list for one of it does not say which.
const ALONE: usize = 16;

/// Asks for each alone, so that no good token goes with a bad one. Outcomes come in the order of `to`.
async fn each_alone<'a, T, F: Future<Output = Outcome>>(to: &'a [T], ask: impl Fn(&'a T) -> F) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(to.len());
    for some in to.chunks(ALONE) {
        outcomes.extend(together(some.iter().map(&ask).collect()).await);
    }
    outcomes
}

/// What all of these come to, in their order, side by side in one task.
async fn together<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut asked: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    poll_fn(|context| {
        let mut is_done = true;
        for (one, come) in asked.iter_mut().filter(|(_, come)| come.is_none()) {
            match one.as_mut().poll(context) {
                Poll::Ready(output) => *come = Some(output),
                Poll::Pending => is_done = false,
            }
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    asked.into_iter().filter_map(|(_, come)| come).collect()
}

/// Bytes of the text that a vendor sends back with its reports; the shortest limit of all of them.
const CALLBACK_SECRET_MAX: usize = 64;

/// Where a vendor reports, with the secret that it sends back.
fn callback(set: Option<&Callback>) -> Result<Option<(Callback, String)>, String> {
    let Some(callback) = set else {
        return Ok(None);
    };
    let secret = callback.secret.read().map_err(|error| format!("secret {error}"))?;
    if secret.len() > CALLBACK_SECRET_MAX {
        return Err(format!("secret may have {CALLBACK_SECRET_MAX} bytes"));
    }
    if callback.url.len() > 128 || !callback.url.starts_with("http") {
        return Err("url must be an address of at most 128 bytes".to_owned());
    }
    Ok(Some((callback.clone(), secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written() {
        for name in VendorName::ALL.into_iter().chain([VendorName::External]) {
            assert_eq!(name.as_str().parse(), Ok(name));
        }
        assert!("apple".parse::<VendorName>().is_err());
    }
}
