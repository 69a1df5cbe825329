//! Devices: who shows a token, and the end of one.

use std::sync::Arc;

use godwit_model::{AccountNo, DeviceNo, OsKind, Refusal, TenantNo};
use godwit_store::DeviceRecord;

use crate::account::{Account, blocked};
use crate::credential::{DeviceToken, same};
use crate::error::Error;
use crate::opaque::Opaque;
use crate::registry::{Registry, to_the_end};

/// Longest unique code, in bytes.
pub(crate) const UNIQUE_CODE_BYTES_MAX: usize = 255;

/// A live device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "the wire calls it so; `no` is the internal one"
)]
pub struct Device {
    /// The dense internal number: the owner of one cursor.
    pub no: DeviceNo,
    /// The public id: 26 characters of lower-case base32.
    pub device_id: Box<str>,
    /// Whose device it is.
    pub account: Arc<Account>,
    /// Its operating system.
    pub os: OsKind,
    /// Whether it is the first device the account ever had; its cursor starts at the floor, later ones at head.
    pub first_of_account: bool,
    /// Its language (BCP 47), if it said one.
    pub language: Option<Box<str>>,
    /// Whether push is on.
    pub push_enabled: bool,
}

/// A live device in memory.
pub(crate) struct KnownDevice {
    pub(crate) device: Arc<Device>,
    pub(crate) unique_code: Box<str>,
    token_hash: [u8; 32],
    next_token_hash: Option<[u8; 32]>,
    /// Whether its user is blocked.
    is_blocked: bool,
}

impl From<DeviceRecord> for KnownDevice {
    fn from(record: DeviceRecord) -> Self {
        let is_blocked = record.account.blocked;
        let device = Device {
            no: record.no,
            device_id: record.device_id.into(),
            account: Arc::new(record.account.into()),
            os: record.os,
            first_of_account: record.first_of_account,
            language: record.language.map(Into::into),
            push_enabled: record.push_enabled,
        };
        Self {
            device: Arc::new(device),
            unique_code: record.unique_code.into(),
            token_hash: record.token_hash,
            next_token_hash: record.next_token_hash,
            is_blocked,
        }
    }
}

impl KnownDevice {
    /// Itself, unless its user is blocked.
    fn unblocked(self: Arc<Self>) -> Result<Arc<Self>, Error> {
        if self.is_blocked {
            return Err(blocked(&self.device.account.user));
        }
        Ok(self)
    }
}

impl Registry {
    /// The device that shows this token, if it belongs to `account` and, where given, is called `device_id`.
    ///
    /// Asks the store only for devices that are not in memory, and when a fresh token is used for the first time.
    pub async fn authenticate_device(
        &self,
        account: &str,
        device_token: &str,
        device_id: Option<&str>,
    ) -> Result<Arc<Device>, Error> {
        let is_expected = |device: &Device| {
            *device.account.account_id == *account && device_id.is_none_or(|device_id| *device.device_id == *device_id)
        };
        Ok(Arc::clone(
            &self.known_by_token(device_token, is_expected).await?.device,
        ))
    }

    /// The device that shows this token.
    pub async fn authenticate_device_token(&self, device_token: &str) -> Result<Arc<Device>, Error> {
        Ok(Arc::clone(&self.known_by_token(device_token, |_| true).await?.device))
    }

    /// The live device with this id.
    pub async fn device(&self, tenant: TenantNo, device_id: &str) -> Result<Option<Arc<Device>>, Error> {
        let Some(id) = Opaque::parse(device_id) else {
            return Ok(None);
        };
        let known = self
            .known_device(id)
            .await?
            .filter(|known| known.device.account.tenant == tenant);
        Ok(known.map(|known| Arc::clone(&known.device)))
    }

    /// The live device with this number. Asks the store each time.
    pub async fn device_by_no(&self, no: DeviceNo) -> Result<Option<Arc<Device>>, Error> {
        let found = self.0.store.device_by_no(no).await?;
        Ok(found.map(|record| KnownDevice::from(record).device))
    }

    /// A device that lives or lived.
    pub async fn device_ever(&self, no: DeviceNo) -> Result<Option<Arc<Device>>, Error> {
        let found = self.0.store.device_ever(no).await?;
        Ok(found.map(|record| KnownDevice::from(record).device))
    }

    /// The live devices of an account, oldest first.
    pub async fn devices_of(&self, account: AccountNo) -> Result<Vec<Arc<Device>>, Error> {
        let records = self.0.store.devices_of(account).await?;
        Ok(records
            .into_iter()
            .map(|record| KnownDevice::from(record).device)
            .collect())
    }

    /// Ends a device: its tokens stop at once. Retiring it again changes nothing.
    pub async fn retire_device(&self, device: DeviceNo) -> Result<(), Error> {
        let registry = self.clone();
        to_the_end(async move {
            let Some(record) = registry.0.store.device_by_no(device).await? else {
                return Ok(());
            };
            let retired = registry.0.store.retire_device(device, registry.now_ms()).await;
            registry.device_changed(&record.device_id).await;
            registry.push_devices_changed(record.account.no).await;
            retired?;
            Ok(())
        })
        .await
    }

    /// The live device that shows `token` and is the one `is_expected`. A next token that is shown takes over. Refuses a
    /// device whose user is blocked or whose tenant is suspended.
    pub(crate) async fn known_by_token(
        &self,
        token: &str,
        is_expected: impl Fn(&Device) -> bool,
    ) -> Result<Arc<KnownDevice>, Error> {
        let token = DeviceToken::parse(token).ok_or_else(wrong)?;
        let known = self.known_device(token.device_id).await?;
        let known = known.filter(|known| is_expected(&known.device)).ok_or_else(wrong)?;
        if same(&known.token_hash, &token.hash) {
            return self.admitted(known).await;
        }
        if !known.next_token_hash.is_some_and(|next| same(&next, &token.hash)) {
            return Err(wrong());
        }
        self.promote(known.device.no, token).await?;
        // Somebody may have shown it first; then it is the current one by now.
        let known = self.known_device(token.device_id).await?;
        let known = known.filter(|known| same(&known.token_hash, &token.hash));
        self.admitted(known.ok_or_else(wrong)?).await
    }

    /// The device, unless its user is blocked or its tenant suspended.
    async fn admitted(&self, known: Arc<KnownDevice>) -> Result<Arc<KnownDevice>, Error> {
        self.check_tenant(known.device.account.tenant).await?;
        known.unblocked()
    }

    pub(crate) async fn known_device(&self, id: Opaque) -> Result<Option<Arc<KnownDevice>>, Error> {
        let load = async {
            let record = self.0.store.device_by_id(&id.text()).await?;
            Ok(record.map(|record| Arc::new(KnownDevice::from(record))))
        };
        self.0.devices.get(&id, load).await
    }

    pub(crate) async fn device_changed(&self, device_id: &str) {
        if let Some(id) = Opaque::parse(device_id) {
            self.0.devices.changed(&id).await;
        }
    }

    async fn promote(&self, device: DeviceNo, token: DeviceToken) -> Result<(), Error> {
        let registry = self.clone();
        to_the_end(async move {
            let promoted = registry.0.store.promote_token(device, &token.hash).await;
            registry.0.devices.changed(&token.device_id).await;
            promoted?;
            Ok(())
        })
        .await
    }
}

fn wrong() -> Error {
    Error::refused(
        Refusal::Unauthenticated,
        "the device token is wrong, replaced or revoked; register the device again",
    )
}
