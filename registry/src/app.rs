//! Apps: third-party clients of the REST API, and their secrets.

use std::sync::Arc;

use godwit_model::{AppNo, Refusal, TenantNo};
use godwit_store::{AppRecord, TenantRecord};

use crate::credential;
use crate::error::Error;
use crate::opaque::Opaque;
use crate::registry::{Registry, check_text, to_the_end};
use crate::scope::{Scope, Scopes};

/// Longest name of a tenant or an app, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// What the first app is called.
const FIRST_APP: &str = "first app";

/// An app, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The dense internal number.
    pub no: AppNo,
    /// Whose app it is.
    pub tenant: TenantNo,
    /// The public id.
    pub client_id: Box<str>,
    /// A name for people.
    pub name: Box<str>,
    /// What it may do; for an app that came in by an access token, what that token allows.
    pub scopes: Scopes,
}

/// An app whose secret was just made. The secret is shown this once.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// The app.
    pub app: Arc<App>,
    /// The secret; only its hash is kept.
    pub client_secret: String,
}

/// An app in memory.
pub(crate) struct KnownApp {
    pub(crate) app: Arc<App>,
    pub(crate) secret_version: u64,
    /// Until when the secret before the present one is good, if it is.
    pub(crate) former_until_ms: Option<u64>,
}

impl KnownApp {
    /// Whether a token that was made with the secret of this version is still good.
    pub(crate) fn takes(&self, secret_version: u64, now_ms: u64) -> bool {
        let is_former = || secret_version + 1 == self.secret_version;
        let is_present = secret_version == self.secret_version;
        is_present || (is_former() && self.former_until_ms.is_some_and(|until_ms| now_ms < until_ms))
    }
}

impl Registry {
    /// Makes tenant 1 and its app with every scope if the store has no app yet. The secret is shown this once.
    pub async fn first_app(&self) -> Result<Option<NewApp>, Error> {
        if self.0.store.has_app().await? {
            return Ok(None);
        }
        let (new, client_secret) = self.new_app(FIRST_APP, Scopes::all()).await?;
        let made = self.0.store.create_first_app(&new, self.now_ms()).await?;
        made.map(|record| NewApp::of(record, client_secret)).transpose()
    }

    /// Makes a tenant.
    pub async fn create_tenant(&self, name: &str) -> Result<TenantNo, Error> {
        check_text("name", name, NAME_BYTES_MAX)?;
        Ok(self.0.store.create_tenant(name, self.now_ms()).await?)
    }

    /// Makes an app. The secret is shown this once.
    pub async fn create_app(&self, tenant: TenantNo, name: &str, scopes: &[Scope]) -> Result<NewApp, Error> {
        check_text("name", name, NAME_BYTES_MAX)?;
        let (new, client_secret) = self.new_app(name, scopes.iter().copied().collect()).await?;
        let made = self.0.store.create_app(tenant, &new, self.now_ms()).await?;
        let record = made.ok_or_else(|| Error::refused(Refusal::NotFound, format!("there is no tenant {tenant}")))?;
        NewApp::of(record, client_secret)
    }

    /// Makes a tenant with a first app, which may do everything but manage tenants. Its secret is shown this once.
    pub async fn create_tenant_with_app(&self, name: &str) -> Result<(TenantRecord, NewApp), Error> {
        check_text("name", name, NAME_BYTES_MAX)?;
        let scopes = Scope::ALL.into_iter().filter(|scope| *scope != Scope::Tenants);
        let (new, client_secret) = self.new_app(FIRST_APP, scopes.collect()).await?;
        let (tenant, app) = self.0.store.create_tenant_with_app(name, &new, self.now_ms()).await?;
        Ok((tenant, NewApp::of(app, client_secret)?))
    }

    /// Gives an app another secret; the former one and every access token made with it stop at once.
    pub async fn reset_app_secret(&self, client_id: &str) -> Result<NewApp, Error> {
        let client_secret = app_secret()?;
        let secret_hash = self.0.secrets.hash(&client_secret).await?;
        let (registry, client_id) = (self.clone(), client_id.to_owned());
        to_the_end(async move {
            let known = registry.0.store.app_by_client_id(&client_id).await?;
            let known =
                known.ok_or_else(|| Error::refused(Refusal::NotFound, format!("there is no app `{client_id}`")))?;
            let changed = registry.0.store.set_app_secret(&client_id, &secret_hash).await;
            registry.0.apps.changed(&known.no).await;
            let record = changed?.ok_or(Refusal::NotFound)?;
            NewApp::of(record, client_secret)
        })
        .await
    }

    /// The app with this number, if it is there still.
    pub async fn app_by_no(&self, no: AppNo) -> Result<Option<Arc<App>>, Error> {
        Ok(self.known_app(no).await?.map(|known| Arc::clone(&known.app)))
    }

    pub(crate) async fn known_app(&self, no: AppNo) -> Result<Option<Arc<KnownApp>>, Error> {
        let load = async {
            let record = self.0.store.app_by_no(no).await?;
            record
                .map(|record| KnownApp::try_from(record).map(Arc::new))
                .transpose()
        };
        self.0.apps.get(&no, load).await
    }

    async fn new_app(&self, name: &str, scopes: Scopes) -> Result<(godwit_store::NewApp, String), Error> {
        let client_secret = app_secret()?;
        let new = godwit_store::NewApp {
            client_id: format!("gwa_{}", Opaque::random()?.text()),
            name: name.to_owned(),
            secret_hash: self.0.secrets.hash(&client_secret).await?,
            scopes: scopes.to_string(),
        };
        Ok((new, client_secret))
    }
}

pub(crate) fn app_secret() -> Result<String, Error> {
    Ok(format!("gws_{}", credential::secret()?))
}

impl NewApp {
    pub(crate) fn of(record: AppRecord, client_secret: String) -> Result<Self, Error> {
        Ok(Self {
            app: KnownApp::try_from(record)?.app,
            client_secret,
        })
    }
}

impl TryFrom<AppRecord> for KnownApp {
    type Error = Error;

    fn try_from(record: AppRecord) -> Result<Self, Error> {
        let scopes = record.scopes.parse();
        let scopes = scopes.map_err(|cause| Error::Internal(format!("app {}: {cause}", record.client_id)))?;
        let app = App {
            no: record.no,
            tenant: record.tenant,
            client_id: record.client_id.into(),
            name: record.name.into(),
            scopes,
        };
        Ok(Self {
            app: Arc::new(app),
            secret_version: record.secret_version,
            former_until_ms: record.former_secret.map(|(_, until_ms)| until_ms),
        })
    }
}
