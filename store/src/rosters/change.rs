//! Making rosters, moving departments, removing them.

use godwit_model::limits::ORG_DEPTH_MAX;
use godwit_model::{TenantNo, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter};

use super::{RosterKind, RosterRecord, below, member, named, record, roster};
use crate::number::{from_row, to_row};
use crate::{Error, Expected, Store};

/// What a roster is to be.
#[derive(Clone, Debug)]
pub struct NewRoster {
    /// Its id.
    pub id: UserId,
    /// Its name for people; may be empty.
    pub name: String,
    /// The organisation it is to be a department of.
    pub parent: Option<UserId>,
}

/// What became of a roster that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutRosterOutcome {
    /// It is so now, and whether it is new.
    Done(RosterRecord, bool),
    /// It is not as the caller expected; nothing was changed.
    Differs,
    /// There is no such organisation above it; nothing was changed.
    NoParent,
    /// It would be above itself; nothing was changed.
    Circle,
    /// Too many departments would stand above one another; nothing was changed.
    TooDeep,
}

/// What became of a roster that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveRosterOutcome {
    /// It is gone, and who was in it is not any more.
    Removed,
    /// There is no such roster.
    Absent,
    /// It is not as the caller expected; nothing was changed.
    Differs,
    /// It has departments; nothing was changed.
    HasDepartments,
}

impl Store {
    /// Keeps a roster as it is said here, and moves it where it is said.
    pub async fn put_roster(
        &self,
        (tenant, kind): (TenantNo, RosterKind),
        new: &NewRoster,
        expected: Expected,
        now_ms: u64,
    ) -> Result<PutRosterOutcome, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let found = named(tenant, kind, &new.id).one(transaction).await?;
            let version = found.as_ref().map(|row| from_row(row.version)).transpose()?;
            if !expected.holds(version) {
                return Ok(PutRosterOutcome::Differs);
            }
            let parent_no = match &new.parent {
                None => None,
                Some(parent) => match named(tenant, kind, parent).one(transaction).await? {
                    Some(parent) => Some(parent.roster_no),
                    None => return Ok(PutRosterOutcome::NoParent),
                },
            };
            let own_no = found.as_ref().map(|row| row.roster_no);
            if let Some(no) = misplaced(transaction, own_no, parent_no).await? {
                return Ok(no);
            }
            let is_new = found.is_none();
            let row = put(transaction, (tenant, kind), new, (found, parent_no, now_ms)).await?;
            Ok(PutRosterOutcome::Done(record(transaction, row).await?, is_new))
        })
        .await
    }

    /// Removes a roster without departments. Who is in it is not any more.
    pub async fn remove_roster(
        &self,
        (tenant, kind): (TenantNo, RosterKind),
        id: &UserId,
        expected: Expected,
    ) -> Result<RemoveRosterOutcome, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = named(tenant, kind, id).one(transaction).await? else {
                return Ok(RemoveRosterOutcome::Absent);
            };
            if !expected.holds(Some(from_row(found.version)?)) {
                return Ok(RemoveRosterOutcome::Differs);
            }
            let departments = roster::Entity::find()
                .filter(roster::Column::ParentNo.eq(found.roster_no))
                .count(transaction)
                .await?;
            if departments > 0 {
                return Ok(RemoveRosterOutcome::HasDepartments);
            }
            member::Entity::delete_many()
                .filter(member::Column::RosterNo.eq(found.roster_no))
                .exec(transaction)
                .await?;
            roster::Entity::delete_by_id(found.roster_no).exec(transaction).await?;
            Ok(RemoveRosterOutcome::Removed)
        })
        .await
    }
}

async fn put(
    transaction: &DatabaseTransaction,
    (tenant, kind): (TenantNo, RosterKind),
    new: &NewRoster,
    (found, parent_no, now_ms): (Option<roster::Model>, Option<i64>, u64),
) -> Result<roster::Model, Error> {
    let said = roster::ActiveModel {
        name: Set(new.name.clone()),
        parent_no: Set(parent_no),
        ..Default::default()
    };
    if let Some(row) = found {
        let change = roster::ActiveModel {
            roster_no: Set(row.roster_no),
            version: Set(row.version + 1),
            ..said
        };
        return Ok(roster::Entity::update(change).exec(transaction).await?);
    }
    let row = roster::ActiveModel {
        tenant_no: Set(i64::from(tenant.0)),
        kind: Set(kind.as_str().to_owned()),
        roster_id: Set(new.id.as_str().to_owned()),
        version: Set(1),
        created_at_ms: Set(to_row(now_ms)),
        ..said
    };
    Ok(roster::Entity::insert(row).exec_with_returning(transaction).await?)
}

/// Why a roster cannot stand below this parent, if so.
async fn misplaced(
    transaction: &DatabaseTransaction,
    own_no: Option<i64>,
    parent_no: Option<i64>,
) -> Result<Option<PutRosterOutcome>, Error> {
    let (mut above, mut levels_above) = (parent_no, 0);
    while let Some(no) = above {
        if Some(no) == own_no {
            return Ok(Some(PutRosterOutcome::Circle));
        }
        levels_above += 1;
        if levels_above >= ORG_DEPTH_MAX {
            return Ok(Some(PutRosterOutcome::TooDeep));
        }
        let row = roster::Entity::find_by_id(no).one(transaction).await?;
        above = row.and_then(|row| row.parent_no);
    }
    let (mut level, mut levels_below) = (own_no.into_iter().collect::<Vec<_>>(), 0);
    while !level.is_empty() {
        levels_below += 1;
        if levels_above + levels_below > ORG_DEPTH_MAX {
            return Ok(Some(PutRosterOutcome::TooDeep));
        }
        level = below(transaction, &level).await?;
    }
    Ok(None)
}
