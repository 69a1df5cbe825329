//! Messages that wait for their time: kept until they are sent, refused or cancelled, and for a while after that.
//!
//! A schedule is *pending* until its time has come, then *sending* until what became of it is noted. Only a pending one
//! can be changed or cancelled; one that is sending when the platform starts again is sent again, under the same id.

mod change;
mod due;
mod row;

pub use change::ScheduleChange;

use std::str::FromStr;

use godwit_model::{AccountNo, AppNo, TenantNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::apps::tenant_from_row;
use crate::number::{from_row, name_from_row, to_row};
use crate::{Error, Store};

/// What is known of a message that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    /// Its public id; ids ascend with time.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantNo,
    /// In whose name it is sent.
    pub author: String,
    /// The app that asked, if one.
    pub app: Option<AppNo>,
    /// The account of its author, unless that is an app.
    pub account: Option<AccountNo>,
    /// The device that asked, if one.
    pub device_id: Option<String>,
    /// The sender's own id of the message: one for each author.
    pub draft_id: String,
    /// What it says, to tell a repeat from something else.
    pub fingerprint: u128,
    /// The draft.
    pub draft: String,
    /// How long its content is shown from when it is sent.
    pub lifetime_ms: Option<u64>,
    /// When it was asked.
    pub created_at_ms: u64,
    /// When it is to be sent.
    pub due_at_ms: u64,
}

/// Where a schedule is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleState {
    /// It waits.
    Pending,
    /// Its time has come.
    Sending,
    /// It was sent.
    Sent,
    /// It could not be sent.
    Refused,
    /// It was cancelled in time.
    Cancelled,
}

impl ScheduleState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Sending, Self::Sent, Self::Refused, Self::Cancelled];

    /// As clients and the store spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The text is not a state of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `pending`, `sending`, `sent`, `refused` or `cancelled`")]
pub struct MalformedScheduleState;

impl FromStr for ScheduleState {
    type Err = MalformedScheduleState;

    fn from_str(text: &str) -> Result<Self, MalformedScheduleState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or(MalformedScheduleState)
    }
}

/// A schedule, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// Its number.
    pub no: u64,
    /// What was asked.
    pub asked: NewSchedule,
    /// Where it is on its way.
    pub state: ScheduleState,
    /// Counts its changes, from 1.
    pub version: u64,
    /// The server's id of the message, once it was sent.
    pub server_id: Option<String>,
    /// Why it could not be sent: the code of a refusal.
    pub code: Option<String>,
    /// When it was sent, refused or cancelled.
    pub done_at_ms: Option<u64>,
}

/// What a draft that waits is recognised by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsentDraft {
    /// The number of its schedule.
    pub no: u64,
    /// Whose it is.
    pub tenant: TenantNo,
    /// In whose name it is sent.
    pub author: String,
    /// The sender's own id of the message.
    pub draft_id: String,
}

/// Which schedules are listed.
#[derive(Clone, Copy, Debug)]
pub struct SchedulesOf {
    /// Whose they are.
    pub tenant: TenantNo,
    /// Only those of this account.
    pub account: Option<AccountNo>,
    /// Only those in this state.
    pub state: Option<ScheduleState>,
}

impl Store {
    /// Keeps a schedule; where its author has one under the same draft id, that one is the answer, and `false`. `None`
    /// when so many of the author's wait already.
    pub async fn keep_schedule(&self, new: &NewSchedule, most: u64) -> Result<Option<(ScheduleRecord, bool)>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let find = of_draft(new.tenant, &new.author, &new.draft_id);
            if let Some(found) = find.one(transaction).await? {
                return Ok(Some((found.try_into()?, false)));
            }
            let waiting = row::Entity::find()
                .filter(row::Column::TenantNo.eq(i64::from(new.tenant.0)))
                .filter(row::Column::Author.eq(&new.author))
                .filter(row::Column::State.eq(ScheduleState::Pending.as_str()));
            if waiting.count(transaction).await? >= most {
                return Ok(None);
            }
            let made = row::Entity::insert(fresh(new)).exec_with_returning(transaction).await?;
            Ok(Some((made.try_into()?, true)))
        })
        .await
    }

    /// Whether an author has or had a schedule under this draft id.
    pub async fn has_schedule_of_draft(&self, tenant: TenantNo, author: &str, draft_id: &str) -> Result<bool, Error> {
        let found = of_draft(tenant, author, draft_id).one(&self.reader).await?;
        Ok(found.is_some())
    }

    /// The authors and draft ids of schedules that wait or are being sent, a page in the order of their numbers; those
    /// after `after`, each with its number.
    pub async fn unsent_drafts(&self, after: u64, limit: u64) -> Result<Vec<UnsentDraft>, Error> {
        let unsent = [ScheduleState::Pending, ScheduleState::Sending];
        let find = row::Entity::find()
            .select_only()
            .column(row::Column::ScheduleNo)
            .column(row::Column::TenantNo)
            .column(row::Column::Author)
            .column(row::Column::DraftId)
            .filter(row::Column::State.is_in(unsent.map(ScheduleState::as_str)))
            .filter(row::Column::ScheduleNo.gt(to_row(after)))
            .order_by_asc(row::Column::ScheduleNo)
            .limit(limit);
        let rows: Vec<(i64, i64, String, String)> = find.into_tuple().all(&self.reader).await?;
        let draft = |(no, tenant, author, draft_id)| {
            Ok(UnsentDraft {
                no: from_row(no)?,
                tenant: tenant_from_row(tenant)?,
                author,
                draft_id,
            })
        };
        rows.into_iter().map(draft).collect()
    }

    /// A schedule of a tenant.
    pub async fn schedule(&self, tenant: TenantNo, id: &str) -> Result<Option<ScheduleRecord>, Error> {
        let found = with_id(tenant, id).one(&self.reader).await?;
        found.map(ScheduleRecord::try_from).transpose()
    }

    /// Schedules in the order of their ids, those after `after`.
    pub async fn schedules(&self, which: &SchedulesOf, after: &str, limit: u64) -> Result<Vec<ScheduleRecord>, Error> {
        let mut find = row::Entity::find()
            .filter(row::Column::TenantNo.eq(i64::from(which.tenant.0)))
            .filter(row::Column::ScheduleId.gt(after))
            .order_by_asc(row::Column::ScheduleId)
            .limit(limit);
        if let Some(account) = which.account {
            find = find.filter(row::Column::AccountNo.eq(to_row(account.0)));
        }
        if let Some(state) = which.state {
            find = find.filter(row::Column::State.eq(state.as_str()));
        }
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(ScheduleRecord::try_from).collect()
    }
}

fn of_draft(tenant: TenantNo, author: &str, draft_id: &str) -> Select<row::Entity> {
    row::Entity::find()
        .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
        .filter(row::Column::Author.eq(author))
        .filter(row::Column::DraftId.eq(draft_id))
}

fn with_id(tenant: TenantNo, id: &str) -> Select<row::Entity> {
    row::Entity::find()
        .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
        .filter(row::Column::ScheduleId.eq(id))
}

fn fresh(new: &NewSchedule) -> row::ActiveModel {
    row::ActiveModel {
        schedule_id: Set(new.id.clone()),
        tenant_no: Set(i64::from(new.tenant.0)),
        author: Set(new.author.clone()),
        app_no: Set(new.app.map(|app| to_row(app.0))),
        account_no: Set(new.account.map(|account| to_row(account.0))),
        device_id: Set(new.device_id.clone()),
        draft_id: Set(new.draft_id.clone()),
        fingerprint: Set(new.fingerprint.to_be_bytes().to_vec()),
        draft: Set(new.draft.clone()),
        lifetime_ms: Set(new.lifetime_ms.map(to_row)),
        created_at_ms: Set(to_row(new.created_at_ms)),
        due_at_ms: Set(to_row(new.due_at_ms)),
        state: Set(ScheduleState::Pending.as_str().to_owned()),
        version: Set(1),
        ..Default::default()
    }
}

impl TryFrom<row::Model> for ScheduleRecord {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let fingerprint = row.fingerprint.as_slice().try_into();
        let fingerprint =
            fingerprint.map_err(|_| Error::Corrupt(format!("schedule {}: no fingerprint", row.schedule_no)))?;
        Ok(Self {
            no: from_row(row.schedule_no)?,
            asked: NewSchedule {
                id: row.schedule_id,
                tenant: tenant_from_row(row.tenant_no)?,
                author: row.author,
                app: row.app_no.map(|no| from_row(no).map(AppNo)).transpose()?,
                account: row.account_no.map(|no| from_row(no).map(AccountNo)).transpose()?,
                device_id: row.device_id,
                draft_id: row.draft_id,
                fingerprint: u128::from_be_bytes(fingerprint),
                draft: row.draft,
                lifetime_ms: row.lifetime_ms.map(from_row).transpose()?,
                created_at_ms: from_row(row.created_at_ms)?,
                due_at_ms: from_row(row.due_at_ms)?,
            },
            state: name_from_row(&row.state)?,
            version: from_row(row.version)?,
            server_id: row.server_id,
            code: row.code,
            done_at_ms: row.done_at_ms.map(from_row).transpose()?,
        })
    }
}
