//! Tenants as the operator manages them.

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{AppRecord, NewApp, insert_app, insert_tenant, tenant, tenant_from_row};
use crate::number::{from_row, to_row};
use crate::{Error, Expected, Store, Versioned};

/// A tenant, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRecord {
    /// Its number.
    pub no: TenantNo,
    /// Its name for people.
    pub name: String,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was made.
    pub created_at_ms: u64,
    /// Since when it may not use the platform, if so.
    pub suspended_at_ms: Option<u64>,
}

impl Store {
    /// Makes a tenant with its first app.
    pub async fn create_tenant_with_app(
        &self,
        name: &str,
        app: &NewApp,
        now_ms: u64,
    ) -> Result<(TenantRecord, AppRecord), Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let no = insert_tenant(transaction, name, now_ms).await?;
            let app = insert_app(transaction, no, app, now_ms).await?;
            let made = TenantRecord {
                no,
                name: name.to_owned(),
                version: 1,
                created_at_ms: now_ms,
                suspended_at_ms: None,
            };
            Ok((made, app))
        })
        .await
    }

    /// The tenant with this number.
    pub async fn tenant(&self, no: TenantNo) -> Result<Option<TenantRecord>, Error> {
        let found = tenant::Entity::find_by_id(i64::from(no.0)).one(&self.reader).await?;
        found.map(TenantRecord::try_from).transpose()
    }

    /// The tenants in the order of their numbers, those after `after`.
    pub async fn tenants(&self, after: TenantNo, limit: u64) -> Result<Vec<TenantRecord>, Error> {
        let find = tenant::Entity::find()
            .filter(tenant::Column::TenantNo.gt(i64::from(after.0)))
            .order_by_asc(tenant::Column::TenantNo)
            .limit(limit);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(TenantRecord::try_from).collect()
    }

    /// Gives a tenant another name.
    pub async fn rename_tenant(
        &self,
        no: TenantNo,
        name: &str,
        expected: Expected,
    ) -> Result<Versioned<TenantRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = tenant::Entity::find_by_id(i64::from(no.0)).one(transaction).await? else {
                return Ok(Versioned::Absent);
            };
            if !expected.holds(Some(from_row(found.version)?)) {
                return Ok(Versioned::Differs);
            }
            let change = tenant::ActiveModel {
                tenant_no: Set(found.tenant_no),
                name: Set(name.to_owned()),
                version: Set(found.version + 1),
                ..Default::default()
            };
            let changed = tenant::Entity::update(change).exec(transaction).await?;
            TenantRecord::try_from(changed).map(Versioned::Done)
        })
        .await
    }

    /// Says whether a tenant may not use the platform for a while. Saying it again changes nothing.
    pub async fn suspend_tenant(
        &self,
        no: TenantNo,
        suspended: bool,
        expected: Expected,
        now_ms: u64,
    ) -> Result<Versioned<TenantRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = tenant::Entity::find_by_id(i64::from(no.0)).one(transaction).await? else {
                return Ok(Versioned::Absent);
            };
            if !expected.holds(Some(from_row(found.version)?)) {
                return Ok(Versioned::Differs);
            }
            if found.suspended_at_ms.is_some() == suspended {
                return TenantRecord::try_from(found).map(Versioned::Done);
            }
            let change = tenant::ActiveModel {
                tenant_no: Set(found.tenant_no),
                suspended_at_ms: Set(suspended.then_some(to_row(now_ms))),
                version: Set(found.version + 1),
                ..Default::default()
            };
            let changed = tenant::Entity::update(change).exec(transaction).await?;
            TenantRecord::try_from(changed).map(Versioned::Done)
        })
        .await
    }
}

/// The numbers of the tenants that are suspended.
pub(crate) fn suspended() -> SelectStatement {
    let find = tenant::Entity::find()
        .select_only()
        .column(tenant::Column::TenantNo)
        .filter(tenant::Column::SuspendedAtMs.is_not_null());
    find.into_query()
}

impl TryFrom<tenant::Model> for TenantRecord {
    type Error = Error;

    fn try_from(row: tenant::Model) -> Result<Self, Error> {
        Ok(Self {
            no: tenant_from_row(row.tenant_no)?,
            name: row.name,
            version: from_row(row.version)?,
            created_at_ms: from_row(row.created_at_ms)?,
            suspended_at_ms: row.suspended_at_ms.map(from_row).transpose()?,
        })
    }
}
