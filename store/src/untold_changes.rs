//! Changes of groups whose members have not been told yet. A change and the debt to tell of it are one transaction, so
//! that none goes untold, whatever stops between the two.

pub(crate) mod untold_change;

use godwit_model::limits::GROUP_CHANGE_NAMES_MAX;
use godwit_model::{AccountNo, GroupEvent, GroupNo, Role, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};

use crate::members::{self, MemberChange, MemberRecord};
use crate::number::{from_row, name_from_row, to_row};
use crate::{Error, Store, Terms};

/// A change of a group that its members have not been told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntoldChange {
    /// Counts all changes of all groups.
    pub no: u64,
    /// The group, which may be dissolved by now.
    pub group: GroupNo,
    /// What happened.
    pub event: GroupEvent,
    /// The role somebody has now.
    pub role: Option<Role>,
    /// Who did it, as members see it.
    pub by: String,
    /// The id of the message that tells of it.
    pub message_id: String,
    /// Whom it concerns, sorted.
    pub accounts: Vec<AccountNo>,
    /// The first users it concerns, at most [`GROUP_CHANGE_NAMES_MAX`].
    pub users: Vec<UserId>,
}

impl Store {
    /// The changes not yet told, of one group or of all, in the order they were made.
    pub async fn untold_changes(&self, group: Option<GroupNo>) -> Result<Vec<UntoldChange>, Error> {
        let mut find = untold_change::Entity::find().order_by_asc(untold_change::Column::ChangeNo);
        if let Some(no) = group {
            find = find.filter(untold_change::Column::GroupNo.eq(to_row(no.0)));
        }
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(UntoldChange::try_from).collect()
    }

    /// Says that a change was told by the message with this `conv_seq`, which the members it concerns keep. Saying it
    /// again changes nothing.
    pub async fn change_told(&self, change: &UntoldChange, conv_seq: u64) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let settled = untold_change::Entity::delete_by_id(to_row(change.no))
                .exec(transaction)
                .await?;
            if settled.rows_affected == 0 {
                return members::unchanged(transaction, change.group).await;
            }
            match change.event {
                GroupEvent::Created | GroupEvent::Joined => {
                    members::note_joined(transaction, change.group, &change.accounts, conv_seq).await
                }
                GroupEvent::Left => members::note_left(transaction, change.group, &change.accounts, conv_seq).await,
                GroupEvent::RoleChanged
                | GroupEvent::Changed
                | GroupEvent::MembersMuted
                | GroupEvent::MembersUnmuted
                | GroupEvent::Dissolved => members::unchanged(transaction, change.group).await,
            }
        })
        .await
    }
}

/// Notes what must be told, in the transaction that does it.
pub(crate) async fn owe(
    transaction: &DatabaseTransaction,
    no: GroupNo,
    terms: &Terms,
    (event, role): (GroupEvent, Option<Role>),
    concerned: &[MemberRecord],
) -> Result<(), Error> {
    let Some(telling) = &terms.telling else {
        return Ok(());
    };
    let accounts: Vec<_> = concerned.iter().map(|member| member.account.to_string()).collect();
    let named = concerned.iter().take(GROUP_CHANGE_NAMES_MAX);
    let users: Vec<_> = named.map(|member| member.user.as_str()).collect();
    let row = untold_change::ActiveModel {
        group_no: Set(to_row(no.0)),
        message_id: Set(telling.message_id.clone()),
        event: Set(event.as_str().to_owned()),
        by_name: Set(telling.by.clone()),
        role: Set(role.map(|role| role.as_str().to_owned())),
        accounts: Set(accounts.join(" ")),
        users: Set(users.join(" ")),
        ..Default::default()
    };
    untold_change::Entity::insert(row).exec(transaction).await?;
    Ok(())
}

impl TryFrom<untold_change::Model> for UntoldChange {
    type Error = Error;

    fn try_from(row: untold_change::Model) -> Result<Self, Error> {
        let account = |text: &str| text.parse().map(AccountNo);
        let accounts: Result<Vec<_>, _> = row.accounts.split_whitespace().map(account).collect();
        Ok(Self {
            no: from_row(row.change_no)?,
            group: GroupNo(from_row(row.group_no)?),
            event: name_from_row(&row.event)?,
            role: row.role.as_deref().map(name_from_row).transpose()?,
            by: row.by_name,
            message_id: row.message_id,
            accounts: accounts.map_err(|_| Error::Corrupt(format!("change {}: not accounts", row.change_no)))?,
            users: row
                .users
                .split_whitespace()
                .map(name_from_row)
                .collect::<Result<_, _>>()?,
        })
    }
}
