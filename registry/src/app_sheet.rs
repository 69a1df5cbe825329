//! Apps as their tenant manages them: listed, changed, given another secret, removed.

use std::sync::Arc;

use godwit_model::{Refusal, TenantNo};
use godwit_store::{AppChange, AppRecord, Expected, Versioned};

use crate::app::{App, KnownApp, NAME_BYTES_MAX, NewApp, app_secret};
use crate::error::Error;
use crate::registry::{Registry, check_text, to_the_end};
use crate::scope::Scopes;

/// Longest time for which a former secret stays good beside its successor, in seconds (30 days).
pub const SECRET_OVERLAP_MAX_S: u64 = 30 * 24 * 3_600;

/// An app as its tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSheet {
    /// The app.
    pub app: Arc<App>,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Until when the secret before the present one is good, if it is.
    pub former_secret_until_ms: Option<u64>,
}

impl Registry {
    /// The apps of a tenant in the order of their client ids, those after `after`.
    pub async fn apps(&self, tenant: TenantNo, after: &str, limit: u64) -> Result<Vec<AppSheet>, Error> {
        let records = self.0.store.apps(tenant, after, limit).await?;
        records.into_iter().map(|record| self.sheet(record)).collect()
    }

    /// An app of a tenant.
    pub async fn app(&self, tenant: TenantNo, client_id: &str) -> Result<Option<AppSheet>, Error> {
        let found = self.0.store.app_by_client_id(client_id).await?;
        let found = found.filter(|record| record.tenant == tenant);
        found.map(|record| self.sheet(record)).transpose()
    }

    /// Gives an app another name and other scopes; what its access tokens allow follows at once.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn describe_app(
        &self,
        (tenant, client_id): (TenantNo, &str),
        name: &str,
        scopes: Scopes,
        expected: Expected,
    ) -> Result<AppSheet, Error> {
        check_text("name", name, NAME_BYTES_MAX)?;
        let change = AppChange::Describe(name.to_owned(), scopes.to_string());
        let record = self.change_app((tenant, client_id), change, expected).await?;
        self.sheet(record)
    }

    /// Gives an app another secret. The former one, and what is made with it, stay good for `overlap_s`, at most
    /// [`SECRET_OVERLAP_MAX_S`]; one from before that ends at once. The secret is shown this once.
    pub async fn rotate_app_secret(
        &self,
        (tenant, client_id): (TenantNo, &str),
        overlap_s: u64,
    ) -> Result<(NewApp, AppSheet), Error> {
        if overlap_s > SECRET_OVERLAP_MAX_S {
            let detail = format!("`formerValidSeconds` is at most {SECRET_OVERLAP_MAX_S}");
            return Err(Error::refused(Refusal::InvalidField, detail));
        }
        let client_secret = app_secret()?;
        let hash = self.0.secrets.hash(&client_secret).await?;
        let change = AppChange::Rotate(hash, self.now_ms() + overlap_s * 1_000);
        let record = self.change_app((tenant, client_id), change, Expected::Any).await?;
        let sheet = self.sheet(record.clone())?;
        Ok((NewApp::of(record, client_secret)?, sheet))
    }

    /// Removes an app: its secrets and access tokens end at once.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn remove_app(&self, (tenant, client_id): (TenantNo, &str), expected: Expected) -> Result<(), Error> {
        let change = AppChange::Remove(self.now_ms());
        self.change_app((tenant, client_id), change, expected).await.map(|_| ())
    }

    async fn change_app(
        &self,
        (tenant, client_id): (TenantNo, &str),
        change: AppChange,
        expected: Expected,
    ) -> Result<AppRecord, Error> {
        let (registry, client_id) = (self.clone(), client_id.to_owned());
        to_the_end(async move {
            let known = registry.0.store.app_by_client_id(&client_id).await?;
            let known = known
                .filter(|record| record.tenant == tenant)
                .ok_or_else(|| no_app(&client_id))?;
            let changed = registry
                .0
                .store
                .change_app((tenant, &client_id), &change, expected)
                .await;
            registry.0.apps.changed(&known.no).await;
            match changed? {
                Versioned::Done(record) => Ok(record),
                Versioned::Absent => Err(no_app(&client_id)),
                Versioned::Differs => Err(Error::Differs),
            }
        })
        .await
    }

    fn sheet(&self, record: AppRecord) -> Result<AppSheet, Error> {
        let (version, created_at_ms) = (record.version, record.created_at_ms);
        let former = record.former_secret.as_ref().map(|(_, until_ms)| *until_ms);
        Ok(AppSheet {
            app: KnownApp::try_from(record)?.app,
            version,
            created_at_ms,
            former_secret_until_ms: former.filter(|until_ms| self.now_ms() < *until_ms),
        })
    }
}

fn no_app(client_id: &str) -> Error {
    Error::refused(Refusal::NotFound, format!("there is no app `{client_id}`"))
}
