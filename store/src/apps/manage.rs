//! Apps as their tenant manages them: listed, changed, given another secret, removed.

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{AppRecord, app};
use crate::number::{from_row, to_row};
use crate::{Error, Expected, Store, Versioned};

/// What is changed of an app.
#[derive(Clone, Debug)]
pub enum AppChange {
    /// Its name for people, and its scopes with spaces between.
    Describe(String, String),
    /// A new secret beside the present one, which is good until that time.
    Rotate(String, u64),
    /// It is gone from that time on; its number and its public id are never used again.
    Remove(u64),
}

impl Store {
    /// The apps of a tenant in the order of their public ids, those after `after`.
    pub async fn apps(&self, tenant: TenantNo, after: &str, limit: u64) -> Result<Vec<AppRecord>, Error> {
        let find = of_tenant(tenant)
            .filter(app::Column::ClientId.gt(after))
            .order_by_asc(app::Column::ClientId)
            .limit(limit);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(AppRecord::try_from).collect()
    }

    /// Changes an app of a tenant; the answer is the app after the change.
    pub async fn change_app(
        &self,
        (tenant, client_id): (TenantNo, &str),
        change: &AppChange,
        expected: Expected,
    ) -> Result<Versioned<AppRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let find = of_tenant(tenant).filter(app::Column::ClientId.eq(client_id));
            let Some(found) = find.one(transaction).await? else {
                return Ok(Versioned::Absent);
            };
            if !expected.holds(Some(from_row(found.version)?)) {
                return Ok(Versioned::Differs);
            }
            let changed = app::ActiveModel {
                app_no: Set(found.app_no),
                version: Set(found.version + 1),
                ..changed(change, &found)
            };
            let changed = app::Entity::update(changed).exec(transaction).await?;
            AppRecord::try_from(changed).map(Versioned::Done)
        })
        .await
    }
}

fn changed(change: &AppChange, found: &app::Model) -> app::ActiveModel {
    match change {
        AppChange::Describe(name, scopes) => app::ActiveModel {
            name: Set(name.clone()),
            scopes: Set(scopes.clone()),
            ..Default::default()
        },
        AppChange::Rotate(secret_hash, former_until_ms) => app::ActiveModel {
            secret_hash: Set(secret_hash.clone()),
            secret_version: Set(found.secret_version + 1),
            former_secret_hash: Set(Some(found.secret_hash.clone())),
            former_until_ms: Set(Some(to_row(*former_until_ms))),
            ..Default::default()
        },
        AppChange::Remove(at_ms) => app::ActiveModel {
            removed_at_ms: Set(Some(to_row(*at_ms))),
            ..Default::default()
        },
    }
}

fn of_tenant(tenant: TenantNo) -> Select<app::Entity> {
    app::Entity::find()
        .filter(app::Column::TenantNo.eq(i64::from(tenant.0)))
        .filter(app::Column::RemovedAtMs.is_null())
}
