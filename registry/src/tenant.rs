//! Tenants, as the operator's apps manage them.

use godwit_model::{Refusal, TenantNo};
use godwit_store::{Expected, TenantRecord, Versioned};

use crate::app::NAME_BYTES_MAX;
use crate::error::Error;
use crate::registry::{Registry, check_text};

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
}
