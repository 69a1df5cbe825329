//! Groups: their life from being made to being dissolved. Their members are in [`crate::members`].

pub(crate) mod group;
mod listed;
mod settings;

pub use listed::GroupLine;
pub use settings::GroupSettings;

use godwit_model::{AccountNo, GroupEvent, GroupId, GroupNo, JoinPolicy, Role, TenantNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select};

use crate::apps::tenant_from_row;
use crate::members::{self, MemberRecord};
use crate::number::{from_row, name_from_row, to_row};
use crate::untold_changes::owe;
use crate::{Error, Store, Terms, join_requests};

/// A group with its members, as stored at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its number.
    pub no: GroupNo,
    /// Whose group it is.
    pub tenant: TenantNo,
    /// Its public id.
    pub id: GroupId,
    /// Its name for people.
    pub name: String,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was made.
    pub created_at_ms: u64,
    /// Who may join without being added.
    pub join_policy: JoinPolicy,
    /// Whether only admins and the owner write.
    pub muted: bool,
    /// Its members, in ascending order of account.
    pub members: Vec<MemberRecord>,
}

/// A group to be made.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Whose group it is.
    pub tenant: TenantNo,
    /// Its public id.
    pub id: GroupId,
    /// Its name for people.
    pub name: String,
    /// Its members, each account once.
    pub members: Vec<NewMember>,
}

/// A member of a group to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewMember {
    /// The account.
    pub account: AccountNo,
    /// What it may do.
    pub role: Role,
}

/// What became of a group to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateGroupOutcome {
    /// It has this number.
    Created(GroupNo),
    /// A live group has this id; nothing was changed.
    AlreadyExists,
}

/// What became of a group to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DissolveOutcome {
    /// It is ended.
    Dissolved,
    /// There is no such live group.
    NoGroup,
    /// What the caller relied on is not so any more; nothing was changed.
    Changed,
}

impl Store {
    /// Makes a group with its members.
    pub async fn create_group(&self, new: &NewGroup, terms: &Terms) -> Result<CreateGroupOutcome, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            if with_id(new.tenant, &new.id).count(transaction).await? > 0 {
                return Ok(CreateGroupOutcome::AlreadyExists);
            }
            let row = group::ActiveModel {
                tenant_no: Set(i64::from(new.tenant.0)),
                group_id: Set(new.id.as_str().to_owned()),
                name: Set(new.name.clone()),
                version: Set(1),
                created_at_ms: Set(to_row(terms.now_ms)),
                ..Default::default()
            };
            let no = group::Entity::insert(row).exec(transaction).await?.last_insert_id;
            let no = GroupNo(from_row(no)?);
            members::insert(transaction, no, &new.members, terms.now_ms).await?;
            if terms.telling.is_some() && !new.members.is_empty() {
                let all = members::of_group(transaction, no).await?;
                owe(transaction, no, terms, (GroupEvent::Created, None), &all).await?;
            }
            Ok(CreateGroupOutcome::Created(no))
        })
        .await
    }

    /// The number of the live group with this id.
    pub async fn group_no(&self, tenant: TenantNo, id: &GroupId) -> Result<Option<GroupNo>, Error> {
        let find = with_id(tenant, id).select_only().column(group::Column::GroupNo);
        let no: Option<i64> = find.into_tuple().one(&self.reader).await?;
        no.map(|no| from_row(no).map(GroupNo)).transpose()
    }

    /// The live group with this number, and its members at the same moment.
    pub async fn group(&self, no: GroupNo) -> Result<Option<GroupRecord>, Error> {
        let view = self.view().await?;
        let Some(row) = live(no).one(&view).await? else {
            return Ok(None);
        };
        let members = members::of_group(&view, no).await?;
        record(row, members).map(Some)
    }

    /// The group with this number, live or not; its members, or those it had when it was dissolved.
    pub async fn group_ever(&self, no: GroupNo) -> Result<Option<GroupRecord>, Error> {
        let view = self.view().await?;
        let Some(row) = group::Entity::find_by_id(to_row(no.0)).one(&view).await? else {
            return Ok(None);
        };
        let members = match row.dissolved_at_ms {
            None => members::of_group(&view, no).await?,
            Some(dissolved_at_ms) => members::at_the_end(&view, no, dissolved_at_ms).await?,
        };
        record(row, members).map(Some)
    }

    /// Ends a group and everybody's membership.
    pub async fn dissolve_group(&self, no: GroupNo, terms: &Terms) -> Result<DissolveOutcome, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            if !members::still_are(transaction, no, &terms.relied_on).await? {
                return Ok(DissolveOutcome::Changed);
            }
            let dissolved = group::Entity::update_many()
                .set(group::ActiveModel {
                    dissolved_at_ms: Set(Some(to_row(terms.now_ms))),
                    ..Default::default()
                })
                .filter(group::Column::GroupNo.eq(to_row(no.0)))
                .filter(group::Column::DissolvedAtMs.is_null())
                .exec(transaction)
                .await?;
            if dissolved.rows_affected == 0 {
                return Ok(DissolveOutcome::NoGroup);
            }
            members::all_leave(transaction, no, terms.now_ms).await?;
            join_requests::forget_group(transaction, no).await?;
            owe(transaction, no, terms, (GroupEvent::Dissolved, None), &[]).await?;
            Ok(DissolveOutcome::Dissolved)
        })
        .await
    }
}

fn record(row: group::Model, members: Vec<MemberRecord>) -> Result<GroupRecord, Error> {
    Ok(GroupRecord {
        no: GroupNo(from_row(row.group_no)?),
        tenant: tenant_from_row(row.tenant_no)?,
        id: name_from_row(&row.group_id)?,
        name: row.name,
        version: from_row(row.version)?,
        created_at_ms: from_row(row.created_at_ms)?,
        join_policy: name_from_row(&row.join_policy)?,
        muted: row.muted,
        members,
    })
}

fn with_id(tenant: TenantNo, id: &GroupId) -> Select<group::Entity> {
    group::Entity::find()
        .filter(group::Column::TenantNo.eq(i64::from(tenant.0)))
        .filter(group::Column::GroupId.eq(id.as_str()))
        .filter(group::Column::DissolvedAtMs.is_null())
}

fn live(no: GroupNo) -> Select<group::Entity> {
    group::Entity::find_by_id(to_row(no.0)).filter(group::Column::DissolvedAtMs.is_null())
}

/// The version of a live group.
pub(crate) async fn version_of(transaction: &DatabaseTransaction, no: GroupNo) -> Result<Option<u64>, Error> {
    let row = live(no).one(transaction).await?;
    row.map(|row| from_row(row.version)).transpose()
}

/// Counts one more change.
pub(crate) async fn set_version(transaction: &DatabaseTransaction, no: GroupNo, version: u64) -> Result<(), Error> {
    group::Entity::update_many()
        .set(group::ActiveModel {
            version: Set(to_row(version)),
            ..Default::default()
        })
        .filter(group::Column::GroupNo.eq(to_row(no.0)))
        .exec(transaction)
        .await?;
    Ok(())
}
