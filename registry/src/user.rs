//! Users as their tenant manages them: kept, listed, blocked, logged out, removed.

use std::collections::HashSet;

use godwit_model::{AccountNo, DeviceNo, Refusal, TenantNo, UserId};
use godwit_store::{DeviceRecord, Expected, NewUser, RemoveUserOutcome, UserRecord, Versioned};

use crate::account::Account;
use crate::error::Error;
use crate::opaque::Opaque;
use crate::random;
use crate::registry::{Registry, check_optional_text, to_the_end};

/// Longest name of a user, in bytes.
const NAME_BYTES_MAX: usize = 255;
/// Longest attributes of a user, in bytes of JSON.
const ATTRIBUTES_BYTES_MAX: usize = 4_096;

/// What a tenant keeps of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The user.
    pub user: UserId,
    /// A name for people: at most 255 bytes, may be empty.
    pub name: String,
    /// What else is kept: a JSON object of at most 4,096 bytes.
    pub attributes: String,
}

/// What became of one line of many.
#[derive(Clone, Debug)]
pub enum UserLine {
    /// The user is new.
    Created,
    /// The user was there, and is kept as the line says.
    Updated,
    /// Nothing was done for this line.
    Refused(Error),
}

impl Registry {
    /// A user of a tenant.
    pub async fn user(&self, tenant: TenantNo, user: &UserId) -> Result<Option<UserRecord>, Error> {
        Ok(self.0.store.user(tenant, user).await?)
    }

    /// The users of a tenant in the order of their ids, those after `after`; only blocked ones if `blocked`.
    pub async fn users(
        &self,
        tenant: TenantNo,
        after: &str,
        blocked: bool,
        limit: u64,
    ) -> Result<Vec<UserRecord>, Error> {
        Ok(self.0.store.users(tenant, after, blocked, limit).await?)
    }

    /// Keeps a user as it is said here, and says whether it is new.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn put_user(
        &self,
        tenant: TenantNo,
        profile: Profile,
        expected: Expected,
    ) -> Result<(UserRecord, bool), Error> {
        let new = new_user(profile)?;
        match self.0.store.put_user(tenant, &new, expected, self.now_ms()).await? {
            Versioned::Done(kept) => Ok(kept),
            Versioned::Differs | Versioned::Absent => Err(Error::Differs),
        }
    }

    /// Keeps many users as they are said here, in one transaction; each line is judged for itself.
    pub async fn put_users(
        &self,
        tenant: TenantNo,
        lines: Vec<Result<Profile, Error>>,
    ) -> Result<Vec<UserLine>, Error> {
        let mut named = HashSet::with_capacity(lines.len());
        let (mut good, mut judged) = (Vec::with_capacity(lines.len()), Vec::with_capacity(lines.len()));
        for line in lines {
            let line = line.and_then(|profile| {
                if !named.insert(profile.user.clone()) {
                    let detail = format!("{} stands on an earlier line", profile.user);
                    return Err(Error::refused(Refusal::AlreadyExists, detail));
                }
                new_user(profile)
            });
            judged.push(line.map(|new| good.push(new)));
        }
        let mut are_new = self.0.store.put_users(tenant, &good, self.now_ms()).await?.into_iter();
        let outcome = |line: Result<(), Error>| match line {
            Err(error) => UserLine::Refused(error),
            Ok(()) if are_new.next() == Some(true) => UserLine::Created,
            Ok(()) => UserLine::Updated,
        };
        Ok(judged.into_iter().map(outcome).collect())
    }

    /// Says whether a user may use the platform. A blocked one's credentials are refused from now on; the caller closes
    /// its sessions.
    pub async fn block_user(&self, tenant: TenantNo, user: &UserId, blocked: bool) -> Result<UserRecord, Error> {
        let (registry, user) = (self.clone(), user.clone());
        to_the_end(async move {
            let now_ms = registry.now_ms();
            let record = registry.0.store.block_user(tenant, &user, blocked, now_ms).await?;
            let record = record.ok_or_else(|| no_user(&user))?;
            registry.0.blocked.changed(&record.no).await;
            registry.credentials_changed(record.no).await?;
            Ok(record)
        })
        .await
    }

    /// Ends every token and ticket of a user; its devices stay, and register again with a ticket. The caller closes its
    /// sessions.
    pub async fn revoke_credentials(&self, account: AccountNo) -> Result<(), Error> {
        let registry = self.clone();
        to_the_end(async move {
            let nobodys: [u8; 32] = random::bytes()?;
            let revoked = registry.0.store.revoke_credentials(account, &nobodys).await;
            registry.credentials_changed(account).await?;
            Ok(revoked?)
        })
        .await
    }

    /// Removes a user that is in no group any more; says which devices went with it.
    ///
    /// # Errors
    /// [`Error::Changed`] when it is in a group.
    pub async fn remove_user(&self, account: &Account) -> Result<Vec<DeviceNo>, Error> {
        let (registry, account) = (self.clone(), account.clone());
        to_the_end(async move {
            let known = registry.0.store.devices_of(account.no).await?;
            let removed = registry.0.store.remove_user(account.no, registry.now_ms()).await;
            registry.0.accounts.removed(&account);
            registry.forget_devices(&known).await;
            registry.push_devices_changed(account.no).await;
            match removed? {
                RemoveUserOutcome::Removed(devices) => {
                    // Some may have registered since the others were read.
                    for (_, device_id) in &devices {
                        registry.device_changed(device_id).await;
                    }
                    Ok(devices.into_iter().map(|(no, _)| no).collect())
                }
                RemoveUserOutcome::IsMember => Err(Error::Changed),
                RemoveUserOutcome::NoUser => Err(no_user(&account.user)),
            }
        })
        .await
    }

    async fn credentials_changed(&self, account: AccountNo) -> Result<(), Error> {
        let devices = self.0.store.devices_of(account).await?;
        self.forget_devices(&devices).await;
        Ok(())
    }

    async fn forget_devices(&self, devices: &[DeviceRecord]) {
        for device in devices {
            self.device_changed(&device.device_id).await;
        }
    }
}

fn new_user(profile: Profile) -> Result<NewUser, Error> {
    check_optional_text("name", &profile.name, NAME_BYTES_MAX)?;
    if profile.attributes.len() > ATTRIBUTES_BYTES_MAX {
        let detail = format!("`attributes` take at most {ATTRIBUTES_BYTES_MAX} bytes of JSON");
        return Err(Error::refused(Refusal::TooLarge, detail));
    }
    Ok(NewUser {
        user: profile.user,
        account_id: Opaque::random()?.text(),
        name: profile.name,
        attributes: profile.attributes,
    })
}

fn no_user(user: &UserId) -> Error {
    Error::refused(Refusal::UserNotFound, format!("no user {user} in this tenant"))
}
