//! Where vendors reach devices. A vendor's token lives on one device at a time, encrypted at rest.

use std::collections::HashMap;
use std::sync::Arc;

use godwit_model::{AccountNo, DeviceNo, Refusal};
use godwit_store::{NewPushToken, PushDeviceRecord, PushTokenRecord, RetiredPushToken};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::registry::{Registry, check_optional_text, check_text, to_the_end};

/// Longest vendor's name, in bytes.
const VENDOR_BYTES_MAX: usize = 32;
/// Longest vendor's token, in bytes.
const TOKEN_BYTES_MAX: usize = 4_096;
/// Longest package, region and the like, in bytes.
const DETAIL_BYTES_MAX: usize = 255;
/// Most vendors of one device.
const VENDORS_MAX: usize = 4;

/// A vendor's address of one installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushToken {
    /// The vendor's short name, such as `apns` or `fcm`: 1 to 32 bytes.
    pub vendor: String,
    /// The token as the vendor gave it: 1 to 4,096 bytes.
    pub token: String,
    /// What else the vendor must know.
    pub details: PushDetails,
}

/// What some vendors must know of a device besides its token. Texts have at most 255 bytes, the second token 4,096.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PushDetails {
    /// APNs: the token that rings.
    pub voip_token: Option<String>,
    /// Package or bundle of the app, where it differs from the configured one.
    pub package: Option<String>,
    /// APNs: built for development.
    pub sandbox: bool,
    /// Xiaomi: the region in which the device registered.
    pub region: Option<String>,
    /// Huawei: runs HarmonyOS 5 or later.
    pub harmony: bool,
}

/// A token of a device as it is used: with what must hold for it to be retired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPushToken {
    /// The token.
    pub push: PushToken,
    /// What names this very token.
    pub token_hash: [u8; 32],
    /// When it was told, in milliseconds since 1970.
    pub set_at_ms: u64,
}

/// A device that can be pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushDevice {
    /// The device.
    pub no: DeviceNo,
    /// The vendors, the one to try first at the front, each with the time at which its token was told last.
    pub vendors: Vec<(String, u64)>,
    /// Since when it can be pushed to, in milliseconds since 1970: nothing from before is owed.
    pub since_ms: u64,
}

impl From<PushDeviceRecord> for PushDevice {
    fn from(record: PushDeviceRecord) -> Self {
        Self {
            no: record.device,
            vendors: record.vendors,
            since_ms: record.since_ms,
        }
    }
}

impl Registry {
    /// Stores where the vendor reaches the device; the token is removed from any other device.
    pub async fn set_push_token(&self, device: DeviceNo, push: PushToken) -> Result<(), Error> {
        self.set_push_tokens(device, &[push]).await
    }

    /// Stores where vendors reach the device, the one to try first at the front; no vendor may stand twice.
    pub async fn set_push_tokens(&self, device: DeviceNo, push: &[PushToken]) -> Result<(), Error> {
        let sealed = self.seal_all(push)?;
        let registry = self.clone();
        to_the_end(async move {
            let set = registry
                .0
                .store
                .set_push_tokens(device, &sealed, registry.now_ms())
                .await;
            registry.push_changed(device).await?;
            if set? { Ok(()) } else { Err(no_device()) }
        })
        .await
    }

    /// Forgets where vendors reach the device.
    pub async fn remove_push_token(&self, device: DeviceNo) -> Result<(), Error> {
        let registry = self.clone();
        to_the_end(async move {
            let removed = registry.0.store.remove_push_token(device).await;
            registry.push_changed(device).await?;
            Ok(removed?)
        })
        .await
    }

    /// Retires one token by the vendor's word, if the device still has this very one and told it before a time; `false`
    /// when it has not. It is kept aside for some days, with the reason.
    pub async fn retire_push_token(
        &self,
        device: DeviceNo,
        token: &KeptPushToken,
        (before_ms, reason): (u64, &str),
    ) -> Result<bool, Error> {
        let which = (token.push.vendor.as_str(), &token.token_hash);
        let why = (reason, self.now_ms());
        let retired = self.0.store.retire_push_token(device, which, before_ms, why).await;
        self.push_changed(device).await?;
        Ok(retired?)
    }

    /// Turns push on or off for the device.
    pub async fn set_push_enabled(&self, device: DeviceNo, enabled: bool) -> Result<(), Error> {
        let registry = self.clone();
        to_the_end(async move {
            let set = registry
                .0
                .store
                .set_push_enabled(device, enabled, registry.now_ms())
                .await;
            registry.push_changed(device).await?;
            if set? { Ok(()) } else { Err(no_device()) }
        })
        .await
    }

    /// Where the vendor that is tried first reaches the device.
    pub async fn push_token(&self, device: DeviceNo) -> Result<Option<PushToken>, Error> {
        let found = self.0.store.push_token(device).await?;
        Ok(found
            .map(|record| self.unseal(record))
            .transpose()?
            .map(|kept| kept.push))
    }

    /// Where vendors reach the device, the one to try first at the front.
    pub async fn push_tokens(&self, device: DeviceNo) -> Result<Vec<KeptPushToken>, Error> {
        let found = self.0.store.push_tokens(device).await?;
        found.into_iter().map(|record| self.unseal(record)).collect()
    }

    /// The tokens of a device that their vendors retired within the last days.
    pub async fn retired_push_tokens(&self, device: DeviceNo) -> Result<Vec<RetiredPushToken>, Error> {
        Ok(self.0.store.retired_push_tokens(device).await?)
    }

    /// The device that a vendor reaches by this token, and the token as it is kept.
    pub async fn device_of_push_token(
        &self,
        vendor: &str,
        token: &str,
    ) -> Result<Option<(DeviceNo, KeptPushToken)>, Error> {
        let found = self.0.store.push_token_by_hash(vendor, &self.push_hash(token)).await?;
        let unseal = |record: PushTokenRecord| Ok((record.device, self.unseal(record)?));
        found.map(unseal).transpose()
    }

    /// The devices of an account that have a token and whose push is on. Asks the store only when it is not in memory.
    pub async fn push_devices(&self, account: AccountNo) -> Result<Arc<[PushDevice]>, Error> {
        let mut found = self.push_devices_of(&[account]).await?;
        Ok(found.remove(&account).unwrap_or_default())
    }

    /// The same of several accounts: each of them is there. Asks the store once for those that are not in memory.
    pub async fn push_devices_of(
        &self,
        accounts: &[AccountNo],
    ) -> Result<HashMap<AccountNo, Arc<[PushDevice]>>, Error> {
        let (mut devices, missing) = self.0.push_devices.peek_all(accounts.to_vec()).await;
        if missing.is_empty() {
            return Ok(devices);
        }
        let numbers: Vec<AccountNo> = missing.iter().map(|(account, _)| *account).collect();
        let mut found = self.0.store.push_devices_of(&numbers).await?;
        for (account, generation) in missing {
            let records = found.remove(&account).unwrap_or_default();
            let of_account: Arc<[PushDevice]> = records.into_iter().map(PushDevice::from).collect();
            let kept = Arc::clone(&of_account);
            self.0.push_devices.keep(account, generation, kept).await;
            devices.insert(account, of_account);
        }
        Ok(devices)
    }

    /// Says that an account has other devices that can be pushed to.
    pub(crate) async fn push_devices_changed(&self, account: AccountNo) {
        self.0.push_devices.changed(&account).await;
    }

    async fn push_changed(&self, device: DeviceNo) -> Result<(), Error> {
        if let Some(record) = self.0.store.device_by_no(device).await? {
            self.push_devices_changed(record.account.no).await;
        }
        Ok(())
    }

    fn unseal(&self, record: PushTokenRecord) -> Result<KeptPushToken, Error> {
        let open = |sealed: &[u8]| self.0.keys.open_push(&record.vendor, sealed);
        let details = record.sealed_details.as_deref().map(open).transpose()?;
        let details = details.map(|text| serde_json::from_str(&text).unwrap_or_default());
        Ok(KeptPushToken {
            token_hash: record.token_hash,
            set_at_ms: record.set_at_ms,
            push: PushToken {
                token: open(&record.sealed_token)?,
                details: details.unwrap_or_default(),
                vendor: record.vendor,
            },
        })
    }

    pub(crate) fn seal_all(&self, push: &[PushToken]) -> Result<Vec<NewPushToken>, Error> {
        if push.len() > VENDORS_MAX {
            let detail = format!("`push`: at most {VENDORS_MAX} vendors for one device");
            return Err(Error::refused(Refusal::InvalidField, detail));
        }
        let stands_twice = push.iter().enumerate().any(|(at, one)| {
            let before = push.iter().take(at);
            before.into_iter().any(|other| other.vendor == one.vendor)
        });
        if stands_twice {
            return Err(Error::refused(Refusal::InvalidField, "`push`: a vendor stands twice"));
        }
        push.iter().map(|push| self.seal(push)).collect()
    }

    /// What names a token, equal for equal tokens.
    pub fn push_hash(&self, token: &str) -> [u8; 32] {
        self.0.keys.push_hash(token)
    }

    fn seal(&self, push: &PushToken) -> Result<NewPushToken, Error> {
        check_text("push.vendor", &push.vendor, VENDOR_BYTES_MAX)?;
        check_text("push.token", &push.token, TOKEN_BYTES_MAX)?;
        check_details(&push.details)?;
        let sealed_details = if push.details == PushDetails::default() {
            None
        } else {
            let text = serde_json::to_string(&push.details).map_err(|e| Error::Internal(e.to_string()))?;
            Some(self.0.keys.seal_push(&push.vendor, &text)?)
        };
        Ok(NewPushToken {
            vendor: push.vendor.clone(),
            token_hash: self.push_hash(&push.token),
            sealed_token: self.0.keys.seal_push(&push.vendor, &push.token)?,
            sealed_details,
        })
    }
}

fn check_details(details: &PushDetails) -> Result<(), Error> {
    let given = |text: &Option<String>| text.clone().unwrap_or_default();
    check_optional_text("push.voipToken", &given(&details.voip_token), TOKEN_BYTES_MAX)?;
    check_optional_text("push.package", &given(&details.package), DETAIL_BYTES_MAX)?;
    check_optional_text("push.region", &given(&details.region), DETAIL_BYTES_MAX)
}

fn no_device() -> Error {
    Error::refused(Refusal::NotFound, "there is no such live device")
}
