//! How what devices are owed is being paid: one job for each device and conversation (or call).
//!
//! A job has what is *wanted* now, and the *attempt* under way: a copy of what was wanted when it was first tried, which
//! stays as it is until the vendor has decided, so that a repeat is the same push. News meanwhile change what is wanted,
//! and come next. What was shown is kept, so that it can be taken back.

mod claim;
mod decide;
pub(crate) mod row;
mod settle;

pub use claim::DuePush;
pub use decide::{Decision, Owed};
pub use settle::{Settled, Settlement};

use godwit_model::{AccountNo, DeviceNo};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::number::{from_row, to_row};
use crate::{Error, Store};

/// When a job is due that has nothing to do.
pub const NEVER_MS: u64 = i64::MAX as u64;

/// A job, for those who look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushJob {
    /// Which device.
    pub device: DeviceNo,
    /// The conversation or call.
    pub lane: String,
    /// The number it is owed up to.
    pub seq: u64,
    /// The vendor whose turn it is.
    pub vendor: String,
    /// When it is due, in milliseconds since 1970; [`NEVER_MS`] when nothing is owed now.
    pub due_at_ms: u64,
    /// How often the attempt under way was tried.
    pub attempts: u32,
    /// Up to which number the vendor has it; 0 for none.
    pub sent_seq: u64,
}

/// What became of jobs whose conversation was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadElsewhere {
    /// How many are forgotten.
    pub forgotten: u64,
    /// The devices from which something is taken back.
    pub withdrawn: Vec<DeviceNo>,
}

impl Store {
    /// The jobs of an account.
    pub async fn push_jobs_of(&self, account: AccountNo) -> Result<Vec<PushJob>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::AccountNo.eq(to_row(account.0)))
            .order_by_asc(row::Column::JobNo);
        let read = |row: row::Model| {
            Ok(PushJob {
                device: DeviceNo(from_row(row.device_no)?),
                lane: row.lane,
                seq: from_row(row.seq)?,
                vendor: row.vendor,
                due_at_ms: from_row(row.due_at_ms)?,
                attempts: u32::try_from(row.attempts).unwrap_or_default(),
                sent_seq: from_row(row.sent_seq)?,
            })
        };
        find.all(&self.reader).await?.into_iter().map(read).collect()
    }

    /// How many jobs wait.
    pub async fn push_jobs_waiting(&self) -> Result<u64, Error> {
        use sea_orm::PaginatorTrait;
        let find = row::Entity::find().filter(row::Column::DueAtMs.lt(to_row(NEVER_MS)));
        Ok(find.count(&self.reader).await?)
    }

    /// What an account has read is owed no more: jobs of this conversation up to this `conv_seq` that no vendor has are
    /// forgotten; what a vendor has becomes a withdrawal.
    pub async fn read_elsewhere(
        &self,
        account: AccountNo,
        (lane, up_to): (&str, u64),
        withdrawal: &str,
        now_ms: u64,
    ) -> Result<ReadElsewhere, Error> {
        self.write(|held| async move {
            let find = row::Entity::find()
                .filter(row::Column::AccountNo.eq(to_row(account.0)))
                .filter(row::Column::Lane.eq(lane))
                .filter(row::Column::ConvSeq.lte(to_row(up_to)));
            let mut read = ReadElsewhere::default();
            for job in find.all(&*held).await? {
                if job.sent_seq == 0 && job.attempt.is_none() {
                    row::Entity::delete_by_id(job.job_no).exec(&*held).await?;
                    read.forgotten += 1;
                } else {
                    read.withdrawn.push(DeviceNo(from_row(job.device_no)?));
                    withdraw(&held, job, withdrawal, now_ms).await?;
                }
            }
            Ok(read)
        })
        .await
    }

    /// Forgets jobs that have nothing to do and whose push no phone shows any more; says how many.
    pub async fn trim_push_jobs(&self, now_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let gone = row::Entity::delete_many()
                .filter(row::Column::DueAtMs.eq(to_row(NEVER_MS)))
                .filter(row::Column::NotAfterMs.lt(to_row(now_ms)))
                .exec(&*held)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }

    /// Makes attempts due at once that were under way when the platform stopped.
    pub async fn resume_push_jobs(&self, now_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let changed = row::Entity::update_many()
                .set(row::ActiveModel {
                    due_at_ms: Set(to_row(now_ms)),
                    ..Default::default()
                })
                .filter(row::Column::Attempt.is_not_null())
                .filter(row::Column::DueAtMs.gt(to_row(now_ms)))
                .exec(&*held)
                .await?;
            Ok(changed.rows_affected)
        })
        .await
    }

    /// When the next job of a vendor is due; `None` when none waits.
    pub async fn next_push_due(&self, vendor: &str) -> Result<Option<u64>, Error> {
        let found: Option<i64> = row::Entity::find()
            .select_only()
            .column(row::Column::DueAtMs)
            .filter(row::Column::Vendor.eq(vendor))
            .filter(row::Column::DueAtMs.lt(to_row(NEVER_MS)))
            .order_by_asc(row::Column::DueAtMs)
            .into_tuple()
            .one(&self.reader)
            .await?;
        found.map(from_row).transpose()
    }
}

/// What is shown shall be taken back.
async fn withdraw(
    transaction: &DatabaseTransaction,
    job: row::Model,
    withdrawal: &str,
    now_ms: u64,
) -> Result<(), Error> {
    let is_idle = job.attempt.is_none();
    let mut change = row::ActiveModel {
        job_no: Set(job.job_no),
        wanted: Set(withdrawal.to_owned()),
        version: Set(job.version + 1),
        ..Default::default()
    };
    if is_idle {
        change.due_at_ms = Set(to_row(now_ms));
        change.place = Set(0);
    }
    row::Entity::update(change).exec(transaction).await?;
    Ok(())
}

pub(crate) async fn remove_of_device(transaction: &DatabaseTransaction, device: DeviceNo) -> Result<(), Error> {
    row::Entity::delete_many()
        .filter(row::Column::DeviceNo.eq(to_row(device.0)))
        .exec(transaction)
        .await?;
    crate::push_marks::row::Entity::delete_by_id(to_row(device.0))
        .exec(transaction)
        .await?;
    Ok(())
}

pub(crate) async fn change_vendor(
    transaction: &DatabaseTransaction,
    device: DeviceNo,
    vendor: &str,
) -> Result<(), Error> {
    row::Entity::update_many()
        .set(row::ActiveModel {
            vendor: Set(vendor.to_owned()),
            place: Set(0),
            ..Default::default()
        })
        .filter(row::Column::DeviceNo.eq(to_row(device.0)))
        .exec(transaction)
        .await?;
    Ok(())
}
