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

    /// Forgets lines that are older than this; says how many.
    pub async fn trim_audit(&self, kept_ms: u64) -> Result<u64, Error> {
        Ok(self.0.store.trim_audit(self.now_ms().saturating_sub(kept_ms)).await?)
    }

    /// Lines of a tenant: the newest first, or the oldest above a number.
    pub async fn audit(&self, tenant: TenantNo, query: &AuditQuery) -> Result<Vec<AuditLine>, Error> {
        Ok(self.0.store.audit(tenant, query).await?)
    }
}
