//! Who may report for which vendor: the secrets of every app, and the reports that were taken.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::VendorName;
use crate::receipt::huawei::Nonces;
use crate::receipt::{Receipt, ReceiptError, huawei, meizu, oppo, vivo, xiaomi};
use crate::settings::{AppVendors, Callback, Secret, Settings, SettingsError};

/// What a vendor of one app proves its reports by.
#[derive(Clone)]
struct Proof {
    /// Whose vendor; `None` is that of every app that has none of its own.
    app: Option<String>,
    by: By,
}

#[derive(Clone)]
enum By {
    /// Huawei's signature.
    Signature { key: String, user: String },
    /// A text that went out with the push and comes back.
    Secret(String),
}

/// A report that proved where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose vendor reports; `None` is that of every app that has none of its own.
    pub app: Option<String>,
    /// What it says, in the vendor's order.
    pub receipts: Vec<Receipt>,
    /// What makes a repeat of it known, where the vendor sends such.
    nonce: Option<String>,
}

/// Takes reports of all vendors that are set to report.
#[derive(Default)]
pub struct Receipts {
    proofs: HashMap<VendorName, Vec<Proof>>,
    nonces: Mutex<Nonces>,
}

impl Receipts {
    /// Reads the secrets of the settings.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let mut receipts = Self::default();
        receipts.add(None, &settings.of_every_app())?;
        for (app, vendors) in &settings.app {
            receipts.add(Some(app), vendors)?;
        }
        Ok(receipts)
    }

    fn add(&mut self, app: Option<&String>, vendors: &AppVendors) -> Result<(), SettingsError> {
        if let Some(set) = vendors.huawei.as_ref().and_then(|huawei| huawei.receipts.as_ref()) {
            let key = read(VendorName::Huawei, "receipts", &set.key)?;
            let user = set.user.clone();
            self.expect(VendorName::Huawei, app, By::Signature { key, user });
        }
        let callbacks: [(VendorName, Option<&Callback>); 4] = [
            (
                VendorName::Xiaomi,
                vendors.xiaomi.as_ref().and_then(|set| set.callback.as_ref()),
            ),
            (
                VendorName::Oppo,
                vendors.oppo.as_ref().and_then(|set| set.callback.as_ref()),
            ),
            (
                VendorName::Vivo,
                vendors.vivo.as_ref().and_then(|set| set.callback.as_ref()),
            ),
            (
                VendorName::Meizu,
                vendors.meizu.as_ref().and_then(|set| set.callback.as_ref()),
            ),
        ];
        for (vendor, callback) in callbacks {
            if let Some(callback) = callback {
                self.expect(vendor, app, By::Secret(read(vendor, "callback", &callback.secret)?));
            }
        }
        Ok(())
    }

    fn expect(&mut self, vendor: VendorName, app: Option<&String>, by: By) {
        let app = app.cloned();
        self.proofs.entry(vendor).or_default().push(Proof { app, by });
    }

    /// Reads a report and has it prove where it comes from. `signature` is Huawei's header `X-HUAWEI-CALLBACK-ID`. A report
    /// that could not be kept after all is to be given back with [`Receipts::give_back`], so that its repeat is taken.
    pub fn take(
        &self,
        vendor: VendorName,
        (signature, body): (Option<&str>, &[u8]),
        now_ms: u64,
    ) -> Result<Report, ReceiptError> {
        let proofs = self.proofs.get(&vendor).ok_or(ReceiptError::NotSet)?;
        let mut refused = ReceiptError::Forged;
        for proof in proofs {
            match self.prove(vendor, proof, (signature, body), now_ms) {
                Err(ReceiptError::Forged) => {}
                Err(error) => refused = error,
                taken @ Ok(_) => return taken,
            }
        }
        Err(refused)
    }

    fn prove(
        &self,
        vendor: VendorName,
        proof: &Proof,
        (signature, body): (Option<&str>, &[u8]),
        now_ms: u64,
    ) -> Result<Report, ReceiptError> {
        let mut nonce = None;
        let receipts = match (&proof.by, vendor) {
            (By::Signature { key, user }, _) => {
                let header = signature.ok_or(ReceiptError::Forged)?;
                let taken = huawei::verify(header, key, user, now_ms, &mut self.nonces())?;
                let read = huawei::read(body);
                if read.is_err() {
                    self.nonces().forget(&taken);
                }
                nonce = Some(taken);
                read?
            }
            (By::Secret(secret), VendorName::Xiaomi) => xiaomi(body, secret)?,
            (By::Secret(secret), VendorName::Oppo) => oppo(body, secret)?,
            (By::Secret(secret), VendorName::Vivo) => vivo(body, secret)?,
            (By::Secret(secret), VendorName::Meizu) => meizu(body, secret)?,
            (By::Secret(_), _) => return Err(ReceiptError::NotSet),
        };
        let app = proof.app.clone();
        Ok(Report { app, receipts, nonce })
    }

    /// Whether a report of this app's vendor speaks of devices of `app`: its own, or those of every app that has no
    /// vendor of its own.
    pub fn speaks_for(&self, vendor: VendorName, report: &Report, app: &str) -> bool {
        if let Some(own) = &report.app {
            return own == app;
        }
        let has_own = |proofs: &Vec<Proof>| proofs.iter().any(|proof| proof.app.as_deref() == Some(app));
        !self.proofs.get(&vendor).is_some_and(has_own)
    }

    /// What was taken could not be kept: its repeat is taken.
    pub fn give_back(&self, report: &Report) {
        if let Some(nonce) = &report.nonce {
            self.nonces().forget(nonce);
        }
    }

    fn nonces(&self) -> MutexGuard<'_, Nonces> {
        // Nothing that runs under the lock can leave it half changed.
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(vendor: VendorName, key: &'static str, secret: &Secret) -> Result<String, SettingsError> {
    secret.read().map_err(|error| SettingsError::new(vendor, key, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        serde_json::from_str(text).expect("settings")
    }

    #[test]
    fn a_report_speaks_for_the_app_whose_secret_it_brings() {
        let meizu = |secret: &str| {
            format!(
                r#"{{"app_id": "1", "app_secret": "s", "callback": {{"url": "https://x.example/", "secret": "{secret}"}}}}"#
            )
        };
        let text = format!(
            r#"{{"meizu": {}, "app": {{"own": {{"meizu": {}}}}}}}"#,
            meizu("all"),
            meizu("mine")
        );
        let receipts = Receipts::from_settings(&settings(&text)).expect("secrets");
        let body = |secret: &str| {
            let json = format!(r#"{{"m1": {{"param": "{secret}", "type": 1, "targets": ["t"]}}}}"#);
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("cb", &json);
            form.finish().into_bytes()
        };
        let take = |body: &[u8]| receipts.take(VendorName::Meizu, (None, body), 0);
        let (shared, own) = (
            take(&body("all")).expect("proved"),
            take(&body("mine")).expect("proved"),
        );
        assert_eq!((shared.app.as_deref(), own.app.as_deref()), (None, Some("own")));
        let speaks = |report, app| receipts.speaks_for(VendorName::Meizu, report, app);
        assert!(speaks(&own, "own") && !speaks(&own, "1") && speaks(&shared, "1") && !speaks(&shared, "own"));
        assert_eq!(take(&body("else")), Err(ReceiptError::Forged));
        assert_eq!(take(b"cb=nothing"), Err(ReceiptError::Unreadable));
        let unset = receipts.take(VendorName::Vivo, (None, b"{}"), 0);
        assert_eq!(unset, Err(ReceiptError::NotSet));
    }
}
