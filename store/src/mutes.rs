//! What an account does not want to be disturbed by: conversations, and senders.

mod row;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use godwit_model::{AccountNo, ConversationKey, Mute};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::number::{from_row, name_from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

/// What is muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MuteSubject {
    /// A conversation.
    Conversation(ConversationKey),
    /// Whatever this account says, wherever.
    Sender(AccountNo),
}

/// Something muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Muted {
    /// What.
    pub subject: MuteSubject,
    /// How.
    pub mute: Mute,
}

impl fmt::Display for MuteSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(conversation) => conversation.fmt(f),
            Self::Sender(account) => write!(f, "u-{account}"),
        }
    }
}

/// The text names nothing that can be muted.
#[derive(Debug)]
pub struct NoSubject;

impl FromStr for MuteSubject {
    type Err = NoSubject;

    fn from_str(text: &str) -> Result<Self, NoSubject> {
        match text.strip_prefix("u-") {
            Some(account) => account
                .parse()
                .map(|no| Self::Sender(AccountNo(no)))
                .map_err(|_| NoSubject),
            None => text.parse().map(Self::Conversation).map_err(|_| NoSubject),
        }
    }
}

impl Store {
    /// Mutes something, or lets it be heard again.
    pub async fn set_mute(&self, account: AccountNo, subject: MuteSubject, mute: Option<Mute>) -> Result<(), Error> {
        let key = (to_row(account.0), subject.to_string());
        self.write(|held| {
            let key = key.clone();
            async move {
                let Some(mute) = mute else {
                    row::Entity::delete_by_id(key).exec(&*held).await?;
                    return Ok(());
                };
                let row = row::ActiveModel {
                    account_no: Set(key.0),
                    subject: Set(key.1),
                    until_ms: Set(mute.until_ms.map(to_row)),
                    mentions: Set(mute.mentions),
                };
                let replace = OnConflict::columns([row::Column::AccountNo, row::Column::Subject])
                    .update_columns([row::Column::UntilMs, row::Column::Mentions])
                    .to_owned();
                let insert = row::Entity::insert(row).on_conflict(replace);
                insert.exec_without_returning(&*held).await?;
                Ok(())
            }
        })
        .await
    }

    /// What an account has muted, whether it still holds or not.
    pub async fn mutes(&self, account: AccountNo) -> Result<Vec<Muted>, Error> {
        Ok(self.mutes_of(&[account]).await?.remove(&account).unwrap_or_default())
    }

    /// What accounts have muted, whether it still holds or not; accounts that muted nothing are missing.
    pub async fn mutes_of(&self, accounts: &[AccountNo]) -> Result<HashMap<AccountNo, Vec<Muted>>, Error> {
        let mut found: HashMap<AccountNo, Vec<Muted>> = HashMap::new();
        for chunk in accounts.chunks(CHUNK_ROWS) {
            let find = row::Entity::find()
                .filter(row::Column::AccountNo.is_in(chunk.iter().map(|account| to_row(account.0))))
                .order_by_asc(row::Column::Subject);
            for row in find.all(&self.reader).await? {
                let muted = Muted {
                    subject: name_from_row(&row.subject)?,
                    mute: Mute {
                        until_ms: row.until_ms.map(from_row).transpose()?,
                        mentions: row.mentions,
                    },
                };
                found
                    .entry(AccountNo(from_row(row.account_no)?))
                    .or_default()
                    .push(muted);
            }
        }
        Ok(found)
    }
}
