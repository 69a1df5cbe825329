//! Who changed what, when, and from where.

use godwit_model::TenantNo;
pub use godwit_store::{AuditLine, AuditQuery, NewAuditLine};

use crate::error::Error;
use crate::registry::Registry;

impl Registry {
    /// Adds a line.
    pub async fn add_audit_line(&self, new: &NewAuditLine) -> Result<(), Error> {
        Ok(self.0.store.add_audit_line(new).await?)
    }

    /// Lines of a tenant: the newest first, or the oldest above a number.
    pub async fn audit(&self, tenant: TenantNo, query: &AuditQuery) -> Result<Vec<AuditLine>, Error> {
        Ok(self.0.store.audit(tenant, query).await?)
    }
}
