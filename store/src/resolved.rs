//! What the business system of a tenant said of a group or a user, and when.

mod row;

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::number::{from_row, to_row};
use crate::{Error, Store};

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The answer: JSON.
    pub answer: String,
    /// When it was given.
    pub at_ms: u64,
    /// Whether it was said since that it is another now.
    pub outdated: bool,
    /// Counts the answers that differed from the one before, from 1.
    pub version: u64,
}

impl Store {
    /// What was said of a subject.
    pub async fn resolved(&self, tenant: TenantNo, subject: &str) -> Result<Option<Resolved>, Error> {
        let key = (i64::from(tenant.0), subject.to_owned());
        let found = row::Entity::find_by_id(key).one(&self.reader).await?;
        found.map(Resolved::try_from).transpose()
    }

    /// Keeps what is said of a subject now.
    pub async fn keep_resolved(
        &self,
        (tenant, subject): (TenantNo, &str),
        answer: &str,
        now_ms: u64,
    ) -> Result<Resolved, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let key = (i64::from(tenant.0), subject.to_owned());
            let found = row::Entity::find_by_id(key).one(transaction).await?;
            let before = found.as_ref().map_or(0, |found| found.version);
            let is_same = found.as_ref().is_some_and(|found| found.answer == answer);
            let said = row::ActiveModel {
                tenant_no: Set(i64::from(tenant.0)),
                subject: Set(subject.to_owned()),
                answer: Set(answer.to_owned()),
                at_ms: Set(to_row(now_ms)),
                outdated: Set(false),
                version: Set(if is_same { before } else { before + 1 }),
            };
            let kept = if found.is_some() {
                row::Entity::update(said).exec(transaction).await?
            } else {
                row::Entity::insert(said).exec_with_returning(transaction).await?
            };
            kept.try_into()
        })
        .await
    }

    /// Notes that what was said of a subject is another now.
    pub async fn outdate_resolved(&self, tenant: TenantNo, subject: &str) -> Result<(), Error> {
        self.write(|held| async move {
            let outdated = row::ActiveModel {
                outdated: Set(true),
                ..Default::default()
            };
            row::Entity::update_many()
                .set(outdated)
                .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
                .filter(row::Column::Subject.eq(subject))
                .exec(&*held)
                .await?;
            Ok(())
        })
        .await
    }
}

impl TryFrom<row::Model> for Resolved {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        Ok(Self {
            answer: row.answer,
            at_ms: from_row(row.at_ms)?,
            outdated: row.outdated,
            version: from_row(row.version)?,
        })
    }
}
