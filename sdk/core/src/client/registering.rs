//! Registration: at every start of the app, with a ticket or with the device's own token.

use super::Client;
use crate::config::{Backlog, PushToken};
use crate::error::Error;
use crate::profile::Profile;
use crate::store::Registered;

/// How to register.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Registration {
    /// A ticket of the app's backend. `None`: the token the device has from its last registration.
    pub ticket: Option<String>,
    /// Where the vendor reaches the device. `None` leaves what the platform has.
    pub push: Option<PushToken>,
}

impl Registration {
    /// With a ticket of the app's backend: the first time, and when the user changes.
    pub fn with_ticket(ticket: impl Into<String>) -> Self {
        Self {
            ticket: Some(ticket.into()),
            push: None,
        }
    }

    /// With the token of the last registration: every other start of the app.
    pub fn again() -> Self {
        Self::default()
    }

    /// And tells where the vendor reaches the device.
    #[must_use]
    pub fn with_push(mut self, push: PushToken) -> Self {
        self.push = Some(push);
        self
    }
}

impl Client {
    /// Registers this installation, as every start of the app should. The same user keeps device, cursor and table.
    ///
    /// A connection that is up goes on with the former credentials until it ends.
    ///
    /// # Errors
    /// [`Error::NotRegistered`] without a ticket, where there is no token either. [`Error::Refused`]: with
    /// `unauthenticated` the token is not accepted any more, and a ticket is needed.
    pub async fn register(&self, registration: Registration) -> Result<Profile, Error> {
        let shared = self.shared();
        let known = shared.account().ok();
        let (profile, token, addresses) = shared
            .rest
            .register(
                (&shared.unique_code, &shared.config.device),
                registration.ticket.as_deref(),
                registration.push.as_ref(),
                known.as_deref(),
            )
            .await?;
        let begins_behind = self.begins_behind(&profile.account, &token).await?;
        let registered = Registered {
            profile,
            token,
            addresses,
            begins_behind,
        };
        let account = shared.on_store(move |store| store.register(&registered)).await?;
        let profile = account.profile.clone();
        shared.set_account(Some(account));
        Ok(profile)
    }

    /// Where the table of an account begins that this installation has not seen before.
    async fn begins_behind(&self, account: &str, token: &str) -> Result<u64, Error> {
        let Backlog::Latest(newest) = self.shared().config.backlog else {
            return Ok(0);
        };
        let name = account.to_owned();
        if self.shared().on_store(move |store| store.knows(&name)).await? {
            return Ok(0);
        }
        let bounds = self.shared().rest.bounds(account, token).await?;
        Ok(bounds.head.saturating_sub(newest).max(bounds.floor.saturating_sub(1)))
    }

    /// Who this installation is, if it is registered.
    pub fn profile(&self) -> Option<Profile> {
        self.shared().account().ok().map(|account| account.profile.clone())
    }

    /// The unique code of this installation: made once, kept in the local table.
    pub fn unique_code(&self) -> &str {
        &self.shared().unique_code
    }

    /// Switches the vendor's push for this device off or on. Its token stays.
    pub async fn set_push(&self, enabled: bool) -> Result<(), Error> {
        let account = self.shared().account()?;
        self.shared().rest.set_push(&account, enabled).await
    }

    /// Tells where the vendor reaches this device, or that it does not any more.
    pub async fn set_push_token(&self, push: Option<&PushToken>) -> Result<(), Error> {
        let account = self.shared().account()?;
        self.shared().rest.set_push_token(&account, push).await
    }

    /// Deregisters this device: the connection ends, its token stops, the unique code is free. Messages that are in
    /// the local table stay there.
    pub async fn deregister(&self) -> Result<(), Error> {
        let account = self.shared().account()?;
        self.disconnect().await;
        match self.shared().rest.deregister(&account).await {
            Ok(()) => {}
            // It is gone already, which is what was asked for.
            Err(error) if matches!(error.code(), Some("unauthenticated" | "not_found")) => {}
            Err(error) => return Err(error),
        }
        let no = account.no;
        self.shared().on_store(move |store| store.deregister(no)).await?;
        self.shared().set_account(None);
        Ok(())
    }
}
