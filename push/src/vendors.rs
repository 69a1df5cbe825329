//! All vendors that the settings name, each behind its lane.

use std::collections::HashMap;
use std::sync::Arc;

use godwit_model::Clock;

use crate::settings::{AppVendors, Settings, SettingsError};
use crate::vendor::{
    apns::{ApnsClient, ProviderTokens},
    fcm::FcmClient,
    honor::HonorClient,
    huawei::HuaweiClient,
    meizu::MeizuClient,
    oppo::OppoClient,
    vivo::VivoClient,
    webpush::WebPushClient,
    xiaomi::XiaomiClient,
};
use crate::{Lane, VendorName};

/// The lanes of one app, by vendor.
type Lanes = HashMap<VendorName, Arc<Lane>>;

/// Every configured vendor, for every app and for single ones.
pub struct Vendors {
    every_app: Lanes,
    apps: HashMap<String, Lanes>,
}

impl Vendors {
    /// Makes all clients. Reads key files; opens no connection.
    pub fn from_settings(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let mut tokens = ProviderTokens::default();
        let mut apps = HashMap::new();
        for (app, vendors) in &settings.app {
            apps.insert(app.clone(), lanes(vendors, &mut tokens, clock)?);
        }
        Ok(Self {
            every_app: lanes(&settings.of_every_app(), &mut tokens, clock)?,
            apps,
        })
    }

    /// The lane that an app's pushes take to a vendor: its own, or that of every app.
    pub fn lane(&self, app: &str, name: VendorName) -> Option<&Arc<Lane>> {
        let own = self.apps.get(app).and_then(|lanes| lanes.get(&name));
        own.or_else(|| self.every_app.get(&name))
    }

    /// Every lane, with the app it belongs to; `None` is every app.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &Arc<Lane>)> {
        let shared = self.every_app.values().map(|lane| (None, lane));
        let own = self.apps.iter();
        let own = own.flat_map(|(app, lanes)| lanes.values().map(|lane| (Some(app.as_str()), lane)));
        shared.chain(own)
    }

    /// Whether no vendor is configured.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }
}

fn lanes(of: &AppVendors, tokens: &mut ProviderTokens, clock: &Arc<dyn Clock>) -> Result<Lanes, SettingsError> {
    let mut lanes = Lanes::new();
    let mut add = |name, lane: Lane| lanes.insert(name, Arc::new(lane));
    let now = || Arc::clone(clock);
    if let Some(set) = &of.apns {
        let vendor = Arc::new(ApnsClient::new(set, tokens, now())?);
        add(VendorName::Apns, Lane::new(vendor, &set.pace, now()));
    }
    if let Some(set) = &of.fcm {
        let vendor = Arc::new(FcmClient::new(set, now())?);
        add(VendorName::Fcm, Lane::new(vendor, &set.pace, now()));
    }
    if let Some(set) = &of.webpush {
        let vendor = Arc::new(WebPushClient::new(set, now())?);
        add(VendorName::WebPush, Lane::new(vendor, &set.pace, now()));
    }
    if let Some(set) = &of.xiaomi {
        let vendor = Arc::new(XiaomiClient::new(set, now())?);
        add(VendorName::Xiaomi, Lane::new(vendor, &set.pace, now()));
    }
    if let Some(set) = &of.huawei {
        let vendor = Arc::new(HuaweiClient::new(set, now())?);
        add(VendorName::Huawei, Lane::new(vendor, &set.pace, now()));
    }
    if let Some(set) = &of.honor {
        let vendor = Arc::new(HonorClient::new(set, now())?);
        add(VendorName::Honor, Lane::new(vendor, &set.pace, now()));
    }
    if let Some(set) = &of.oppo {
        let vendor = Arc::new(OppoClient::new(set, now())?);
        add(VendorName::Oppo, Lane::new(vendor, &set.pace, now()));
    }
    if let Some(set) = &of.vivo {
        let vendor = Arc::new(VivoClient::new(set, now())?);
        add(VendorName::Vivo, Lane::new(vendor, &set.pace, now()));
    }
    if let Some(set) = &of.meizu {
        let vendor = Arc::new(MeizuClient::new(set, now())?);
        add(VendorName::Meizu, Lane::new(vendor, &set.pace, now()));
    }
    Ok(lanes)
}
