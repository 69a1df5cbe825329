//! Any number of accounts, walked in the order of their numbers a page at a time: nobody holds all of them.

use godwit_model::{AccountNo, AppNo, GroupNo, TenantNo, UserId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::accounts::account;
use crate::members::member;
use crate::number::{from_row, to_row};
use crate::rosters::{RosterKind, app_user, below, member as roster_member, named};
use crate::{CHUNK_ROWS, Error, Store};

/// What accounts have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// The tenant.
    Tenant(TenantNo),
    /// A roster: its number.
    Roster(u64),
    /// The app that vouched for them.
    App(AppNo),
    /// The group they are members of.
    Group(GroupNo),
}

impl Store {
    /// The numbers of a roster and of all below it; `None` when there is no such roster.
    pub async fn roster_and_below(
        &self,
        tenant: TenantNo,
        kind: RosterKind,
        id: &UserId,
    ) -> Result<Option<Vec<u64>>, Error> {
        let view = self.view().await?;
        let Some(found) = named(tenant, kind, id).one(&view).await? else {
            return Ok(None);
        };
        let (mut level, mut all) = (vec![found.roster_no], Vec::new());
        // There are no circles.
        while !level.is_empty() {
            all.extend_from_slice(&level);
            level = match kind {
                RosterKind::Tag => Vec::new(),
                RosterKind::Org => below(&view, &level).await?,
            };
        }
        let all: Result<Vec<u64>, Error> = all.into_iter().map(from_row).collect();
        all.map(Some)
    }

    /// The next accounts of a crowd after `after`, ascending.
    pub async fn accounts_after(&self, crowd: &Crowd, after: AccountNo, limit: u64) -> Result<Vec<AccountNo>, Error> {
        let after = to_row(after.0);
        let numbers: Vec<i64> = match crowd {
            Crowd::Tenant(tenant) => {
                let find = account::Entity::find()
                    .select_only()
                    .column(account::Column::AccountNo)
                    .filter(account::Column::TenantNo.eq(i64::from(tenant.0)))
                    .filter(account::Column::DeletedAtMs.is_null())
                    .filter(account::Column::AccountNo.gt(after))
                    .order_by_asc(account::Column::AccountNo);
                find.limit(limit).into_tuple().all(&self.reader).await?
            }
            Crowd::Roster(roster) => {
                let find = roster_member::Entity::find()
                    .select_only()
                    .column(roster_member::Column::AccountNo)
                    .filter(roster_member::Column::RosterNo.eq(to_row(*roster)))
                    .filter(roster_member::Column::AccountNo.gt(after))
                    .order_by_asc(roster_member::Column::AccountNo);
                find.limit(limit).into_tuple().all(&self.reader).await?
            }
            Crowd::App(app) => {
                let find = app_user::Entity::find()
                    .select_only()
                    .column(app_user::Column::AccountNo)
                    .filter(app_user::Column::AppNo.eq(to_row(app.0)))
                    .filter(app_user::Column::AccountNo.gt(after))
                    .order_by_asc(app_user::Column::AccountNo);
                find.limit(limit).into_tuple().all(&self.reader).await?
            }
            Crowd::Group(group) => {
                let find = member::Entity::find()
                    .select_only()
                    .column(member::Column::AccountNo)
                    .filter(member::Column::GroupNo.eq(to_row(group.0)))
                    .filter(member::Column::LeftAtMs.is_null())
                    .filter(member::Column::AccountNo.gt(after))
                    .order_by_asc(member::Column::AccountNo);
                find.limit(limit).into_tuple().all(&self.reader).await?
            }
        };
        numbers.into_iter().map(|no| from_row(no).map(AccountNo)).collect()
    }

    /// Those of `accounts` that are in any of these rosters, ascending.
    pub async fn accounts_in_rosters(&self, rosters: &[u64], accounts: &[AccountNo]) -> Result<Vec<AccountNo>, Error> {
        let mut found = Vec::new();
        for rosters in rosters.chunks(CHUNK_ROWS) {
            for chunk in accounts.chunks(CHUNK_ROWS) {
                let find = roster_member::Entity::find()
                    .select_only()
                    .column(roster_member::Column::AccountNo)
                    .filter(roster_member::Column::RosterNo.is_in(rosters.iter().map(|no| to_row(*no))))
                    .filter(roster_member::Column::AccountNo.is_in(chunk.iter().map(|no| to_row(no.0))));
                let numbers: Vec<i64> = find.into_tuple().all(&self.reader).await?;
                for no in numbers {
                    found.push(AccountNo(from_row(no)?));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
