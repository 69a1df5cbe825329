//! What is due: claimed, sent, settled, and forgotten after a while.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{ScheduleRecord, ScheduleState, row};
use crate::apps::suspended;
use crate::number::{from_row, to_row};
use crate::{Error, Store};

impl Store {
    /// The time of the next schedule that waits, if any does but for those of suspended tenants.
    pub async fn next_schedule_due_ms(&self) -> Result<Option<u64>, Error> {
        let find = in_state(ScheduleState::Pending)
            .select_only()
            .column(row::Column::DueAtMs)
            .order_by_asc(row::Column::DueAtMs);
        let find = find.filter(row::Column::TenantNo.not_in_subquery(suspended()));
        let due: Option<i64> = find.into_tuple().one(&self.reader).await?;
        due.map(from_row).transpose()
    }

    /// Takes the first schedules whose time has come, but for those of suspended tenants: they can be neither changed nor cancelled from now on.
    pub async fn claim_schedules(&self, now_ms: u64, limit: u64) -> Result<Vec<ScheduleRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let due = in_state(ScheduleState::Pending)
                .filter(row::Column::DueAtMs.lte(to_row(now_ms)))
                .filter(row::Column::TenantNo.not_in_subquery(suspended()))
                .order_by_asc(row::Column::DueAtMs)
                .order_by_asc(row::Column::ScheduleNo)
                .limit(limit)
                .all(transaction)
                .await?;
            let claim = row::ActiveModel {
                state: Set(ScheduleState::Sending.as_str().to_owned()),
                ..Default::default()
            };
            row::Entity::update_many()
                .set(claim)
                .filter(row::Column::ScheduleNo.is_in(due.iter().map(|row| row.schedule_no)))
                .exec(transaction)
                .await?;
            due.into_iter().map(ScheduleRecord::try_from).collect()
        })
        .await
    }

    /// Gives back what was taken and not settled when the platform stopped.
    pub async fn release_schedules(&self) -> Result<u64, Error> {
        self.write(|held| async move {
            let release = row::ActiveModel {
                state: Set(ScheduleState::Pending.as_str().to_owned()),
                ..Default::default()
            };
            let released = row::Entity::update_many()
                .set(release)
                .filter(row::Column::State.eq(ScheduleState::Sending.as_str()))
                .exec(&*held)
                .await?;
            Ok(released.rows_affected)
        })
        .await
    }

    /// Notes what became of schedules that were taken: the server's id of the message, or why it could not be sent.
    pub async fn settle_schedules(&self, settled: &[(u64, Result<String, String>)], now_ms: u64) -> Result<(), Error> {
        self.write(|held| async move {
            for (no, outcome) in settled {
                let (state, server_id, code) = match outcome {
                    Ok(server_id) => (ScheduleState::Sent, Some(server_id.clone()), None),
                    Err(code) => (ScheduleState::Refused, None, Some(code.clone())),
                };
                let change = row::ActiveModel {
                    schedule_no: Set(to_row(*no)),
                    state: Set(state.as_str().to_owned()),
                    server_id: Set(server_id),
                    code: Set(code),
                    done_at_ms: Set(Some(to_row(now_ms))),
                    ..Default::default()
                };
                row::Entity::update(change).exec(&*held).await?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets schedules that were done before this time.
    pub async fn trim_schedules(&self, before_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let gone = row::Entity::delete_many()
                .filter(row::Column::DoneAtMs.lt(to_row(before_ms)))
                .exec(&*held)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }
}

fn in_state(state: ScheduleState) -> sea_orm::Select<row::Entity> {
    row::Entity::find().filter(row::Column::State.eq(state.as_str()))
}
