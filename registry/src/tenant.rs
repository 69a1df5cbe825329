//! Tenants, as the operator's apps manage them.

use godwit_model::{Refusal, TenantNo};
use godwit_store::{Expected, TenantRecord, Versioned};

use crate::app::NAME_BYTES_MAX;
use crate::error::Error;
use crate::registry::{Registry, check_text, to_the_end};

impl Registry {
    /// The tenants in the order of their numbers, those after `after`.
    pub async fn tenants(&self, after: TenantNo, limit: u64) -> Result<Vec<TenantRecord>, Error> {
        Ok(self.0.store.tenants(after, limit).await?)
    }

    /// The tenant with this number.
    pub async fn tenant(&self, no: TenantNo) -> Result<Option<TenantRecord>, Error> {
        Ok(self.0.store.tenant(no).await?)
    }

    /// Gives a tenant another name.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn rename_tenant(&self, no: TenantNo, name: &str, expected: Expected) -> Result<TenantRecord, Error> {
        check_text("name", name, NAME_BYTES_MAX)?;
        match self.0.store.rename_tenant(no, name, expected).await? {
            Versioned::Done(tenant) => Ok(tenant),
            Versioned::Absent => Err(Refusal::NotFound.into()),
            Versioned::Differs => Err(Error::Differs),
        }
    }

    /// Says whether a tenant may not use the platform for a while. Credentials of a suspended one are refused from now on;
    /// the caller closes its sessions.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for the operator's own tenant, [`Error::Differs`] when it is not as expected.
    pub async fn suspend_tenant(
        &self,
        no: TenantNo,
        suspended: bool,
        expected: Expected,
    ) -> Result<TenantRecord, Error> {
        if no == TenantNo::OPERATOR {
            let detail = "the operator's own tenant lets the others in again, and is not suspended";
            return Err(Error::refused(Refusal::Forbidden, detail));
        }
        let registry = self.clone();
        to_the_end(async move {
            let done = registry
                .0
                .store
                .suspend_tenant(no, suspended, expected, registry.now_ms())
                .await;
            registry.0.suspended.changed(&no).await;
            match done? {
                Versioned::Done(tenant) => Ok(tenant),
                Versioned::Absent => Err(Refusal::NotFound.into()),
                Versioned::Differs => Err(Error::Differs),
            }
        })
        .await
    }

    /// Refuses what belongs to a suspended tenant.
    pub async fn check_tenant(&self, no: TenantNo) -> Result<(), Error> {
        let load = async {
            let tenant = self.0.store.tenant(no).await?;
            Ok(tenant.map(|tenant| tenant.suspended_at_ms.is_some()))
        };
        match self.0.suspended.get(&no, load).await? {
            Some(true) => Err(Refusal::TenantSuspended.into()),
            _ => Ok(()),
        }
    }
}
