//! Broadcasts: jobs that bring one message to any number of accounts, page by page, in the order of their numbers.
//!
//! A job is *created*, then *estimated*, then *running* until it is *finished*; on the way it may be *paused* and resumed,
//! *cancelled*, or *failed*. The accounts of the page being sent are frozen with it before it is sent, so that a start
//! after a crash sends this very page again, which the log recognises, and nobody is passed over or told twice.

mod command;
mod page_row;
mod report;
mod row;
mod run;

pub use command::BroadcastCommand;
pub use run::{PageSent, Step};

use std::str::FromStr;

use godwit_model::{AccountNo, AppNo, TenantNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::apps::tenant_from_row;
use crate::number::{from_row, name_from_row, to_row};
use crate::{Error, Store};

/// What is asked of a broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBroadcast {
    /// Its public id; ids ascend with time.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantNo,
    /// In whose name it is sent.
    pub author: String,
    /// The app that asked.
    pub app: AppNo,
    /// The sender's own id of the message: one for each author.
    pub draft_id: String,
    /// What it says, to tell a repeat from something else.
    pub fingerprint: u128,
    /// The draft.
    pub draft: String,
    /// How long its content is shown from when it is sent.
    pub lifetime_ms: Option<u64>,
    /// Most accounts a second, if it is to go slower than the platform allows.
    pub rate: Option<u64>,
    /// Whether it waits for being resumed once it is estimated.
    pub held: bool,
    /// When it was asked.
    pub created_at_ms: u64,
    /// When it is to begin.
    pub due_at_ms: u64,
}

/// Where a broadcast is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastState {
    /// It was asked, and is being estimated.
    Created,
    /// It is known for how many accounts it is about; it waits for its time, or for being resumed.
    Estimated,
    /// It is being sent.
    Running,
    /// It rests until it is resumed.
    Paused,
    /// Everybody was sent it.
    Finished,
    /// It was cancelled; who was sent it before keeps it.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl BroadcastState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Estimated,
        Self::Running,
        Self::Paused,
        Self::Finished,
        Self::Cancelled,
        Self::Failed,
    ];

    /// As clients and the store spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Estimated => "estimated",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing of it will change any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled | Self::Failed)
    }
}

/// The text is not a state of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `created`, `estimated`, `running`, `paused`, `finished`, `cancelled` or `failed`")]
pub struct MalformedBroadcastState;

impl FromStr for BroadcastState {
    type Err = MalformedBroadcastState;

    fn from_str(text: &str) -> Result<Self, MalformedBroadcastState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or(MalformedBroadcastState)
    }
}

/// A broadcast, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastRecord {
    /// Its number.
    pub no: u64,
    /// What was asked.
    pub asked: NewBroadcast,
    /// Where it is on its way.
    pub state: BroadcastState,
    /// Counts the changes of its state, from 1; progress alone is none.
    pub version: u64,
    /// For how many accounts it was about, when that was counted.
    pub estimate: Option<u64>,
    /// The last account of the pages that were sent.
    pub after: AccountNo,
    /// How many pages were sent.
    pub pages: u64,
    /// How many accounts they had.
    pub accounts: u64,
    /// The accounts of the page being sent, which is the one after `pages`.
    pub page: Option<Vec<AccountNo>>,
    /// When it began to be sent.
    pub began_at_ms: Option<u64>,
    /// When it was over.
    pub done_at_ms: Option<u64>,
    /// Why it failed: the code of a refusal.
    pub code: Option<String>,
}

impl Store {
    /// Keeps a broadcast; where its author has one under the same draft id, that one is the answer, and `false`.
    pub async fn keep_broadcast(&self, new: &NewBroadcast) -> Result<(BroadcastRecord, bool), Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let find = row::Entity::find()
                .filter(row::Column::TenantNo.eq(i64::from(new.tenant.0)))
                .filter(row::Column::Author.eq(&new.author))
                .filter(row::Column::DraftId.eq(&new.draft_id));
            if let Some(found) = find.one(transaction).await? {
                return Ok((found.try_into()?, false));
            }
            let made = row::Entity::insert(fresh(new)).exec_with_returning(transaction).await?;
            Ok((made.try_into()?, true))
        })
        .await
    }

    /// A broadcast of a tenant.
    pub async fn broadcast(&self, tenant: TenantNo, id: &str) -> Result<Option<BroadcastRecord>, Error> {
        let found = with_id(tenant, id).one(&self.reader).await?;
        found.map(BroadcastRecord::try_from).transpose()
    }

    /// Broadcasts of a tenant in the order of their ids, those after `after`; only those in a state, if one is named.
    pub async fn broadcasts(
        &self,
        tenant: TenantNo,
        state: Option<BroadcastState>,
        after: &str,
        limit: u64,
    ) -> Result<Vec<BroadcastRecord>, Error> {
        let mut find = row::Entity::find()
            .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
            .filter(row::Column::BroadcastId.gt(after))
            .order_by_asc(row::Column::BroadcastId)
            .limit(limit);
        if let Some(state) = state {
            find = find.filter(row::Column::State.eq(state.as_str()));
        }
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(BroadcastRecord::try_from).collect()
    }
}

fn with_id(tenant: TenantNo, id: &str) -> Select<row::Entity> {
    row::Entity::find()
        .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
        .filter(row::Column::BroadcastId.eq(id))
}

fn fresh(new: &NewBroadcast) -> row::ActiveModel {
    row::ActiveModel {
        broadcast_id: Set(new.id.clone()),
        tenant_no: Set(i64::from(new.tenant.0)),
        author: Set(new.author.clone()),
        app_no: Set(to_row(new.app.0)),
        draft_id: Set(new.draft_id.clone()),
        fingerprint: Set(new.fingerprint.to_be_bytes().to_vec()),
        draft: Set(new.draft.clone()),
        lifetime_ms: Set(new.lifetime_ms.map(to_row)),
        rate: Set(new.rate.map(to_row)),
        held: Set(new.held),
        created_at_ms: Set(to_row(new.created_at_ms)),
        due_at_ms: Set(to_row(new.due_at_ms)),
        state: Set(BroadcastState::Created.as_str().to_owned()),
        version: Set(1),
        after_account_no: Set(0),
        pages: Set(0),
        accounts: Set(0),
        ..Default::default()
    }
}

/// The accounts of a page as bytes: eight for each, the lowest first.
fn page_to_row(accounts: &[AccountNo]) -> Vec<u8> {
    accounts.iter().flat_map(|account| account.0.to_le_bytes()).collect()
}

fn page_from_row(bytes: &[u8]) -> Result<Vec<AccountNo>, Error> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Error::Corrupt(format!("a page of {} bytes", bytes.len())));
    }
    Ok(numbers
        .iter()
        .map(|number| AccountNo(u64::from_le_bytes(*number)))
        .collect())
}

impl TryFrom<row::Model> for BroadcastRecord {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let fingerprint = row.fingerprint.as_slice().try_into();
        let fingerprint =
            fingerprint.map_err(|_| Error::Corrupt(format!("broadcast {}: no fingerprint", row.broadcast_no)))?;
        Ok(Self {
            no: from_row(row.broadcast_no)?,
            asked: NewBroadcast {
                id: row.broadcast_id,
                tenant: tenant_from_row(row.tenant_no)?,
                author: row.author,
                app: AppNo(from_row(row.app_no)?),
                draft_id: row.draft_id,
                fingerprint: u128::from_be_bytes(fingerprint),
                draft: row.draft,
                lifetime_ms: row.lifetime_ms.map(from_row).transpose()?,
                rate: row.rate.map(from_row).transpose()?,
                held: row.held,
                created_at_ms: from_row(row.created_at_ms)?,
                due_at_ms: from_row(row.due_at_ms)?,
            },
            state: name_from_row(&row.state)?,
            version: from_row(row.version)?,
            estimate: row.estimate.map(from_row).transpose()?,
            after: AccountNo(from_row(row.after_account_no)?),
            pages: from_row(row.pages)?,
            accounts: from_row(row.accounts)?,
            page: row.page.as_deref().map(page_from_row).transpose()?,
            began_at_ms: row.began_at_ms.map(from_row).transpose()?,
            done_at_ms: row.done_at_ms.map(from_row).transpose()?,
            code: row.code,
        })
    }
}
