//! The handle, and what is behind it: the store, the keys, and what is kept in memory.

use std::sync::Arc;

use godwit_model::{AccountNo, AppNo, Clock, GroupId, GroupNo, TenantNo};
use godwit_store::{Resolved, Store, TemplateRecord};

use crate::account::Accounts;
use crate::app::KnownApp;
use crate::device::KnownDevice;
use crate::error::Error;
use crate::group::KnownGroup;
use crate::keys::Keys;
use crate::opaque::Opaque;
use crate::push_debt::CACHED_TEMPLATES_MAX;
use crate::push_token::PushDevice;
use crate::secret::Secrets;
use crate::settings::Settings;
use crate::shelf::Shelf;

/// Apps kept in memory; a platform has tens.
const CACHED_APPS_MAX: u64 = 10_000;
/// Tenants kept in memory.
const CACHED_TENANTS_MAX: u64 = 100_000;
/// Bytes of what business systems said that are kept in memory.
const CACHED_ANSWERS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Group ids whose numbers are kept in memory.
const CACHED_GROUP_IDS_MAX: u64 = 100_000;

/// Who exists, who may, and who is where: a cheap handle.
///
/// Changes run to their end even when the caller stops waiting, so that what is in memory always follows.
#[derive(Clone)]
pub struct Registry(pub(crate) Arc<Rooms>);

pub(crate) struct Rooms {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) keys: Keys,
    pub(crate) secrets: Secrets,
    pub(crate) apps: Shelf<AppNo, Arc<KnownApp>>,
    pub(crate) accounts: Accounts,
    /// Which accounts belong to blocked users.
    pub(crate) blocked: Shelf<AccountNo, bool>,
    /// Which tenants are suspended.
    pub(crate) suspended: Shelf<TenantNo, bool>,
    pub(crate) devices: Shelf<Opaque, Arc<KnownDevice>>,
    pub(crate) group_nos: Shelf<(TenantNo, GroupId), GroupNo>,
    pub(crate) groups: Shelf<GroupNo, KnownGroup>,
    pub(crate) push_devices: Shelf<AccountNo, Arc<[PushDevice]>>,
    pub(crate) push_templates: Shelf<TenantNo, Arc<[TemplateRecord]>>,
    /// What business systems said, by tenant and subject.
    pub(crate) resolved: Shelf<(TenantNo, String), Arc<Resolved>>,
}

impl Registry {
    /// Opens the registry on a store. Every key it uses is derived from `master_key`.
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        master_key: &[u8; 32],
        settings: Settings,
    ) -> Result<Self, Error> {
        let rooms = Rooms {
            store,
            clock,
            keys: Keys::derive(master_key),
            secrets: Secrets::new(&settings).await?,
            apps: Shelf::new(CACHED_APPS_MAX, |_| 1),
            accounts: Accounts::new(settings.cached_accounts_max),
            blocked: Shelf::new(settings.cached_accounts_max, |_| 1),
            suspended: Shelf::new(CACHED_TENANTS_MAX, |_| 1),
            devices: Shelf::new(settings.cached_devices_max, |_| 1),
            group_nos: Shelf::new(CACHED_GROUP_IDS_MAX, |_| 1),
            groups: Shelf::new(settings.cached_members_max, KnownGroup::weight),
            push_devices: Shelf::new(settings.cached_devices_max, |devices: &Arc<[PushDevice]>| {
                1 + u32::try_from(devices.len()).unwrap_or(u32::MAX - 1)
            }),
            push_templates: Shelf::new(CACHED_TEMPLATES_MAX, |_| 1),
            resolved: Shelf::new(CACHED_ANSWERS_BYTES_MAX, |resolved: &Arc<Resolved>| {
                u32::try_from(resolved.answer.len() + 128).unwrap_or(u32::MAX)
            }),
            settings,
        };
        Ok(Self(Arc::new(rooms)))
    }

    /// Whether the store answers.
    pub async fn ready(&self) -> Result<(), Error> {
        Ok(self.0.store.ping().await?)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.0.clock.now_ms()
    }
}

/// Runs a change to its end, also when the caller goes away in the middle: a commit without the note to the cache
/// that follows it would leave the cache stale.
pub(crate) async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let task = tokio::spawn(change);
    task.await
        .map_err(|cause| Error::Internal(format!("a change broke off: {cause}")))?
}

/// Refuses a text that is empty, longer than `bytes_max`, or holds control characters.
pub(crate) fn check_text(field: &str, text: &str, bytes_max: usize) -> Result<(), Error> {
    if text.is_empty() {
        return Err(invalid(format!("`{field}` must not be empty")));
    }
    check_optional_text(field, text, bytes_max)
}

/// As [`check_text`], but empty is fine.
pub(crate) fn check_optional_text(field: &str, text: &str, bytes_max: usize) -> Result<(), Error> {
    if text.len() > bytes_max {
        return Err(invalid(format!(
            "`{field}` has {} bytes; at most {bytes_max} are taken",
            text.len()
        )));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(format!("`{field}` must not hold control characters")));
    }
    Ok(())
}

fn invalid(detail: String) -> Error {
    Error::refused(godwit_model::Refusal::InvalidField, detail)
}
