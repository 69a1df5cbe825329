//! The business system says that something is another now.

use godwit_model::{GroupId, Refusal, Refused, TenantNo, UserId};
use godwit_registry::App;

use super::ABSENT;
use crate::Dispatcher;
use crate::failure::of_registry;

impl Dispatcher {
    fn has_resolver(&self, app: &App) -> Result<(), Refused> {
        let found = self.resolver_of(app.tenant).map(|_| ());
        found.ok_or_else(|| Refused::new(Refusal::NotFound, "the tenant has no hook `resolver`"))
    }

    /// A group is another: it is asked again, now if that is possible.
    pub async fn group_changed(&self, app: &App, id: &GroupId) -> Result<(), Refused> {
        self.has_resolver(app)?;
        let subject = format!("g:{id}");
        self.outdate(app.tenant, &subject).await?;
        let (dispatcher, tenant, id) = (self.clone(), app.tenant, id.clone());
        tokio::spawn(async move {
            // Where it does not answer now, the next message asks again.
            if let Err(refused) = dispatcher.resolve_group(tenant, &id).await {
                tracing::warn!(%refused, "a group that changed could not be asked");
            }
        });
        Ok(())
    }

    /// A group is there no more.
    pub async fn group_removed(&self, app: &App, id: &GroupId) -> Result<(), Refused> {
        self.has_resolver(app)?;
        let subject = format!("g:{id}");
        self.registry
            .keep_resolved(app.tenant, &subject, ABSENT)
            .await
            .map_err(of_registry)?;
        self.end_resolved_group(app.tenant, id).await
    }

    /// The rules of a user are others: they are asked again with the next message to that user.
    pub async fn block_rule_changed(&self, app: &App, user: &UserId) -> Result<(), Refused> {
        self.has_resolver(app)?;
        let subject = format!("u:{user}");
        self.outdate(app.tenant, &subject).await
    }

    /// What is being asked just now may be from before the change: it is kept first.
    async fn outdate(&self, tenant: TenantNo, subject: &str) -> Result<(), Refused> {
        let _turn = self.resolving.take(tenant, subject).await;
        let outdated = self.registry.outdate_resolved(tenant, subject).await;
        outdated.map_err(of_registry)
    }
}
