//! Changing and cancelling what still waits.

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use super::{ScheduleRecord, ScheduleState, row, with_id};
use crate::number::{from_row, to_row};
use crate::{Error, Expected, Store, Versioned};

/// What is to be another of a schedule.
#[derive(Clone, Debug)]
pub enum ScheduleChange {
    /// When it is sent, and what.
    Change {
        /// When.
        due_at_ms: u64,
        /// The draft.
        draft: String,
    },
    /// It is not sent, as of this time.
    Cancel(u64),
}

impl Store {
    /// Changes a schedule that still waits; `Ok(None)` when it does not any more.
    pub async fn change_schedule(
        &self,
        tenant: TenantNo,
        id: &str,
        change: &ScheduleChange,
        expected: Expected,
    ) -> Result<Option<Versioned<ScheduleRecord>>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = with_id(tenant, id).one(transaction).await? else {
                return Ok(Some(Versioned::Absent));
            };
            if !expected.holds(Some(from_row(found.version)?)) {
                return Ok(Some(Versioned::Differs));
            }
            if found.state != ScheduleState::Pending.as_str() {
                return Ok(None);
            }
            let changed = row::ActiveModel {
                schedule_no: Set(found.schedule_no),
                version: Set(found.version + 1),
                ..columns(change)
            };
            let changed = row::Entity::update(changed).exec(transaction).await?;
            Ok(Some(Versioned::Done(changed.try_into()?)))
        })
        .await
    }
}

fn columns(change: &ScheduleChange) -> row::ActiveModel {
    match change {
        ScheduleChange::Change { due_at_ms, draft } => row::ActiveModel {
            due_at_ms: Set(to_row(*due_at_ms)),
            draft: Set(draft.clone()),
            ..Default::default()
        },
        ScheduleChange::Cancel(at_ms) => row::ActiveModel {
            state: Set(ScheduleState::Cancelled.as_str().to_owned()),
            done_at_ms: Set(Some(to_row(*at_ms))),
            ..Default::default()
        },
    }
}
