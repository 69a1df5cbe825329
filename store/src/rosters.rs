//! Rosters: named lists of users, which are tags or organisations. A tag stands alone; an organisation has departments,
//! which are organisations below it.

pub(crate) mod app_user;
mod change;
pub(crate) mod member;
mod members;
mod roster;

pub use change::{NewRoster, PutRosterOutcome, RemoveRosterOutcome};
pub(crate) use members::{forget, note_app_user};

use godwit_model::{TenantNo, UserId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::number::{from_row, name_from_row};
use crate::{Error, Store};

/// What a roster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RosterKind {
    /// A tag.
    Tag,
    /// An organisation or a department of one.
    Org,
}

impl RosterKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Org => "org",
        }
    }
}

/// A roster, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterRecord {
    /// Its number.
    pub no: u64,
    /// Its id; one of a tenant's tags, or of its organisations.
    pub id: UserId,
    /// Its name for people; may be empty.
    pub name: String,
    /// The organisation it is a department of.
    pub parent: Option<UserId>,
    /// Counts its changes, from 1; its members do not count.
    pub version: u64,
    /// When it was made.
    pub created_at_ms: u64,
}

/// Which rosters of a kind are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RostersOf {
    /// All of them.
    Tenant,
    /// Those that are no departments.
    Root,
    /// The departments right below this one.
    Parent(UserId),
}

impl Store {
    /// A roster of a tenant.
    pub async fn roster(&self, tenant: TenantNo, kind: RosterKind, id: &UserId) -> Result<Option<RosterRecord>, Error> {
        let view = self.view().await?;
        match named(tenant, kind, id).one(&view).await? {
            Some(row) => record(&view, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The rosters of a tenant in the order of their ids, those after `after`.
    pub async fn rosters(
        &self,
        (tenant, kind): (TenantNo, RosterKind),
        which: &RostersOf,
        after: &str,
        limit: u64,
    ) -> Result<Vec<RosterRecord>, Error> {
        let view = self.view().await?;
        let mut find = of_tenant(tenant, kind)
            .filter(roster::Column::RosterId.gt(after))
            .order_by_asc(roster::Column::RosterId)
            .limit(limit);
        find = match which {
            RostersOf::Tenant => find,
            RostersOf::Root => find.filter(roster::Column::ParentNo.is_null()),
            RostersOf::Parent(parent) => match named(tenant, kind, parent).one(&view).await? {
                Some(parent) => find.filter(roster::Column::ParentNo.eq(parent.roster_no)),
                None => return Ok(Vec::new()),
            },
        };
        let rows = find.all(&view).await?;
        let mut records = Vec::with_capacity(rows.len());
        for row in rows {
            records.push(record(&view, row).await?);
        }
        Ok(records)
    }
}

fn of_tenant(tenant: TenantNo, kind: RosterKind) -> Select<roster::Entity> {
    roster::Entity::find()
        .filter(roster::Column::TenantNo.eq(i64::from(tenant.0)))
        .filter(roster::Column::Kind.eq(kind.as_str()))
}

pub(crate) fn named(tenant: TenantNo, kind: RosterKind, id: &UserId) -> Select<roster::Entity> {
    of_tenant(tenant, kind).filter(roster::Column::RosterId.eq(id.as_str()))
}

async fn record<C: ConnectionTrait>(connection: &C, row: roster::Model) -> Result<RosterRecord, Error> {
    let parent = match row.parent_no {
        Some(parent_no) => roster::Entity::find_by_id(parent_no).one(connection).await?,
        None => None,
    };
    Ok(RosterRecord {
        no: from_row(row.roster_no)?,
        id: name_from_row(&row.roster_id)?,
        name: row.name,
        parent: parent.map(|parent| name_from_row(&parent.roster_id)).transpose()?,
        version: from_row(row.version)?,
        created_at_ms: from_row(row.created_at_ms)?,
    })
}

/// The numbers of the rosters right below any of these.
pub(crate) async fn below<C: ConnectionTrait>(connection: &C, parents: &[i64]) -> Result<Vec<i64>, Error> {
    let mut found = Vec::new();
    for chunk in parents.chunks(crate::CHUNK_ROWS) {
        let find = roster::Entity::find()
            .select_only()
            .column(roster::Column::RosterNo)
            .filter(roster::Column::ParentNo.is_in(chunk.iter().copied()));
        let mut numbers: Vec<i64> = find.into_tuple().all(connection).await?;
        found.append(&mut numbers);
    }
    Ok(found)
}
