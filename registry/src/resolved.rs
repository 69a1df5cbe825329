//! What business systems said of groups and users: kept, and remembered in memory.

use std::sync::Arc;

use godwit_model::TenantNo;
pub use godwit_store::Resolved;

use crate::error::Error;
use crate::registry::Registry;

impl Registry {
    /// What was said of a subject. Asks the store only when it is not in memory.
    pub async fn resolved(&self, tenant: TenantNo, subject: &str) -> Result<Option<Arc<Resolved>>, Error> {
        let key = (tenant, subject.to_owned());
        let load = async { Ok(self.0.store.resolved(tenant, subject).await?.map(Arc::new)) };
        self.0.resolved.get(&key, load).await
    }

    /// Keeps what is said of a subject now.
    pub async fn keep_resolved(&self, tenant: TenantNo, subject: &str, answer: &str) -> Result<Resolved, Error> {
        let kept = self
            .0
            .store
            .keep_resolved((tenant, subject), answer, self.now_ms())
            .await;
        self.0.resolved.changed(&(tenant, subject.to_owned())).await;
        Ok(kept?)
    }

    /// Notes that what was said of a subject is another now.
    pub async fn outdate_resolved(&self, tenant: TenantNo, subject: &str) -> Result<(), Error> {
        let outdated = self.0.store.outdate_resolved(tenant, subject).await;
        self.0.resolved.changed(&(tenant, subject.to_owned())).await;
        Ok(outdated?)
    }
}
