//! Which devices the simulated vendors know, and how they are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::VendorName;

/// How a device is, as its vendor sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// It has the app.
    Good,
    /// The vendor never gave this token.
    Unknown,
    /// The app is not there any more.
    Gone {
        /// Since when, in milliseconds since 1970.
        since_ms: u64,
    },
    /// It has another app.
    OtherApp,
    /// The vendor does not push to it, for a reason of its own word, which says nothing about the token.
    Refused {
        /// The vendor's word.
        reason: String,
    },
}

/// The devices of all vendors.
#[derive(Default)]
pub struct Devices {
    known: Mutex<HashMap<(VendorName, String), Device>>,
    welcoming: AtomicBool,
}

impl Devices {
    /// How a device is from now on.
    pub fn set(&self, vendor: VendorName, token: &str, device: Device) {
        self.known().insert((vendor, token.to_owned()), device);
    }

    /// How a device is.
    pub fn get(&self, vendor: VendorName, token: &str) -> Device {
        let known = self.known();
        let device = known.get(&(vendor, token.to_owned())).cloned();
        let stranger = if self.welcoming.load(Ordering::Relaxed) {
            Device::Good
        } else {
            Device::Unknown
        };
        device.unwrap_or(stranger)
    }

    /// Takes every token that was never set for a good one, as a server with made-up phones needs it.
    pub fn welcome_strangers(&self) {
        self.welcoming.store(true, Ordering::Relaxed);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(VendorName, String), Device>> {
        self.known.lock().expect("nothing panics while it holds the devices")
    }
}

/// A token as Apple gives them.
pub(crate) fn hexadecimal_token(name: &str) -> String {
    crate::hexadecimal::hexadecimal(blake3::hash(name.as_bytes()).as_bytes())
}

/// A token as the others give them.
pub(crate) fn token(vendor: VendorName, name: &str) -> String {
    let hash = crate::base64url::encode(blake3::hash(format!("{vendor} {name}").as_bytes()).as_bytes());
    match vendor {
        // OPPO's ids are split at underscores.
        VendorName::Oppo => format!("OPPO_CN_{}", hash.replace('_', "x")),
        _ => format!("{vendor}-{hash}"),
    }
}
