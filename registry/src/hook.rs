//! Hooks: services of tenants that are asked before something is done, with the secrets that sign the questions.

use godwit_model::{Refusal, TenantNo};
pub use godwit_store::HookSays;
use godwit_store::{Expected, HookRecord, Versioned};

use crate::error::Error;
use crate::registry::Registry;
use crate::webhook::{CallSecret, new_secret, overlap_until_ms, secrets};

/// A hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Whose it is.
    pub tenant: TenantNo,
    /// What it is asked for, and of whom.
    pub name: String,
    /// What its owner says.
    pub says: HookSays,
    /// What signs now.
    pub secret: String,
    /// What signs as well, and until when.
    pub former: Option<(String, u64)>,
    /// When it was made.
    pub created_at_ms: u64,
    /// Counts its changes, from 1.
    pub version: u64,
}

impl Hook {
    /// What signs at a time.
    pub fn secrets(&self, now_ms: u64) -> CallSecret {
        secrets(&self.secret, self.former.as_ref(), now_ms)
    }
}

fn none(name: &str) -> Error {
    Error::refused(Refusal::NotFound, format!("no hook {name:?}"))
}

fn owner(tenant: TenantNo, name: &str) -> String {
    format!("{tenant} {name}")
}

impl Registry {
    /// Every hook of every tenant. One whose secret does not open is left out, and told in the log.
    pub async fn every_hook(&self) -> Result<Vec<Hook>, Error> {
        let found = self.0.store.every_hook().await?;
        let open = |record: HookRecord| {
            self.opened_hook(record)
                .inspect_err(|error| tracing::error!(%error, "a hook cannot be used"))
                .ok()
        };
        Ok(found.into_iter().filter_map(open).collect())
    }

    /// The hooks of a tenant by their names.
    pub async fn hooks(&self, tenant: TenantNo) -> Result<Vec<Hook>, Error> {
        let found = self.0.store.hooks(tenant).await?;
        found.into_iter().map(|record| self.opened_hook(record)).collect()
    }

    /// A hook of a tenant.
    pub async fn hook(&self, tenant: TenantNo, name: &str) -> Result<Hook, Error> {
        let found = self.hooks(tenant).await?.into_iter().find(|hook| hook.name == name);
        found.ok_or_else(|| none(name))
    }

    /// Keeps a hook as it is said; says whether it is new.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn put_hook(
        &self,
        (tenant, name): (TenantNo, &str),
        says: &HookSays,
        expected: Expected,
    ) -> Result<(Hook, bool), Error> {
        let sealed = self.0.keys.seal_call(&owner(tenant, name), &new_secret()?)?;
        let fresh = (sealed.as_slice(), self.now_ms());
        match self.0.store.put_hook((tenant, name), says, fresh, expected).await? {
            Versioned::Done((record, is_new)) => Ok((self.opened_hook(record)?, is_new)),
            Versioned::Differs => Err(Error::Differs),
            Versioned::Absent => Err(none(name)),
        }
    }

    /// Gives a hook another secret; the former one signs as well for a while.
    pub async fn rotate_hook_secret(&self, (tenant, name): (TenantNo, &str), overlap_s: u64) -> Result<Hook, Error> {
        let until_ms = overlap_until_ms(self.now_ms(), overlap_s)?;
        let sealed = self.0.keys.seal_call(&owner(tenant, name), &new_secret()?)?;
        let changed = self
            .0
            .store
            .rotate_hook_secret((tenant, name), &sealed, until_ms)
            .await?;
        self.opened_hook(changed.ok_or_else(|| none(name))?)
    }

    /// Forgets a hook.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn remove_hook(&self, tenant: TenantNo, name: &str, expected: Expected) -> Result<(), Error> {
        match self.0.store.remove_hook(tenant, name, expected).await? {
            Versioned::Done(()) => Ok(()),
            Versioned::Differs => Err(Error::Differs),
            Versioned::Absent => Err(none(name)),
        }
    }

    fn opened_hook(&self, record: HookRecord) -> Result<Hook, Error> {
        let owner = owner(record.tenant, &record.name);
        let open = |sealed: &[u8]| self.0.keys.open_call(&owner, sealed);
        let former = record.former.as_ref();
        Ok(Hook {
            tenant: record.tenant,
            secret: open(&record.secret)?,
            former: former
                .map(|(sealed, until_ms)| Ok::<_, Error>((open(sealed)?, *until_ms)))
                .transpose()?,
            name: record.name,
            says: record.says,
            created_at_ms: record.created_at_ms,
            version: record.version,
        })
    }
}
