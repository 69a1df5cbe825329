//! Users are blocked, logged out and removed: what is stored of it, and their sessions, which end.

use std::sync::Arc;

use godwit_hub::CloseReason;
use godwit_model::{AccountNo, Refusal, Refused, UserId};
use godwit_registry::{Account, App, Error, UserRecord};

use crate::Dispatcher;
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;

/// How often it is tried to remove a user who keeps being added to groups.
const ATTEMPTS: usize = 4;

impl Dispatcher {
    /// Says whether a user may use the platform. When this returns a blocked one is refused at every door, its sessions
    /// are told to end, and vendors have forgotten its phones until they register again.
    pub async fn block_user(&self, app: &App, user: &UserId, blocked: bool) -> Result<UserRecord, Refused> {
        let (dispatcher, tenant, user) = (self.clone(), app.tenant, user.clone());
        to_the_end(async move {
            let record = dispatcher.registry.block_user(tenant, &user, blocked).await;
            let record = record.map_err(of_registry)?;
            if blocked {
                dispatcher.turn_out(record.no).await?;
            }
            Ok(record)
        })
        .await
    }

    /// Ends a user's sessions, tokens and tickets; its devices keep their cursors and come back with a ticket.
    pub async fn log_out_user(&self, app: &App, user: &UserId) -> Result<(), Refused> {
        let (dispatcher, account) = (self.clone(), self.account_to_manage(app, user).await?);
        to_the_end(async move {
            let revoked = dispatcher.registry.revoke_credentials(account.no).await;
            revoked.map_err(of_registry)?;
            dispatcher.turn_out(account.no).await
        })
        .await
    }

    /// Removes a user: out of its groups, whose members are told, and its devices retired. Its name is free then.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] while it owns a group, which is to be given away or dissolved first.
    pub async fn remove_user(&self, app: &Arc<App>, user: &UserId) -> Result<(), Refused> {
        let account = self.account_to_manage(app, user).await?;
        let (dispatcher, app) = (self.clone(), Arc::clone(app));
        to_the_end(async move {
            for _ in 0..ATTEMPTS {
                dispatcher.leave_all_groups(&app, &account).await?;
                match dispatcher.registry.remove_user(&account).await {
                    Err(Error::Changed) => {}
                    removed => {
                        for device in removed.map_err(of_registry)? {
                            dispatcher.archive.forget_device(device);
                            dispatcher.device_unregister(device, None).await;
                            dispatcher.hub.close_device(account.no, device, CloseReason::Retired);
                        }
                        return Ok(());
                    }
                }
            }
            Err(of_registry(Error::Changed))
        })
        .await
    }

    /// Ends the sessions of an account, and makes its phones silent.
    async fn turn_out(&self, account: AccountNo) -> Result<(), Refused> {
        for device in self.hub.connected(account) {
            self.hub.close_device(account, device, CloseReason::Retired);
        }
        for device in self.registry.devices_of(account).await.map_err(of_registry)? {
            self.remove_push_token(&device).await?;
        }
        Ok(())
    }

    async fn account_to_manage(&self, app: &App, user: &UserId) -> Result<Arc<Account>, Refused> {
        let found = self.registry.account_of_user(app.tenant, user).await;
        let found = found.map_err(of_registry)?;
        found.ok_or_else(|| Refused::new(Refusal::UserNotFound, format!("no user {user} in this tenant")))
    }
}
