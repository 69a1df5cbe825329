//! Tenants are suspended and let in again: what is stored of it, and their sessions, which end.

use godwit_hub::CloseReason;
use godwit_model::{AccountNo, Address, Refused, TenantNo};
use godwit_registry::{Error, Expected, TenantRecord};

use crate::Dispatcher;
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;

/// Accounts looked at together.
const PAGE: usize = 2_000;

impl Dispatcher {
    /// Suspends a tenant, or lets it in again; `None` when it is not as expected. When this returns, a suspended one is
    /// refused at every door and its sessions are told to end. Cursors and inboxes stay; what it keeps back and what it
    /// broadcasts waits, and goes on when it is let in again.
    pub async fn suspend_tenant(
        &self,
        no: TenantNo,
        suspended: bool,
        expected: Expected,
    ) -> Result<Option<TenantRecord>, Refused> {
        let dispatcher = self.clone();
        to_the_end(async move {
            let record = match dispatcher.registry.suspend_tenant(no, suspended, expected).await {
                Ok(record) => record,
                Err(Error::Differs) => return Ok(None),
                Err(error) => return Err(of_registry(error)),
            };
            if suspended {
                dispatcher.close_sessions_of(no).await?;
            } else {
                dispatcher.know_due(0);
                dispatcher.wake_broadcasts();
            }
            Ok(Some(record))
        })
        .await
    }

    async fn close_sessions_of(&self, tenant: TenantNo) -> Result<(), Refused> {
        let everyone = self.registry.gather(tenant, &[Address::All]).await;
        let everyone = everyone.map_err(of_registry)?.crowd;
        let mut after = Some(AccountNo(0));
        while let Some(from) = after {
            let page = self.registry.walk(&everyone, from, PAGE).await.map_err(of_registry)?;
            for account in page.accounts {
                for device in self.hub.connected(account) {
                    self.hub.close_device(account, device, CloseReason::Retired);
                }
            }
            after = page.next;
        }
        Ok(())
    }
}
