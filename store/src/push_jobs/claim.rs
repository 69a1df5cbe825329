//! Jobs come out when they are due, each to one worker at a time.

use godwit_model::{AccountNo, DeviceNo};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::row;
use crate::number::{from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

/// A job that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePush {
    /// Its number.
    pub job: u64,
    /// Which device.
    pub device: DeviceNo,
    /// Whose.
    pub account: AccountNo,
    /// The conversation or call.
    pub lane: String,
    /// What is to be sent; the same for every repeat.
    pub attempt: String,
    /// How many messages it stands for.
    pub messages: u32,
    /// How often it was tried before.
    pub attempts: u32,
    /// Which of the device's vendors has its turn, from 0.
    pub place: u32,
    /// After this it is of no use.
    pub not_after_ms: u64,
    /// The id that the attempt has in common with those of other devices, if it went with them before.
    pub shared_id: Option<[u8; 16]>,
}

impl Store {
    /// Takes jobs of a vendor that are due, the most urgent first. They are due again at `again_at_ms` unless they are
    /// settled before: a worker that vanished is followed by another.
    pub async fn claim_push_jobs(
        &self,
        vendor: &str,
        (now_ms, again_at_ms): (u64, u64),
        limit: u64,
    ) -> Result<Vec<DuePush>, Error> {
        self.write(|held| async move {
            let due = most_urgent(&held, (vendor, now_ms), limit).await?;
            if due.is_empty() {
                return Ok(Vec::new());
            }
            let jobs: Vec<i64> = due.iter().map(|job| job.job_no).collect();
            row::Entity::update_many()
                .set(row::ActiveModel {
                    due_at_ms: Set(to_row(again_at_ms)),
                    ..Default::default()
                })
                .col_expr(
                    row::Column::Attempt,
                    Expr::col(row::Column::Attempt).if_null(Expr::col(row::Column::Wanted)),
                )
                .col_expr(
                    row::Column::AttemptVersion,
                    Expr::col(row::Column::AttemptVersion).if_null(Expr::col(row::Column::Version)),
                )
                .filter(row::Column::JobNo.is_in(jobs))
                .exec(&*held)
                .await?;
            due.into_iter().map(DuePush::try_from).collect()
        })
        .await
    }
}

/// The jobs that are due, one level of urgency after the other: each is a walk along an index, however many jobs there
/// are that are not due.
async fn most_urgent(
    held: &DatabaseTransaction,
    (vendor, now_ms): (&str, u64),
    limit: u64,
) -> Result<Vec<row::Model>, Error> {
    let mut due = Vec::new();
    let mut above = None;
    while let Some(priority) = next_priority(held, vendor, above).await? {
        let room = limit.saturating_sub(due.len() as u64);
        if room == 0 {
            break;
        }
        let found = row::Entity::find()
            .filter(row::Column::Vendor.eq(vendor))
            .filter(row::Column::Priority.eq(priority))
            .filter(row::Column::DueAtMs.lte(to_row(now_ms)))
            .order_by_asc(row::Column::DueAtMs)
            .limit(room)
            .all(held)
            .await?;
        due.extend(found);
        above = Some(priority);
    }
    Ok(due)
}

/// The highest level of a vendor's jobs, below `above`.
async fn next_priority(held: &DatabaseTransaction, vendor: &str, above: Option<i32>) -> Result<Option<i32>, Error> {
    let mut find = row::Entity::find()
        .select_only()
        .column(row::Column::Priority)
        .filter(row::Column::Vendor.eq(vendor));
    if let Some(above) = above {
        find = find.filter(row::Column::Priority.lt(above));
    }
    let found = find.order_by_desc(row::Column::Priority).into_tuple().one(held).await?;
    Ok(found)
}

impl Store {
    /// Says that the attempts of these jobs go in one request, under one id, which their repeats have too. An attempt that
    /// has such an id keeps it.
    pub async fn share_push_attempts(&self, jobs: &[u64], id: [u8; 16]) -> Result<(), Error> {
        self.write(|held| async move {
            for some in jobs.chunks(CHUNK_ROWS) {
                row::Entity::update_many()
                    .set(row::ActiveModel {
                        shared_id: Set(Some(id.to_vec())),
                        ..Default::default()
                    })
                    .filter(row::Column::JobNo.is_in(some.iter().copied().map(to_row)))
                    .filter(row::Column::Attempt.is_not_null())
                    .filter(row::Column::SharedId.is_null())
                    .exec(&*held)
                    .await?;
            }
            Ok(())
        })
        .await
    }
}

impl TryFrom<row::Model> for DuePush {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let count = |value: i32| u32::try_from(value).unwrap_or_default();
        Ok(Self {
            job: from_row(row.job_no)?,
            device: DeviceNo(from_row(row.device_no)?),
            account: AccountNo(from_row(row.account_no)?),
            lane: row.lane,
            attempt: row.attempt.unwrap_or(row.wanted),
            messages: count(row.messages),
            attempts: count(row.attempts),
            place: count(row.place),
            not_after_ms: from_row(row.not_after_ms)?,
            shared_id: row.shared_id.and_then(|id| id.try_into().ok()),
        })
    }
}
