//! All vendors that the settings name, each behind its lane.

mod kept;

use std::collections::HashMap;
use std::sync::Arc;

use godwit_model::Clock;

use crate::settings::{AppVendors, Section, Settings, SettingsError};
use crate::vendor::{
    apns::{ApnsClient, ProviderTokens},
    external::{ExternalClient, ExternalService},
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

pub use kept::KeptVendors;

/// The lanes of one app, by vendor.
type Lanes = HashMap<VendorName, Arc<Lane>>;
/// External services, by app; `None` is every app that has none of its own.
type Services = HashMap<Option<String>, Arc<ExternalService>>;

/// Every configured vendor, for every app and for single ones.
pub struct Vendors {
    every_app: Lanes,
    apps: HashMap<String, Lanes>,
    /// What the secrets of each held when it was made.
    digests: HashMap<Section, [u8; 32]>,
    services: Services,
}

impl Vendors {
    /// Makes all clients. Reads key files; opens no connection.
    pub fn from_settings(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Self, SettingsError> {
        // Before the secrets are used: what changes meanwhile is seen as another.
        let digests = settings.digests();
        let mut tokens = ProviderTokens::default();
        let mut apps = HashMap::new();
        let mut services = Services::new();
        for (app, vendors) in &settings.app {
            let mut own = lanes(vendors, &mut tokens, clock)?;
            let service = add_external(&mut own, vendors, clock)?;
            services.extend(service.map(|service| (Some(app.clone()), service)));
            apps.insert(app.clone(), own);
        }
        let shared = settings.of_every_app();
        let mut every_app = lanes(&shared, &mut tokens, clock)?;
        let service = add_external(&mut every_app, &shared, clock)?;
        services.extend(service.map(|service| (None, service)));
        Ok(Self {
            every_app,
            apps,
            digests,
            services,
        })
    }

    /// The same with those vendors anew whose secrets hold something else by now; nothing where all are as they were.
    fn renewed(&self, settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Option<Self>, SettingsError> {
        let digests = settings.digests();
        if digests == self.digests {
            return Ok(None);
        }
        let mut anew = Self::from_settings(settings, clock)?;
        for (section, digest) in &self.digests {
            // What a lane has learned, and the tokens it holds, stay where nothing changed.
            if anew.digests.get(section) == Some(digest)
                && let Some(lane) = self.of(section)
                && let Some(new) = anew.of_mut(section)
            {
                *new = Arc::clone(lane);
            }
        }
        Ok(Some(anew))
    }

    fn of(&self, (app, name): &Section) -> Option<&Arc<Lane>> {
        match app {
            None => self.every_app.get(name),
            Some(app) => self.apps.get(app)?.get(name),
        }
    }

    fn of_mut(&mut self, (app, name): &Section) -> Option<&mut Arc<Lane>> {
        match app {
            None => self.every_app.get_mut(name),
            Some(app) => self.apps.get_mut(app)?.get_mut(name),
        }
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

    /// The external service that wants to hear of an app's devices.
    pub fn hearing_service(&self, app: &str) -> Option<&Arc<ExternalService>> {
        let own = self.services.get(&Some(app.to_owned()));
        let service = own.or_else(|| self.services.get(&None));
        service.filter(|service| service.hears_calls)
    }

    /// Whether any external service wants to hear of devices.
    pub fn has_hearing_service(&self) -> bool {
        self.services.values().any(|service| service.hears_calls)
    }

    /// Whether no vendor is configured.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }
}

/// Adds the external service, as itself and in the place of vendors that are not set.
fn add_external(
    lanes: &mut Lanes,
    of: &AppVendors,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<ExternalService>>, SettingsError> {
    let Some(set) = &of.external else { return Ok(None) };
    let service = Arc::new(ExternalService::new(set, Arc::clone(clock))?);
    for name in set.instead_of.iter().copied().chain([VendorName::External]) {
        let client = ExternalClient {
            service: Arc::clone(&service),
            name,
        };
        lanes
            .entry(name)
            .or_insert_with(|| Arc::new(Lane::new(Arc::new(client), &set.pace, Arc::clone(clock))));
    }
    Ok(Some(service))
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
