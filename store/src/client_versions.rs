//! Which versions of a tenant's clients are good, by operating system.

mod row;

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::number::{from_row, to_row};
use crate::{Error, Expected, Store, Versioned};

/// Which versions of a client are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientVersions {
    /// The operating system's name.
    pub os: String,
    /// Older ones are refused; empty: none is.
    pub minimum: String,
    /// The newest there is; empty: not said.
    pub latest: String,
    /// What outdated clients are told.
    pub message: String,
    /// Counts its changes, from 1.
    pub version: u64,
}

impl Store {
    /// What a tenant says of its clients, in the order of operating systems.
    pub async fn client_versions(&self, tenant: TenantNo) -> Result<Vec<ClientVersions>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
            .order_by_asc(row::Column::Os);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(ClientVersions::try_from).collect()
    }

    /// What a tenant says of its clients on one operating system.
    pub async fn client_versions_on(&self, tenant: TenantNo, os: &str) -> Result<Option<ClientVersions>, Error> {
        let find = row::Entity::find_by_id((i64::from(tenant.0), os.to_owned()));
        find.one(&self.reader).await?.map(ClientVersions::try_from).transpose()
    }

    /// Keeps what a tenant says of its clients on one operating system, and says whether that is new. The version of
    /// `new` is not looked at.
    pub async fn put_client_versions(
        &self,
        tenant: TenantNo,
        new: &ClientVersions,
        expected: Expected,
    ) -> Result<Versioned<(ClientVersions, bool)>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let key = (i64::from(tenant.0), new.os.clone());
            let found = row::Entity::find_by_id(key).one(transaction).await?;
            let version = found.as_ref().map(|row| from_row(row.version)).transpose()?;
            if !expected.holds(version) {
                return Ok(Versioned::Differs);
            }
            let next = version.unwrap_or_default() + 1;
            let said = row::ActiveModel {
                tenant_no: Set(i64::from(tenant.0)),
                os: Set(new.os.clone()),
                minimum: Set(new.minimum.clone()),
                latest: Set(new.latest.clone()),
                message: Set(new.message.clone()),
                version: Set(to_row(next)),
            };
            if found.is_some() {
                row::Entity::update(said).exec(transaction).await?;
            } else {
                row::Entity::insert(said).exec_without_returning(transaction).await?;
            }
            let kept = ClientVersions {
                version: next,
                ..new.clone()
            };
            Ok(Versioned::Done((kept, found.is_none())))
        })
        .await
    }

    /// Forgets what a tenant says of its clients on one operating system; whether there was anything.
    pub async fn remove_client_versions(&self, tenant: TenantNo, os: &str) -> Result<bool, Error> {
        self.write(|held| async move {
            let gone = row::Entity::delete_by_id((i64::from(tenant.0), os.to_owned()))
                .exec(&*held)
                .await?;
            Ok(gone.rows_affected > 0)
        })
        .await
    }
}

impl TryFrom<row::Model> for ClientVersions {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        Ok(Self {
            os: row.os,
            minimum: row.minimum,
            latest: row.latest,
            message: row.message,
            version: from_row(row.version)?,
        })
    }
}
