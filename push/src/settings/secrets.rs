//! Which secrets each vendor's section names: when one of their files changes, the vendor is made anew.

use std::collections::HashMap;

use super::{AppVendors, Callback, Connection, Secret, Settings};
use crate::VendorName;

/// Which section: an app's, or that of every app, and the vendor.
pub(crate) type Section = (Option<String>, VendorName);

impl Settings {
    /// Every section that is set, with a digest of what its secrets hold now.
    pub(crate) fn digests(&self) -> HashMap<Section, [u8; 32]> {
        let every = self.of_every_app();
        let mut digests = HashMap::new();
        let apps = self.app.iter().map(|(app, vendors)| (Some(app.as_str()), vendors));
        for (app, vendors) in std::iter::once((None, &every)).chain(apps) {
            for vendor in VendorName::ALL.into_iter().chain([VendorName::External]) {
                if let Some(secrets) = vendors.secrets(vendor) {
                    digests.insert((app.map(str::to_owned), vendor), digest(&secrets));
                }
            }
        }
        digests
    }
}

fn digest(secrets: &[&Secret]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for secret in secrets {
        // One that cannot be read is another than one that can.
        let text = secret
            .read()
            .map_or_else(|error| format!("!{error}"), |text| format!("={text}"));
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn roots(connection: &Connection) -> Option<&Secret> {
    connection.extra_roots.as_ref()
}

fn reported(callback: Option<&Callback>) -> Option<&Secret> {
    callback.map(|callback| &callback.secret)
}

impl AppVendors {
    /// The secrets of a vendor; nothing where it is not set.
    fn secrets(&self, vendor: VendorName) -> Option<Vec<&Secret>> {
        let secrets: Vec<Option<&Secret>> = match vendor {
            VendorName::Apns => {
                let set = self.apns.as_ref()?;
                let own = [&set.key, &set.certificate, &set.certificate_key];
                own.map(Option::as_ref)
                    .into_iter()
                    .chain([roots(&set.connection)])
                    .collect()
            }
            VendorName::Fcm => {
                let set = self.fcm.as_ref()?;
                vec![Some(&set.service_account), roots(&set.connection)]
            }
            VendorName::WebPush => {
                let set = self.webpush.as_ref()?;
                vec![Some(&set.private_key), roots(&set.connection)]
            }
            VendorName::Xiaomi => {
                let set = self.xiaomi.as_ref()?;
                vec![
                    Some(&set.app_secret),
                    reported(set.callback.as_ref()),
                    roots(&set.connection),
                ]
            }
            VendorName::Huawei => {
                let set = self.huawei.as_ref()?;
                let v1 = set.v1.as_ref();
                let v3 = set.v3.as_ref();
                vec![
                    v1.map(|v1| &v1.client_secret),
                    v1.and_then(|v1| roots(&v1.connection)),
                    v3.map(|v3| &v3.service_account),
                    v3.and_then(|v3| roots(&v3.connection)),
                ]
            }
            VendorName::Honor => {
                let set = self.honor.as_ref()?;
                vec![Some(&set.client_secret), roots(&set.connection)]
            }
            VendorName::Oppo => {
                let set = self.oppo.as_ref()?;
                vec![
                    Some(&set.master_secret),
                    reported(set.callback.as_ref()),
                    roots(&set.connection),
                ]
            }
            VendorName::Vivo => {
                let set = self.vivo.as_ref()?;
                vec![
                    Some(&set.app_secret),
                    reported(set.callback.as_ref()),
                    roots(&set.connection),
                ]
            }
            VendorName::External => {
                let set = self.external.as_ref()?;
                vec![Some(&set.secret), roots(&set.connection)]
            }
            VendorName::Meizu => {
                let set = self.meizu.as_ref()?;
                vec![
                    Some(&set.app_secret),
                    reported(set.callback.as_ref()),
                    roots(&set.connection),
                ]
            }
        };
        Some(secrets.into_iter().flatten().collect())
    }
}
