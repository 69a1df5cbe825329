//! Changes of a group's members. Each counts one more version of the group, so that a reader can tell what it holds.

use std::collections::HashSet;

use godwit_model::{AccountNo, GroupEvent, GroupNo, Role};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter};

use super::{MemberRecord, among, insert, member, numbers, present_in, still_are};
use crate::groups::{set_version, version_of};
use crate::number::to_row;
use crate::untold_changes::owe;
use crate::{CHUNK_ROWS, Error, NewMember, Store, Terms, join_requests};

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
    /// What the caller relied on is not so any more; nothing was changed.
    Changed,
    /// The group is not of the version that was expected; nothing was changed.
    Differs,
    /// It would leave the group without its owner; nothing was changed.
    OwnerStays,
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
        terms: &Terms,
    ) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(version) = version_of(transaction, no).await? else {
                return Ok(MemberChange::NoGroup);
            };
            if !still_are(transaction, no, &terms.relied_on).await? {
                return Ok(MemberChange::Changed);
            }
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
            insert(transaction, no, &rows, terms.now_ms).await?;
            join_requests::answered(transaction, no, &new).await?;
            let changed = among(transaction, no, &new).await?;
            if !changed.is_empty() {
                owe(transaction, no, terms, (GroupEvent::Joined, None), &changed).await?;
            }
            done(transaction, no, version, changed).await
        })
        .await
    }

    /// Removes accounts, but never the owner; who is no member is passed over. `accounts` is sorted, each once.
    pub async fn remove_members(
        &self,
        no: GroupNo,
        accounts: &[AccountNo],
        terms: &Terms,
    ) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(version) = version_of(transaction, no).await? else {
                return Ok(MemberChange::NoGroup);
            };
            if !still_are(transaction, no, &terms.relied_on).await? {
                return Ok(MemberChange::Changed);
            }
            let leaving = among(transaction, no, accounts).await?;
            if leaving.iter().any(|member| member.role == Role::Owner) {
                return Ok(MemberChange::OwnerStays);
            }
            let change = member::ActiveModel {
                left_at_ms: Set(Some(to_row(terms.now_ms))),
                ..Default::default()
            };
            update(transaction, no, &accounts_of(&leaving), change).await?;
            if !leaving.is_empty() {
                owe(transaction, no, terms, (GroupEvent::Left, None), &leaving).await?;
            }
            done(transaction, no, version, leaving).await
        })
        .await
    }

    /// Gives a member another role. When that is `Owner`, the former owner becomes an admin; an owner loses the role in
    /// no other way.
    pub async fn change_role(
        &self,
        no: GroupNo,
        account: AccountNo,
        role: Role,
        terms: &Terms,
    ) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(version) = version_of(transaction, no).await? else {
                return Ok(MemberChange::NoGroup);
            };
            if !still_are(transaction, no, &terms.relied_on).await? {
                return Ok(MemberChange::Changed);
            }
            let Some(member) = among(transaction, no, &[account]).await?.pop() else {
                return Ok(MemberChange::NoMember);
            };
            if member.role == role {
                return Ok(MemberChange::Done {
                    version,
                    changed: Vec::new(),
                });
            }
            if member.role == Role::Owner {
                return Ok(MemberChange::OwnerStays);
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
            owe(transaction, no, terms, (GroupEvent::RoleChanged, Some(role)), &[member]).await?;
            let changed = among(transaction, no, &concerned).await?;
            done(transaction, no, version, changed).await
        })
        .await
    }
}

/// Nothing happened to a group.
pub(crate) async fn unchanged(transaction: &DatabaseTransaction, no: GroupNo) -> Result<MemberChange, Error> {
    let version = version_of(transaction, no).await?;
    Ok(version.map_or(MemberChange::NoGroup, |version| MemberChange::Done {
        version,
        changed: Vec::new(),
    }))
}

/// Keeps the `conv_seq` of the message that said these members joined.
pub(crate) async fn note_joined(
    transaction: &DatabaseTransaction,
    no: GroupNo,
    accounts: &[AccountNo],
    conv_seq: u64,
) -> Result<MemberChange, Error> {
    let Some(version) = version_of(transaction, no).await? else {
        return Ok(MemberChange::NoGroup);
    };
    let change = member::ActiveModel {
        joined_conv_seq: Set(Some(to_row(conv_seq))),
        ..Default::default()
    };
    update(transaction, no, accounts, change).await?;
    let changed = among(transaction, no, accounts).await?;
    done(transaction, no, version, changed).await
}

/// Keeps the `conv_seq` of the message that said these members left.
pub(crate) async fn note_left(
    transaction: &DatabaseTransaction,
    no: GroupNo,
    accounts: &[AccountNo],
    conv_seq: u64,
) -> Result<MemberChange, Error> {
    let change = member::ActiveModel {
        left_conv_seq: Set(Some(to_row(conv_seq))),
        ..Default::default()
    };
    update(transaction, no, accounts, change).await?;
    unchanged(transaction, no).await
}

pub(super) async fn done(
    transaction: &DatabaseTransaction,
    no: GroupNo,
    version: u64,
    changed: Vec<MemberRecord>,
) -> Result<MemberChange, Error> {
    let version = if changed.is_empty() { version } else { version + 1 };
    set_version(transaction, no, version).await?;
    Ok(MemberChange::Done { version, changed })
}

pub(super) async fn update(
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

pub(super) fn accounts_of(members: &[MemberRecord]) -> Vec<AccountNo> {
    members.iter().map(|member| member.account).collect()
}
