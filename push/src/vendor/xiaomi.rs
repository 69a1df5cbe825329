//! Xiaomi (Mi Push): forms, one secret for all requests (reference: dev.mi.com, documents 1559, 1560, 1656, 2314).

mod answer;
mod form;

use std::sync::Arc;

use godwit_model::Clock;

use crate::door::{self, Door, Speaks};
use crate::settings::{Callback, Classes, SettingsError, Xiaomi};
use crate::{BoxFuture, CheckError, Limits, Notification, Outcome, Target, Vendor, VendorName};

const ORIGIN: &str = "https://api.xmpush.xiaomi.com";
const REGION_ORIGIN: &str = "https://{region}-api.xmpush.global.xiaomi.com";
/// Where Xiaomi has hosts outside China.
const REGIONS: [&str; 4] = ["sgp", "fr", "ru", "idmb"];
const SEND: &str = "/v3/message/regid";
const QUOTA: &str = "/v1/trace/quota/get";
const BATCH: usize = 1_000;
/// Longest life of the chat class, in seconds; the marketing class has a day.
const TTL_SECONDS_MAX: u64 = 10 * 24 * 3_600;

pub(crate) struct XiaomiClient {
    door: Door,
    origin: String,
    region_origin: String,
    authorization: String,
    package: String,
    classes: Classes,
    callback: Option<(Callback, String)>,
    encode_payload_twice: bool,
    clock: Arc<dyn Clock>,
}

impl XiaomiClient {
    pub(crate) fn new(set: &Xiaomi, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key| move |what: String| SettingsError::new(VendorName::Xiaomi, key, what);
        let secret = set
            .app_secret
            .read()
            .map_err(|error| wrong("app_secret")(error.to_string()))?;
        let region_origin = set.region_url.clone().unwrap_or_else(|| REGION_ORIGIN.to_owned());
        // Whether it is an address is known once a region is in it.
        door::origin(Some(&region_origin.replace("{region}", "sgp")), "").map_err(wrong("region_url"))?;
        let origin = door::origin(set.connection.base_url.as_ref(), ORIGIN);
        Ok(Self {
            door: Door::new(&set.connection, Speaks::Either, Arc::clone(&clock)).map_err(wrong("connection"))?,
            origin: origin.map_err(wrong("connection.base_url"))?,
            region_origin,
            authorization: format!("key={secret}"),
            package: set.package.clone(),
            classes: set.class.clone(),
            callback: super::callback(set.callback.as_ref()).map_err(wrong("callback"))?,
            encode_payload_twice: set.encode_payload_twice,
            clock,
        })
    }

    async fn send(&self, to: &[Target], notification: &Notification) -> Vec<Outcome> {
        let Some(first) = to.first() else {
            return Vec::new();
        };
        let alike = |target: &Target| target.region == first.region && target.package == first.package;
        let outcome = if !to.iter().all(alike) {
            Outcome::refused("mixed", "one request is for one region and one package")
        } else if to
            .iter()
            .any(|target| target.token.contains(',') || target.token.is_empty())
        {
            Outcome::refused("token_form", "a registration id has no comma")
        } else {
            self.send_alike(to, first, notification).await
        };
        if to.len() > 1 && outcome.code() == answer::SEND_FAILED {
            // One dead registration among them may be why, and Xiaomi does not say which.
            return super::each_alone(to, |target| {
                self.send_alike(std::slice::from_ref(target), target, notification)
            })
            .await;
        }
        vec![outcome; to.len()]
    }

    async fn send_alike(&self, to: &[Target], first: &Target, notification: &Notification) -> Outcome {
        let Some(origin) = self.origin_of(first.region.as_deref()) else {
            return Outcome::refused("region", "Xiaomi has no host there");
        };
        let Some(form) = self.form(to, first, notification) else {
            return Outcome::refused("too_large", "the data for the app is too large");
        };
        let post = self
            .door
            .client
            .post(format!("{origin}{SEND}"))
            .header("authorization", &self.authorization)
            .form(&form);
        match self.door.ask(post).await {
            Ok(answer) => answer::outcome(&answer),
            Err(unreached) => unreached.outcome(),
        }
    }

    fn origin_of(&self, region: Option<&str>) -> Option<String> {
        match region {
            None | Some("cn" | "") => Some(self.origin.clone()),
            Some(region) if REGIONS.contains(&region) => Some(self.region_origin.replace("{region}", region)),
            Some(_) => None,
        }
    }

    async fn ask_quota(&self) -> Result<String, CheckError> {
        let package: String = url::form_urlencoded::byte_serialize(self.package.as_bytes()).collect();
        let address = format!("{}{QUOTA}?restricted_package_name={package}", self.origin);
        let get = self
            .door
            .client
            .get(address)
            .header("authorization", &self.authorization);
        let answer = self.door.ask(get).await?;
        match answer::outcome(&answer) {
            Outcome::Accepted { .. } => Ok(format!("Xiaomi takes the secret of {}", self.package)),
            Outcome::Misconfigured { code, detail } => Err(CheckError::Credentials { code, detail }),
            other => Err(super::unexpected(&other)),
        }
    }
}

impl Vendor for XiaomiClient {
    fn name(&self) -> VendorName {
        VendorName::Xiaomi
    }

    /// What an app with fewer than 100,000 devices may do. A push that shows nothing may be lost when the app does not
    /// run.
    fn limits(&self) -> Limits {
        Limits {
            in_flight: 100,
            per_second: 500,
            ttl_seconds_max: TTL_SECONDS_MAX,
            payload_bytes_max: 4_096,
            batch: BATCH,
            batch_least: 2,
            badge: false,
            silent: true,
            day_quota: true,
        }
    }

    fn deliver<'a>(&'a self, to: &'a Target, notification: &'a Notification) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { super::only(self.send(std::slice::from_ref(to), notification).await) })
    }

    fn deliver_many<'a>(&'a self, to: &'a [Target], notification: &'a Notification) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(self.send(to, notification))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, CheckError>> {
        Box::pin(self.ask_quota())
    }
}
