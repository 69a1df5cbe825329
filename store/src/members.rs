//! Who is in which group. Who left keeps a row, so that the number of the message that said so stays known.

mod change;
pub(crate) mod member;
mod mute;

pub use change::MemberChange;
pub(crate) use change::{note_joined, note_left, unchanged};

use std::collections::HashMap;

use godwit_model::{AccountNo, GroupNo, Role, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::accounts::account;
use crate::number::{from_row, name_from_row, to_row};
use crate::{CHUNK_ROWS, Error, NewMember, Store};

/// A member of a group, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// The account.
    pub account: AccountNo,
    /// Its user.
    pub user: UserId,
    /// What it may do.
    pub role: Role,
    /// The `conv_seq` of the message that said it joined.
    pub joined_conv_seq: Option<u64>,
    /// Until when it may not write.
    pub muted_until_ms: Option<u64>,
}

impl Store {
    /// The live groups an account is a member of, oldest first.
    pub async fn groups_of(&self, account: AccountNo) -> Result<Vec<GroupNo>, Error> {
        let find = of_account(account)
            .select_only()
            .column(member::Column::GroupNo)
            .order_by_asc(member::Column::GroupNo);
        let numbers: Vec<i64> = find.into_tuple().all(&self.reader).await?;
        numbers.into_iter().map(|no| from_row(no).map(GroupNo)).collect()
    }
}

fn present() -> Select<member::Entity> {
    member::Entity::find().filter(member::Column::LeftAtMs.is_null())
}

/// The memberships of an account.
pub(crate) fn of_account(account: AccountNo) -> Select<member::Entity> {
    present().filter(member::Column::AccountNo.eq(to_row(account.0)))
}

fn present_in(group: GroupNo) -> Select<member::Entity> {
    present().filter(member::Column::GroupNo.eq(to_row(group.0)))
}

fn numbers(accounts: &[AccountNo]) -> impl Iterator<Item = i64> {
    accounts.iter().map(|account| to_row(account.0))
}

/// Every member of a group, in ascending order of account.
pub(crate) async fn of_group<C: ConnectionTrait>(connection: &C, group: GroupNo) -> Result<Vec<MemberRecord>, Error> {
    read(connection, present_in(group)).await
}

/// Whether the roles somebody relied on are so.
pub(crate) async fn still_are<C: ConnectionTrait>(
    connection: &C,
    group: GroupNo,
    relied_on: &[(AccountNo, Option<Role>)],
) -> Result<bool, Error> {
    let accounts: Vec<_> = relied_on.iter().map(|(account, _)| *account).collect();
    let present = among(connection, group, &accounts).await?;
    let roles: HashMap<_, _> = present.iter().map(|member| (member.account, member.role)).collect();
    Ok(relied_on
        .iter()
        .all(|(account, role)| roles.get(account).copied() == *role))
}

/// Everybody whose membership ended when the group did, in ascending order of account.
pub(crate) async fn at_the_end<C: ConnectionTrait>(
    connection: &C,
    group: GroupNo,
    dissolved_at_ms: i64,
) -> Result<Vec<MemberRecord>, Error> {
    let find = member::Entity::find()
        .filter(member::Column::GroupNo.eq(to_row(group.0)))
        .filter(member::Column::LeftAtMs.eq(dissolved_at_ms));
    read(connection, find).await
}

/// Those of `accounts` that are members, in ascending order of account where `accounts` is.
async fn among<C: ConnectionTrait>(
    connection: &C,
    group: GroupNo,
    accounts: &[AccountNo],
) -> Result<Vec<MemberRecord>, Error> {
    let mut found = Vec::with_capacity(accounts.len());
    for chunk in accounts.chunks(CHUNK_ROWS) {
        let find = present_in(group).filter(member::Column::AccountNo.is_in(numbers(chunk)));
        found.append(&mut read(connection, find).await?);
    }
    Ok(found)
}

/// Account, role, number of joining, end of being muted, user.
type Row = (i64, String, Option<i64>, Option<i64>, String);

async fn read<C: ConnectionTrait>(connection: &C, find: Select<member::Entity>) -> Result<Vec<MemberRecord>, Error> {
    let rows: Vec<Row> = find
        .select_only()
        .column(member::Column::AccountNo)
        .column(member::Column::Role)
        .column(member::Column::JoinedConvSeq)
        .column(member::Column::MutedUntilMs)
        .inner_join(account::Entity)
        .column(account::Column::UserId)
        .order_by_asc(member::Column::AccountNo)
        .into_tuple()
        .all(connection)
        .await?;
    let record = |(account, role, joined, muted, user): Row| {
        Ok(MemberRecord {
            account: AccountNo(from_row(account)?),
            user: name_from_row(&user)?,
            role: name_from_row(&role)?,
            joined_conv_seq: joined.map(from_row).transpose()?,
            muted_until_ms: muted.map(from_row).transpose()?,
        })
    };
    rows.into_iter().map(record).collect()
}

/// Writes members that are not in the group now; rows of those who left are used again.
pub(crate) async fn insert(
    transaction: &DatabaseTransaction,
    group: GroupNo,
    members: &[NewMember],
    now_ms: u64,
) -> Result<(), Error> {
    for chunk in members.chunks(CHUNK_ROWS) {
        let rows = chunk.iter().map(|new| member::ActiveModel {
            group_no: Set(to_row(group.0)),
            account_no: Set(to_row(new.account.0)),
            role: Set(new.role.as_str().to_owned()),
            joined_at_ms: Set(to_row(now_ms)),
            joined_conv_seq: Set(None),
            left_at_ms: Set(None),
            left_conv_seq: Set(None),
            // Stays with who leaves and comes back.
            muted_until_ms: Set(None),
        });
        let again = OnConflict::columns([member::Column::GroupNo, member::Column::AccountNo])
            .update_columns([
                member::Column::Role,
                member::Column::JoinedAtMs,
                member::Column::JoinedConvSeq,
                member::Column::LeftAtMs,
                member::Column::LeftConvSeq,
            ])
            .to_owned();
        member::Entity::insert_many(rows)
            .on_conflict(again)
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}

/// Ends every membership of a group.
pub(crate) async fn all_leave(transaction: &DatabaseTransaction, group: GroupNo, now_ms: u64) -> Result<(), Error> {
    member::Entity::update_many()
        .set(member::ActiveModel {
            left_at_ms: Set(Some(to_row(now_ms))),
            ..Default::default()
        })
        .filter(member::Column::GroupNo.eq(to_row(group.0)))
        .filter(member::Column::LeftAtMs.is_null())
        .exec(transaction)
        .await?;
    Ok(())
}
