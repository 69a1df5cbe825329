//! What happened besides messages, for those who are told of events.

use godwit_model::TenantNo;
pub use godwit_store::StoredEvent;

use crate::error::Error;
use crate::registry::Registry;

impl Registry {
    /// Adds events; one that is there already changes nothing. Answers the highest number there is. Called by one task:
    /// numbers are seen in their order only so.
    pub async fn add_events(&self, events: &[StoredEvent]) -> Result<u64, Error> {
        Ok(self.0.store.add_events(events).await?)
    }

    /// The highest number of an event; 0 if there is none.
    pub async fn newest_event(&self) -> Result<u64, Error> {
        Ok(self.0.store.newest_event().await?)
    }

    /// Events of a tenant after a number.
    pub async fn events_after(&self, tenant: TenantNo, after: u64, limit: u64) -> Result<Vec<StoredEvent>, Error> {
        Ok(self.0.store.events_after(tenant, after, limit).await?)
    }

    /// Forgets events that happened so long ago.
    pub async fn trim_events(&self, kept_ms: u64) -> Result<u64, Error> {
        Ok(self.0.store.trim_events(self.now_ms().saturating_sub(kept_ms)).await?)
    }
}
