//! What devices are owed by way of their vendors: the store's, handed through. Who is owed what is decided elsewhere.

use std::collections::HashMap;

use godwit_model::{AccountNo, DeviceNo, TenantNo};
use godwit_store::{
    Decision, DuePush, LedgerLine, LedgerQuery, PushJob, PushableDevice, ReadElsewhere, Settlement, TemplateRecord,
};

use crate::error::Error;
use crate::registry::Registry;

/// How long a token is kept that its vendor retired, in milliseconds: seven days.
const RETIRED_MS: u64 = 7 * 24 * 3_600_000;
/// Tenants whose templates are kept in memory.
pub(crate) const CACHED_TEMPLATES_MAX: u64 = 10_000;

impl Registry {
    /// What names this platform for ever; empty before it has joined its database.
    pub async fn platform_id(&self) -> Result<String, Error> {
        let platform = self.0.store.platform().await?;
        Ok(platform.map(|platform| platform.platform_id).unwrap_or_default())
    }

    /// The time at which something named began: the one noted first, now where none was.
    pub async fn began_at_ms(&self, name: &str) -> Result<u64, Error> {
        Ok(self.0.store.began_at_ms(name, self.now_ms()).await?)
    }

    /// The next devices that can be pushed to, above `after`; at most `limit`.
    pub async fn push_devices_after(&self, after: DeviceNo, limit: u64) -> Result<Vec<PushableDevice>, Error> {
        Ok(self.0.store.push_devices_after(after, limit).await?)
    }

    /// Up to which number of the inbox it was decided what these devices are owed.
    pub async fn push_marks(&self, devices: &[DeviceNo]) -> Result<HashMap<DeviceNo, u64>, Error> {
        Ok(self.0.store.push_marks(devices).await?)
    }

    /// Says that a device is owed nothing up to a number.
    pub async fn mark_decided(&self, device: DeviceNo, up_to: u64) -> Result<(), Error> {
        Ok(self.0.store.mark_decided(device, up_to).await?)
    }

    /// Keeps decisions.
    pub async fn keep_decisions(&self, decisions: &[Decision]) -> Result<(), Error> {
        Ok(self.0.store.keep_decisions(decisions, self.now_ms()).await?)
    }

    /// Owes devices something besides what is decided of their inboxes.
    pub async fn owe_besides(&self, decisions: &[Decision]) -> Result<(), Error> {
        Ok(self.0.store.owe_besides(decisions, self.now_ms()).await?)
    }

    /// Takes jobs of a vendor that are due; they are due again after `lease_ms`.
    pub async fn claim_push_jobs(&self, vendor: &str, lease_ms: u64, limit: u64) -> Result<Vec<DuePush>, Error> {
        let now_ms = self.now_ms();
        let times = (now_ms, now_ms.saturating_add(lease_ms));
        Ok(self.0.store.claim_push_jobs(vendor, times, limit).await?)
    }

    /// Says that the attempts of these jobs go in one request, under one id.
    pub async fn share_push_attempts(&self, jobs: &[u64], id: [u8; 16]) -> Result<(), Error> {
        Ok(self.0.store.share_push_attempts(jobs, id).await?)
    }

    /// Keeps what became of attempts.
    pub async fn settle_push_jobs(&self, settlements: &[Settlement]) -> Result<(), Error> {
        Ok(self.0.store.settle_push_jobs(settlements).await?)
    }

    /// When the next job of a vendor is due.
    pub async fn next_push_due(&self, vendor: &str) -> Result<Option<u64>, Error> {
        Ok(self.0.store.next_push_due(vendor).await?)
    }

    /// Makes attempts due at once that were under way when the platform stopped.
    pub async fn resume_push_jobs(&self) -> Result<u64, Error> {
        Ok(self.0.store.resume_push_jobs(self.now_ms()).await?)
    }

    /// How many jobs wait.
    pub async fn push_jobs_waiting(&self) -> Result<u64, Error> {
        Ok(self.0.store.push_jobs_waiting().await?)
    }

    /// The jobs of an account.
    pub async fn push_jobs_of(&self, account: AccountNo) -> Result<Vec<PushJob>, Error> {
        Ok(self.0.store.push_jobs_of(account).await?)
    }

    /// What was read is owed no more, and what is shown of it is taken back.
    pub async fn read_elsewhere(
        &self,
        account: AccountNo,
        read: (&str, u64),
        withdrawal: &str,
    ) -> Result<ReadElsewhere, Error> {
        let now_ms = self.now_ms();
        Ok(self.0.store.read_elsewhere(account, read, withdrawal, now_ms).await?)
    }

    /// Forgets jobs that are over, ledger lines older than `ledger_ms`, and tokens that were retired a week ago.
    pub async fn trim_push(&self, ledger_ms: u64) -> Result<(), Error> {
        let now_ms = self.now_ms();
        self.0.store.trim_push_jobs(now_ms).await?;
        self.0.store.trim_push_ledger(now_ms.saturating_sub(ledger_ms)).await?;
        self.0
            .store
            .purge_retired_push_tokens(now_ms.saturating_sub(RETIRED_MS))
            .await?;
        Ok(())
    }

    /// Lines of the ledger, newest first.
    pub async fn push_ledger(&self, query: &LedgerQuery) -> Result<Vec<LedgerLine>, Error> {
        Ok(self.0.store.push_ledger(query).await?)
    }

    /// Writes what vendors reported later; answers when the attempts were that they are about.
    pub async fn write_push_receipts(&self, lines: &[LedgerLine]) -> Result<Vec<Option<u64>>, Error> {
        Ok(self.0.store.write_push_receipts(lines).await?)
    }

    /// Every template of a tenant. Asks the store only when they are not in memory.
    pub async fn push_templates(&self, tenant: TenantNo) -> Result<std::sync::Arc<[TemplateRecord]>, Error> {
        let load = async { Ok(Some(self.0.store.push_templates(tenant).await?.into())) };
        Ok(self.0.push_templates.get(&tenant, load).await?.unwrap_or_default())
    }

    /// Keeps a template in the place of the one for its type and language.
    pub async fn put_push_template(&self, tenant: TenantNo, template: &TemplateRecord) -> Result<(), Error> {
        let put = self.0.store.put_push_template(tenant, template).await;
        self.0.push_templates.changed(&tenant).await;
        Ok(put?)
    }

    /// Forgets a template by its app, type and language; `false` when there is none.
    pub async fn remove_push_template(&self, tenant: TenantNo, key: (&str, &str, &str)) -> Result<bool, Error> {
        let removed = self.0.store.remove_push_template(tenant, key).await;
        self.0.push_templates.changed(&tenant).await;
        Ok(removed?)
    }
}
