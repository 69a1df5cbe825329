//! Tenants and the apps that speak for them.

mod app;
mod manage;
mod tenant;
mod tenants;

pub use manage::AppChange;
pub use tenants::TenantRecord;
pub(crate) use tenants::suspended;

use godwit_model::{AppNo, TenantNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use crate::number::{from_row, to_row};
use crate::{Error, Store};

/// An app, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRecord {
    /// Its number.
    pub no: AppNo,
    /// Whose app it is.
    pub tenant: TenantNo,
    /// Its public id.
    pub client_id: String,
    /// Its name for people.
    pub name: String,
    /// The hash of its secret, as a PHC string.
    pub secret_hash: String,
    /// Counts the secrets it has had, from 1.
    pub secret_version: u64,
    /// Its scopes, with spaces between.
    pub scopes: String,
    /// The secret before the present one, and until when it is good.
    pub former_secret: Option<(String, u64)>,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was made.
    pub created_at_ms: u64,
}

/// An app to be made.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// Its public id, not used before.
    pub client_id: String,
    /// Its name for people.
    pub name: String,
    /// The hash of its secret.
    pub secret_hash: String,
    /// Its scopes, with spaces between.
    pub scopes: String,
}

impl Store {
    /// Makes a tenant.
    pub async fn create_tenant(&self, name: &str, now_ms: u64) -> Result<TenantNo, Error> {
        self.write(|held| async move { insert_tenant(&held, name, now_ms).await })
            .await
    }

    /// Makes an app; `None` when there is no such tenant.
    pub async fn create_app(&self, tenant: TenantNo, app: &NewApp, now_ms: u64) -> Result<Option<AppRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let known = tenant::Entity::find_by_id(i64::from(tenant.0))
                .count(transaction)
                .await?;
            if known == 0 {
                return Ok(None);
            }
            insert_app(transaction, tenant, app, now_ms).await.map(Some)
        })
        .await
    }

    /// Makes the first tenant and its app; `None` when there is an app already.
    pub async fn create_first_app(&self, app: &NewApp, now_ms: u64) -> Result<Option<AppRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            if app::Entity::find().count(transaction).await? > 0 {
                return Ok(None);
            }
            let tenant = insert_tenant(transaction, &app.name, now_ms).await?;
            insert_app(transaction, tenant, app, now_ms).await.map(Some)
        })
        .await
    }

    /// Whether there is any app.
    pub async fn has_app(&self) -> Result<bool, Error> {
        Ok(app::Entity::find().count(&self.reader).await? > 0)
    }

    /// The app that was made first, if there is any.
    pub async fn oldest_app(&self) -> Result<Option<AppRecord>, Error> {
        let find = app::Entity::find()
            .filter(app::Column::RemovedAtMs.is_null())
            .order_by_asc(app::Column::AppNo);
        find.one(&self.reader).await?.map(AppRecord::try_from).transpose()
    }

    /// The app with this public id.
    pub async fn app_by_client_id(&self, client_id: &str) -> Result<Option<AppRecord>, Error> {
        let found = app::Entity::find()
            .filter(app::Column::ClientId.eq(client_id))
            .filter(app::Column::RemovedAtMs.is_null())
            .one(&self.reader)
            .await?;
        found.map(AppRecord::try_from).transpose()
    }

    /// The app with this number.
    pub async fn app_by_no(&self, no: AppNo) -> Result<Option<AppRecord>, Error> {
        let find = app::Entity::find_by_id(to_row(no.0)).filter(app::Column::RemovedAtMs.is_null());
        let found = find.one(&self.reader).await?;
        found.map(AppRecord::try_from).transpose()
    }

    /// Gives an app another secret, which alone is good; `None` when there is no such app.
    pub async fn set_app_secret(&self, client_id: &str, secret_hash: &str) -> Result<Option<AppRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let find = app::Entity::find()
                .filter(app::Column::ClientId.eq(client_id))
                .filter(app::Column::RemovedAtMs.is_null());
            let Some(found) = find.one(transaction).await? else {
                return Ok(None);
            };
            let change = app::ActiveModel {
                app_no: Set(found.app_no),
                secret_hash: Set(secret_hash.to_owned()),
                secret_version: Set(found.secret_version + 1),
                former_secret_hash: Set(None),
                former_until_ms: Set(None),
                ..Default::default()
            };
            let changed = app::Entity::update(change).exec(transaction).await?;
            AppRecord::try_from(changed).map(Some)
        })
        .await
    }
}

async fn insert_tenant(transaction: &DatabaseTransaction, name: &str, now_ms: u64) -> Result<TenantNo, Error> {
    let row = tenant::ActiveModel {
        name: Set(name.to_owned()),
        created_at_ms: Set(to_row(now_ms)),
        ..Default::default()
    };
    tenant_from_row(tenant::Entity::insert(row).exec(transaction).await?.last_insert_id)
}

async fn insert_app(
    transaction: &DatabaseTransaction,
    tenant: TenantNo,
    new: &NewApp,
    now_ms: u64,
) -> Result<AppRecord, Error> {
    let row = app::ActiveModel {
        tenant_no: Set(i64::from(tenant.0)),
        client_id: Set(new.client_id.clone()),
        name: Set(new.name.clone()),
        secret_hash: Set(new.secret_hash.clone()),
        secret_version: Set(1),
        scopes: Set(new.scopes.clone()),
        created_at_ms: Set(to_row(now_ms)),
        ..Default::default()
    };
    app::Entity::insert(row)
        .exec_with_returning(transaction)
        .await?
        .try_into()
}

pub(crate) fn tenant_from_row(value: i64) -> Result<TenantNo, Error> {
    let no = u32::try_from(value).map_err(|_| Error::Corrupt(format!("{value} is not the number of a tenant")))?;
    Ok(TenantNo(no))
}

impl TryFrom<app::Model> for AppRecord {
    type Error = Error;

    fn try_from(row: app::Model) -> Result<Self, Error> {
        Ok(Self {
            no: AppNo(from_row(row.app_no)?),
            tenant: tenant_from_row(row.tenant_no)?,
            client_id: row.client_id,
            name: row.name,
            secret_hash: row.secret_hash,
            secret_version: from_row(row.secret_version)?,
            scopes: row.scopes,
            former_secret: row
                .former_secret_hash
                .zip(row.former_until_ms)
                .map(|(hash, until_ms)| Ok::<_, Error>((hash, from_row(until_ms)?)))
                .transpose()?,
            version: from_row(row.version)?,
            created_at_ms: from_row(row.created_at_ms)?,
        })
    }
}
