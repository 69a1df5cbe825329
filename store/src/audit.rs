//! Who changed what, when, and from where. Lines are added and read, never changed.

mod row;

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::number::{from_row, to_row};
use crate::{Error, Store};

/// A change that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAuditLine {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// In which tenant.
    pub tenant: TenantNo,
    /// Who.
    pub actor: String,
    /// What: a method and a route.
    pub action: String,
    /// On what: the path.
    pub subject: String,
    /// The status it was answered with.
    pub status: u16,
    /// The code of the problem, if it was refused.
    pub code: Option<String>,
    /// From where.
    pub address: String,
    /// The id of the request.
    pub request_id: String,
}

/// A line of the audit, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Counts all lines.
    pub no: u64,
    /// What it says.
    pub says: NewAuditLine,
}

/// Which lines are read.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Those above this number, oldest first.
    pub after: Option<u64>,
    /// Those below this number; the newest first where `after` is not given.
    pub before: Option<u64>,
    /// Those from this time on.
    pub since_ms: Option<u64>,
    /// Those before this time.
    pub until_ms: Option<u64>,
    /// Those of this actor.
    pub actor: Option<String>,
    /// Those of this action.
    pub action: Option<String>,
    /// Most lines.
    pub limit: u64,
}

impl Store {
    /// Adds a line.
    pub async fn add_audit_line(&self, new: &NewAuditLine) -> Result<(), Error> {
        self.write(|held| async move {
            let row = row::ActiveModel {
                at_ms: Set(to_row(new.at_ms)),
                tenant_no: Set(i64::from(new.tenant.0)),
                actor: Set(new.actor.clone()),
                action: Set(new.action.clone()),
                subject: Set(new.subject.clone()),
                status: Set(new.status.into()),
                code: Set(new.code.clone()),
                address: Set(new.address.clone()),
                request_id: Set(new.request_id.clone()),
                ..Default::default()
            };
            row::Entity::insert(row).exec(&*held).await?;
            Ok(())
        })
        .await
    }

    /// Forgets lines of before a time; says how many.
    pub async fn trim_audit(&self, before_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let gone = row::Entity::delete_many()
                .filter(row::Column::AtMs.lt(to_row(before_ms)))
                .exec(&*held)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }

    /// Lines of a tenant.
    pub async fn audit(&self, tenant: TenantNo, query: &AuditQuery) -> Result<Vec<AuditLine>, Error> {
        let mut find = row::Entity::find()
            .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
            .limit(query.limit);
        find = match query.after {
            Some(after) => find
                .filter(row::Column::LineNo.gt(to_row(after)))
                .order_by_asc(row::Column::LineNo),
            None => find.order_by_desc(row::Column::LineNo),
        };
        if let Some(before) = query.before {
            find = find.filter(row::Column::LineNo.lt(to_row(before)));
        }
        if let Some(since_ms) = query.since_ms {
            find = find.filter(row::Column::AtMs.gte(to_row(since_ms)));
        }
        if let Some(until_ms) = query.until_ms {
            find = find.filter(row::Column::AtMs.lt(to_row(until_ms)));
        }
        if let Some(actor) = &query.actor {
            find = find.filter(row::Column::Actor.eq(actor));
        }
        if let Some(action) = &query.action {
            find = find.filter(row::Column::Action.eq(action));
        }
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(AuditLine::try_from).collect()
    }
}

impl TryFrom<row::Model> for AuditLine {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let status = u16::try_from(row.status);
        Ok(Self {
            no: from_row(row.line_no)?,
            says: NewAuditLine {
                at_ms: from_row(row.at_ms)?,
                tenant: crate::apps::tenant_from_row(row.tenant_no)?,
                actor: row.actor,
                action: row.action,
                subject: row.subject,
                status: status.map_err(|_| Error::Corrupt(format!("line {}: no status", row.line_no)))?,
                code: row.code,
                address: row.address,
                request_id: row.request_id,
            },
        })
    }
}
