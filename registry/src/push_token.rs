//! Where vendors reach devices. A vendor's token lives on one device at a time, encrypted at rest.

use godwit_model::{DeviceNo, Refusal};
use godwit_store::NewPushToken;

use crate::error::Error;
use crate::registry::{Registry, check_text};

/// Longest vendor's name, in bytes.
const VENDOR_BYTES_MAX: usize = 32;
/// Longest vendor's token, in bytes.
const TOKEN_BYTES_MAX: usize = 4_096;

/// A vendor's address of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushToken {
    /// The vendor's short name, such as `apns` or `fcm`: 1 to 32 bytes.
    pub vendor: String,
    /// The token as the vendor gave it: 1 to 4,096 bytes.
    pub token: String,
}

impl Registry {
    /// Stores where the vendor reaches the device; the token is removed from any other device.
    pub async fn set_push_token(&self, device: DeviceNo, push: PushToken) -> Result<(), Error> {
        let sealed = self.seal(&push)?;
        let set = self.0.store.set_push_token(device, &sealed, self.now_ms()).await?;
        if set { Ok(()) } else { Err(no_device()) }
    }

    /// Forgets where the vendor reaches the device.
    pub async fn remove_push_token(&self, device: DeviceNo) -> Result<(), Error> {
        Ok(self.0.store.remove_push_token(device).await?)
    }

    /// Turns push on or off for the device.
    pub async fn set_push_enabled(&self, device: DeviceNo, enabled: bool) -> Result<(), Error> {
        let set = self.0.store.set_push_enabled(device, enabled).await?;
        if set { Ok(()) } else { Err(no_device()) }
    }

    /// Where the vendor reaches the device.
    pub async fn push_token(&self, device: DeviceNo) -> Result<Option<PushToken>, Error> {
        let Some(record) = self.0.store.push_token(device).await? else {
            return Ok(None);
        };
        let token = self.0.keys.open_push(&record.vendor, &record.sealed_token)?;
        Ok(Some(PushToken {
            vendor: record.vendor,
            token,
        }))
    }

    pub(crate) fn seal(&self, push: &PushToken) -> Result<NewPushToken, Error> {
        check_text("push.vendor", &push.vendor, VENDOR_BYTES_MAX)?;
        check_text("push.token", &push.token, TOKEN_BYTES_MAX)?;
        Ok(NewPushToken {
            vendor: push.vendor.clone(),
            token_hash: self.0.keys.push_hash(&push.token),
            sealed_token: self.0.keys.seal_push(&push.vendor, &push.token)?,
        })
    }
}

fn no_device() -> Error {
    Error::refused(Refusal::NotFound, "there is no such live device")
}
