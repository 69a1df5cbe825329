//! How far an account has read its conversations, and how much of them it has not.

mod count;
pub(crate) mod row;

use godwit_model::{AccountNo, ConversationKey};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};

use crate::number::{from_row, name_from_row, to_row};
use crate::{Error, Store};

/// What an account knows of one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationState {
    /// The conversation.
    pub conversation: ConversationKey,
    /// Everything up to this `conv_seq` was read.
    pub read_up_to: u64,
    /// Messages above that, as far as they were counted.
    pub unread: u64,
}

impl Store {
    /// What an account knows of its conversations, in the order of their names.
    pub async fn conversation_states(&self, account: AccountNo) -> Result<Vec<ConversationState>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::AccountNo.eq(to_row(account.0)))
            .order_by_asc(row::Column::Conversation);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(ConversationState::try_from).collect()
    }

    /// What an account knows of one conversation.
    pub async fn conversation_state(
        &self,
        account: AccountNo,
        conversation: ConversationKey,
    ) -> Result<Option<ConversationState>, Error> {
        let find = row::Entity::find_by_id((to_row(account.0), conversation.to_string()));
        let found = find.one(&self.reader).await?;
        found.map(ConversationState::try_from).transpose()
    }

    /// Up to which number of an account's inbox messages were counted; `None` before the first count.
    pub async fn counted_up_to(&self, account: AccountNo) -> Result<Option<u64>, Error> {
        let found = count::Entity::find_by_id(to_row(account.0)).one(&self.reader).await?;
        found.map(|row| from_row(row.counted_up_to)).transpose()
    }

    /// Notes what was counted between two numbers of the inbox: the change of each conversation's count. `false`, and
    /// nothing is changed, where somebody else has counted on from `from` meanwhile.
    pub async fn count_unread(
        &self,
        account: AccountNo,
        (from, to): (Option<u64>, u64),
        changes: &[(ConversationKey, i64)],
    ) -> Result<bool, Error> {
        self.write(|held| async move {
            if !is_counted_up_to(&held, account, from).await? {
                return Ok(false);
            }
            set_counted(&held, account, to).await?;
            for (conversation, change) in changes {
                let state = state_of(&held, account, *conversation).await?;
                let unread = state.unread.saturating_add_signed(*change);
                put(&held, account, &ConversationState { unread, ..state }).await?;
            }
            Ok(true)
        })
        .await
    }

    /// Notes how far a conversation was read, and what is unread above. What was read stays read: a lower number changes
    /// nothing and is `Some(false)`. `None`, where messages were counted meanwhile: count again.
    pub async fn mark_read(
        &self,
        account: AccountNo,
        read: &ConversationState,
        counted_up_to: Option<u64>,
    ) -> Result<Option<bool>, Error> {
        self.write(|held| async move {
            if !is_counted_up_to(&held, account, counted_up_to).await? {
                return Ok(None);
            }
            let state = state_of(&held, account, read.conversation).await?;
            if state.read_up_to >= read.read_up_to {
                return Ok(Some(false));
            }
            put(&held, account, read).await?;
            Ok(Some(true))
        })
        .await
    }
}

async fn is_counted_up_to(
    transaction: &DatabaseTransaction,
    account: AccountNo,
    expected: Option<u64>,
) -> Result<bool, Error> {
    let found = count::Entity::find_by_id(to_row(account.0)).one(transaction).await?;
    Ok(found.map(|row| row.counted_up_to) == expected.map(to_row))
}

async fn set_counted(transaction: &DatabaseTransaction, account: AccountNo, to: u64) -> Result<(), Error> {
    let row = count::ActiveModel {
        account_no: Set(to_row(account.0)),
        counted_up_to: Set(to_row(to)),
    };
    let replace = OnConflict::column(count::Column::AccountNo)
        .update_column(count::Column::CountedUpTo)
        .to_owned();
    let insert = count::Entity::insert(row).on_conflict(replace);
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

async fn state_of(
    transaction: &DatabaseTransaction,
    account: AccountNo,
    conversation: ConversationKey,
) -> Result<ConversationState, Error> {
    let find = row::Entity::find_by_id((to_row(account.0), conversation.to_string()));
    let none = ConversationState {
        conversation,
        read_up_to: 0,
        unread: 0,
    };
    let found = find.one(transaction).await?;
    found.map_or(Ok(none), ConversationState::try_from)
}

async fn put(transaction: &DatabaseTransaction, account: AccountNo, state: &ConversationState) -> Result<(), Error> {
    let row = row::ActiveModel {
        account_no: Set(to_row(account.0)),
        conversation: Set(state.conversation.to_string()),
        read_up_to: Set(to_row(state.read_up_to)),
        unread: Set(to_row(state.unread)),
    };
    let replace = OnConflict::columns([row::Column::AccountNo, row::Column::Conversation])
        .update_columns([row::Column::ReadUpTo, row::Column::Unread])
        .to_owned();
    let insert = row::Entity::insert(row).on_conflict(replace);
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

impl TryFrom<row::Model> for ConversationState {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        Ok(Self {
            conversation: name_from_row(&row.conversation)?,
            read_up_to: from_row(row.read_up_to)?,
            unread: from_row(row.unread)?,
        })
    }
}
