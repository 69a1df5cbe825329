//! How far an account has read its conversations, and how much of them it has not.

mod count;
pub(crate) mod row;

use std::collections::HashMap;

use godwit_model::{AccountNo, ConversationKey};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};

use crate::number::{from_row, name_from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

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

/// What was counted between two numbers of an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Whose inbox.
    pub account: AccountNo,
    /// Up to where it was counted before; `None` is never.
    pub from: Option<u64>,
    /// Up to where it is counted now.
    pub to: u64,
    /// How much is unread more in each conversation; each stands once.
    pub changes: Vec<(ConversationKey, i64)>,
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
        Ok(self.counted_up_to_of(&[account]).await?.remove(&account))
    }

    /// The same of several accounts; those whose messages were never counted are missing.
    pub async fn counted_up_to_of(&self, accounts: &[AccountNo]) -> Result<HashMap<AccountNo, u64>, Error> {
        let mut found = HashMap::with_capacity(accounts.len());
        for chunk in accounts.chunks(CHUNK_ROWS) {
            found.extend(counted(&self.reader, chunk).await?);
        }
        Ok(found)
    }

    /// Notes what was counted in inboxes; each account stands once. `false`, and nothing is changed, for those where
    /// somebody else has counted on meanwhile.
    pub async fn count_unread(&self, counts: &[Count]) -> Result<Vec<bool>, Error> {
        self.write(|held| async move {
            let mut kept = Vec::with_capacity(counts.len());
            for chunk in counts.chunks(CHUNK_ROWS) {
                kept.extend(count(&held, chunk).await?);
            }
            Ok(kept)
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
            put(&held, std::iter::once((account, *read))).await?;
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
    let found = counted(transaction, &[account]).await?;
    Ok(found.get(&account).copied() == expected)
}

async fn counted<C: ConnectionTrait>(connection: &C, accounts: &[AccountNo]) -> Result<HashMap<AccountNo, u64>, Error> {
    let numbers = accounts.iter().map(|account| to_row(account.0));
    let find = count::Entity::find().filter(count::Column::AccountNo.is_in(numbers));
    let rows = find.all(connection).await?;
    let read = |row: count::Model| Ok((AccountNo(from_row(row.account_no)?), from_row(row.counted_up_to)?));
    rows.into_iter().map(read).collect()
}

async fn count(transaction: &DatabaseTransaction, counts: &[Count]) -> Result<Vec<bool>, Error> {
    let accounts: Vec<AccountNo> = counts.iter().map(|count| count.account).collect();
    let before = counted(transaction, &accounts).await?;
    let is_next = |count: &&Count| before.get(&count.account).copied() == count.from;
    let next: Vec<&Count> = counts.iter().filter(is_next).collect();
    if !next.is_empty() {
        set_counted(transaction, &next).await?;
    }
    let changes: Vec<_> = next
        .iter()
        .flat_map(|count| {
            count
                .changes
                .iter()
                .map(|(conversation, change)| (count.account, *conversation, *change))
        })
        .collect();
    for chunk in changes.chunks(CHUNK_ROWS) {
        change(transaction, chunk).await?;
    }
    Ok(counts.iter().map(|count| is_next(&count)).collect())
}

/// Changes what is unread of conversations. No account names one twice.
async fn change(transaction: &DatabaseTransaction, changes: &[(AccountNo, ConversationKey, i64)]) -> Result<(), Error> {
    let find = row::Entity::find()
        .filter(row::Column::AccountNo.is_in(changes.iter().map(|(account, ..)| to_row(account.0))))
        .filter(row::Column::Conversation.is_in(changes.iter().map(|(_, conversation, _)| conversation.to_string())));
    let mut known = HashMap::new();
    for row in find.all(transaction).await? {
        known.insert(
            (row.account_no, row.conversation.clone()),
            ConversationState::try_from(row)?,
        );
    }
    let changed = changes.iter().map(|(account, conversation, change)| {
        let state = known.get(&(to_row(account.0), conversation.to_string())).copied();
        let state = state.unwrap_or(ConversationState {
            conversation: *conversation,
            read_up_to: 0,
            unread: 0,
        });
        let unread = state.unread.saturating_add_signed(*change);
        (*account, ConversationState { unread, ..state })
    });
    put(transaction, changed).await
}

async fn set_counted(transaction: &DatabaseTransaction, counts: &[&Count]) -> Result<(), Error> {
    let rows = counts.iter().map(|count| count::ActiveModel {
        account_no: Set(to_row(count.account.0)),
        counted_up_to: Set(to_row(count.to)),
    });
    let replace = OnConflict::column(count::Column::AccountNo)
        .update_column(count::Column::CountedUpTo)
        .to_owned();
    let insert = count::Entity::insert_many(rows).on_conflict(replace);
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

async fn put(
    transaction: &DatabaseTransaction,
    states: impl Iterator<Item = (AccountNo, ConversationState)>,
) -> Result<(), Error> {
    let rows = states.map(|(account, state)| row::ActiveModel {
        account_no: Set(to_row(account.0)),
        conversation: Set(state.conversation.to_string()),
        read_up_to: Set(to_row(state.read_up_to)),
        unread: Set(to_row(state.unread)),
    });
    let replace = OnConflict::columns([row::Column::AccountNo, row::Column::Conversation])
        .update_columns([row::Column::ReadUpTo, row::Column::Unread])
        .to_owned();
    let insert = row::Entity::insert_many(rows).on_conflict(replace);
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
