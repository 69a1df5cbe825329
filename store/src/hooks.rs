//! Hooks: services of tenants that are asked before something is done.

mod row;

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::apps::tenant_from_row;
use crate::number::{from_row, to_row};
use crate::{Error, Expected, Store, Versioned};

/// What its owner says of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookSays {
    /// Where it is asked.
    pub url: String,
    /// How long an answer may take, in milliseconds.
    pub time_limit_ms: u64,
    /// What is done without an answer.
    pub on_failure: String,
    /// How old an answer may be that is used in the place of a new one, in milliseconds.
    pub stale_ms: u64,
    /// Whether it is asked.
    pub enabled: bool,
}

/// A hook, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRecord {
    /// Whose it is.
    pub tenant: TenantNo,
    /// What it is asked for, and of whom.
    pub name: String,
    /// What its owner says.
    pub says: HookSays,
    /// What signs the questions, encrypted.
    pub secret: Vec<u8>,
    /// The secret before it, encrypted, and until when it signs as well.
    pub former: Option<(Vec<u8>, u64)>,
    /// When it was made.
    pub created_at_ms: u64,
    /// Counts its changes, from 1.
    pub version: u64,
}

impl Store {
    /// Every hook of every tenant.
    pub async fn every_hook(&self) -> Result<Vec<HookRecord>, Error> {
        let rows = row::Entity::find().all(&self.reader).await?;
        rows.into_iter().map(HookRecord::try_from).collect()
    }

    /// The hooks of a tenant by their names.
    pub async fn hooks(&self, tenant: TenantNo) -> Result<Vec<HookRecord>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
            .order_by_asc(row::Column::Name);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(HookRecord::try_from).collect()
    }

    /// Keeps a hook as it is said, and says whether it is new. `secret` is for a new one.
    pub async fn put_hook(
        &self,
        (tenant, name): (TenantNo, &str),
        says: &HookSays,
        (secret, now_ms): (&[u8], u64),
        expected: Expected,
    ) -> Result<Versioned<(HookRecord, bool)>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let key = (i64::from(tenant.0), name.to_owned());
            let found = row::Entity::find_by_id(key).one(transaction).await?;
            let version = found.as_ref().map(|row| from_row(row.version)).transpose()?;
            if !expected.holds(version) {
                return Ok(Versioned::Differs);
            }
            let mut next = row::ActiveModel {
                tenant_no: Set(i64::from(tenant.0)),
                name: Set(name.to_owned()),
                url: Set(says.url.clone()),
                time_limit_ms: Set(to_row(says.time_limit_ms)),
                on_failure: Set(says.on_failure.clone()),
                stale_ms: Set(to_row(says.stale_ms)),
                enabled: Set(says.enabled),
                version: Set(to_row(version.unwrap_or_default() + 1)),
                ..Default::default()
            };
            let kept = if found.is_some() {
                row::Entity::update(next).exec(transaction).await?
            } else {
                next.secret = Set(secret.to_vec());
                next.created_at_ms = Set(to_row(now_ms));
                row::Entity::insert(next).exec_with_returning(transaction).await?
            };
            Ok(Versioned::Done((kept.try_into()?, found.is_none())))
        })
        .await
    }

    /// Gives a hook another secret; the former one signs until then as well. `None` where there is no such hook.
    pub async fn rotate_hook_secret(
        &self,
        (tenant, name): (TenantNo, &str),
        secret: &[u8],
        former_until_ms: u64,
    ) -> Result<Option<HookRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let key = (i64::from(tenant.0), name.to_owned());
            let Some(found) = row::Entity::find_by_id(key).one(transaction).await? else {
                return Ok(None);
            };
            let next = row::ActiveModel {
                tenant_no: Set(found.tenant_no),
                name: Set(found.name),
                secret: Set(secret.to_vec()),
                former_secret: Set(Some(found.secret)),
                former_until_ms: Set(Some(to_row(former_until_ms))),
                version: Set(found.version + 1),
                ..Default::default()
            };
            let changed = row::Entity::update(next).exec(transaction).await?;
            Ok(Some(changed.try_into()?))
        })
        .await
    }

    /// Forgets a hook.
    pub async fn remove_hook(&self, tenant: TenantNo, name: &str, expected: Expected) -> Result<Versioned<()>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let key = (i64::from(tenant.0), name.to_owned());
            let found = row::Entity::find_by_id(key.clone()).one(transaction).await?;
            let version = found.as_ref().map(|row| from_row(row.version)).transpose()?;
            match version {
                version if !expected.holds(version) => Ok(Versioned::Differs),
                None => Ok(Versioned::Absent),
                Some(_) => {
                    row::Entity::delete_by_id(key).exec(transaction).await?;
                    Ok(Versioned::Done(()))
                }
            }
        })
        .await
    }
}

impl TryFrom<row::Model> for HookRecord {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let former_until_ms = row.former_until_ms.map(from_row).transpose()?;
        Ok(Self {
            tenant: tenant_from_row(row.tenant_no)?,
            name: row.name,
            says: HookSays {
                url: row.url,
                time_limit_ms: from_row(row.time_limit_ms)?,
                on_failure: row.on_failure,
                stale_ms: from_row(row.stale_ms)?,
                enabled: row.enabled,
            },
            secret: row.secret,
            former: row.former_secret.zip(former_until_ms),
            created_at_ms: from_row(row.created_at_ms)?,
            version: from_row(row.version)?,
        })
    }
}
