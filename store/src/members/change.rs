//! Changes of a group's members. Each counts one more version of the group, so that a reader can tell what it holds.

use std::collections::HashSet;

use godwit_model::{AccountNo, GroupNo, Role};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter};

use super::{MemberRecord, among, insert, member, numbers, present_in};
use crate::groups::{set_version, version_of};
use crate::number::to_row;
use crate::{CHUNK_ROWS, Error, NewMember, Store};

/// What became of a change of a group's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// Done. `changed` are the members added, removed (as they were) or changed (as they are); when there are none,
    /// the version is the same as before, otherwise one more.
    Done {
        /// The group's version after the change.
        version: u64,
        /// Whom the change concerned.
        changed: Vec<MemberRecord>,
    },
    /// There is no such live group.
    NoGroup,
    /// The account is not a member.
    NoMember,
    /// The group would have more members than it may; nothing was changed.
    TooMany {
        /// How many it would have.
        would_be: u64,
    },
}

impl Store {
    /// Adds accounts as plain members; who is one already is left as it is. `accounts` is sorted, each once.
    pub async fn add_members(
        &self,
        no: GroupNo,
        accounts: &[AccountNo],
        members_max: u64,
        now_ms: u64,
    ) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(version) = version_of(transaction, no).await? else {
                return Ok(MemberChange::NoGroup);
            };
            let present = among(transaction, no, accounts).await?;
            let present: HashSet<_> = present.iter().map(|member| member.account).collect();
            let new: Vec<_> = accounts
                .iter()
                .copied()
                .filter(|account| !present.contains(account))
                .collect();
            let would_be = present_in(no).count(transaction).await? + new.len() as u64;
            if would_be > members_max && !new.is_empty() {
                return Ok(MemberChange::TooMany { would_be });
            }
            let rows: Vec<_> = new
                .iter()
                .map(|account| NewMember {
                    account: *account,
                    role: Role::Member,
                })
                .collect();
            insert(transaction, no, &rows, now_ms).await?;
            let changed = among(transaction, no, &new).await?;
            done(transaction, no, version, changed).await
        })
        .await
    }

    /// Removes accounts; who is no member is passed over. `accounts` is sorted, each once.
    pub async fn remove_members(
        &self,
        no: GroupNo,
        accounts: &[AccountNo],
        now_ms: u64,
    ) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(version) = version_of(transaction, no).await? else {
                return Ok(MemberChange::NoGroup);
            };
            let leaving = among(transaction, no, accounts).await?;
            let change = member::ActiveModel {
                left_at_ms: Set(Some(to_row(now_ms))),
                ..Default::default()
            };
            update(transaction, no, &accounts_of(&leaving), change).await?;
            done(transaction, no, version, leaving).await
        })
        .await
    }

    /// Gives a member another role. When that is `Owner`, the former owner becomes an admin.
    pub async fn change_role(&self, no: GroupNo, account: AccountNo, role: Role) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(version) = version_of(transaction, no).await? else {
                return Ok(MemberChange::NoGroup);
            };
            let Some(member) = among(transaction, no, &[account]).await?.pop() else {
                return Ok(MemberChange::NoMember);
            };
            if member.role == role {
                return Ok(MemberChange::Done {
                    version,
                    changed: Vec::new(),
                });
            }
            let mut concerned = vec![account];
            if role == Role::Owner
                && let Some(former) = owner_of(transaction, no).await?
            {
                set_role(transaction, no, former, Role::Admin).await?;
                concerned.push(former);
                concerned.sort_unstable();
            }
            set_role(transaction, no, account, role).await?;
            let changed = among(transaction, no, &concerned).await?;
            done(transaction, no, version, changed).await
        })
        .await
    }

    /// Keeps the `conv_seq` of the message that said these accounts joined, or left.
    pub async fn note_membership_seq(
        &self,
        no: GroupNo,
        accounts: &[AccountNo],
        conv_seq: u64,
        joined: bool,
    ) -> Result<MemberChange, Error> {
        let conv_seq = Some(to_row(conv_seq));
        self.write(|held| async move {
            let transaction = &*held;
            let Some(version) = version_of(transaction, no).await? else {
                return Ok(MemberChange::NoGroup);
            };
            if !joined {
                let change = member::ActiveModel {
                    left_conv_seq: Set(conv_seq),
                    ..Default::default()
                };
                update(transaction, no, accounts, change).await?;
                return Ok(MemberChange::Done {
                    version,
                    changed: Vec::new(),
                });
            }
            let change = member::ActiveModel {
                joined_conv_seq: Set(conv_seq),
                ..Default::default()
            };
            update(transaction, no, accounts, change).await?;
            let changed = among(transaction, no, accounts).await?;
            done(transaction, no, version, changed).await
        })
        .await
    }
}

async fn done(
    transaction: &DatabaseTransaction,
    no: GroupNo,
    version: u64,
    changed: Vec<MemberRecord>,
) -> Result<MemberChange, Error> {
    let version = if changed.is_empty() { version } else { version + 1 };
    set_version(transaction, no, version).await?;
    Ok(MemberChange::Done { version, changed })
}

async fn update(
    transaction: &DatabaseTransaction,
    no: GroupNo,
    accounts: &[AccountNo],
    change: member::ActiveModel,
) -> Result<(), Error> {
    for chunk in accounts.chunks(CHUNK_ROWS) {
        member::Entity::update_many()
            .set(change.clone())
            .filter(member::Column::GroupNo.eq(to_row(no.0)))
            .filter(member::Column::AccountNo.is_in(numbers(chunk)))
            .exec(transaction)
            .await?;
    }
    Ok(())
}

async fn owner_of(transaction: &DatabaseTransaction, no: GroupNo) -> Result<Option<AccountNo>, Error> {
    let find = present_in(no).filter(member::Column::Role.eq(Role::Owner.as_str()));
    let owner = find.one(transaction).await?;
    owner
        .map(|row| crate::number::from_row(row.account_no).map(AccountNo))
        .transpose()
}

async fn set_role(transaction: &DatabaseTransaction, no: GroupNo, account: AccountNo, role: Role) -> Result<(), Error> {
    let change = member::ActiveModel {
        role: Set(role.as_str().to_owned()),
        ..Default::default()
    };
    update(transaction, no, &[account], change).await
}

fn accounts_of(members: &[MemberRecord]) -> Vec<AccountNo> {
    members.iter().map(|member| member.account).collect()
}
