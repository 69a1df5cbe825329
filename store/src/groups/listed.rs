//! Groups of a tenant in a list: without their members, whose number is told.

use std::collections::HashMap;

use godwit_model::{GroupId, GroupNo, JoinPolicy, TenantNo};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::group;
use crate::members::member;
use crate::number::{from_row, name_from_row};
use crate::{Error, Store};

/// A group without its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLine {
    /// Its number.
    pub no: GroupNo,
    /// Its public id.
    pub id: GroupId,
    /// Its name for people.
    pub name: String,
    /// Who may join without being added.
    pub join_policy: JoinPolicy,
    /// Whether only admins and the owner write.
    pub muted: bool,
    /// When it was made.
    pub created_at_ms: u64,
    /// How many members it has.
    pub members: u64,
}

impl Store {
    /// The live groups of a tenant in the order of their ids, those after `after`.
    pub async fn groups(&self, tenant: TenantNo, after: &str, limit: u64) -> Result<Vec<GroupLine>, Error> {
        let view = self.view().await?;
        let rows = group::Entity::find()
            .filter(group::Column::TenantNo.eq(i64::from(tenant.0)))
            .filter(group::Column::DissolvedAtMs.is_null())
            .filter(group::Column::GroupId.gt(after))
            .order_by_asc(group::Column::GroupId)
            .limit(limit)
            .all(&view)
            .await?;
        let numbers = rows.iter().map(|row| row.group_no);
        let counts: Vec<(i64, i64)> = member::Entity::find()
            .select_only()
            .column(member::Column::GroupNo)
            .column_as(member::Column::AccountNo.count(), "members")
            .filter(member::Column::GroupNo.is_in(numbers))
            .filter(member::Column::LeftAtMs.is_null())
            .group_by(member::Column::GroupNo)
            .into_tuple()
            .all(&view)
            .await?;
        let counts: HashMap<i64, i64> = counts.into_iter().collect();
        let line = |row: group::Model| {
            Ok(GroupLine {
                no: GroupNo(from_row(row.group_no)?),
                id: name_from_row(&row.group_id)?,
                name: row.name,
                join_policy: name_from_row(&row.join_policy)?,
                muted: row.muted,
                created_at_ms: from_row(row.created_at_ms)?,
                members: from_row(counts.get(&row.group_no).copied().unwrap_or_default())?,
            })
        };
        rows.into_iter().map(line).collect()
    }
}
