//! What became of attempts goes back in, many at once.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{NEVER_MS, row};
use crate::number::to_row;
use crate::{CHUNK_ROWS, Error, LedgerLine, Store, push_ledger};

/// What became of one attempt.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The job.
    pub job: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What.
    pub what: Settled,
    /// What the ledger says of it.
    pub lines: Vec<LedgerLine>,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The vendor has it. What came meanwhile waits for a window: `window_ms.0`, and twice as long each time, up to
    /// `window_ms.1`.
    Sent {
        /// The number it was about.
        seq: u64,
        /// That message's number in its conversation.
        conv_seq: u64,
        /// How many messages it stood for.
        messages: u32,
        /// The first and the longest window, in milliseconds.
        window_ms: (u32, u32),
    },
    /// What was shown is taken back: the job is over.
    Withdrawn,
    /// It is tried again.
    Later {
        /// When, in milliseconds since 1970.
        due_at_ms: u64,
        /// Which of the device's vendors, by its place and name, where that changes.
        vendor: Option<(u32, String)>,
        /// What is sent then, where that changes.
        attempt: Option<String>,
        /// Whether it counts as tried.
        counts: bool,
    },
    /// It is not tried again.
    Dropped,
}

impl Store {
    /// Keeps what became of attempts, all in one transaction. A job that is gone meanwhile stays gone.
    pub async fn settle_push_jobs(&self, settlements: &[Settlement]) -> Result<(), Error> {
        self.write(|held| async move {
            for chunk in settlements.chunks(CHUNK_ROWS) {
                let numbers = chunk.iter().map(|settlement| to_row(settlement.job));
                let find = row::Entity::find().filter(row::Column::JobNo.is_in(numbers));
                let found = find.all(&*held).await?.into_iter();
                let mut jobs: HashMap<i64, row::Model> = found.map(|job| (job.job_no, job)).collect();
                for settlement in chunk {
                    let no = to_row(settlement.job);
                    let job = match jobs.remove(&no) {
                        Some(job) => Some(job),
                        // It stands twice, or is gone.
                        None => row::Entity::find_by_id(no).one(&*held).await?,
                    };
                    if let Some(job) = job {
                        settle(&held, &job, settlement).await?;
                    }
                }
            }
            let lines = settlements
                .iter()
                .flat_map(|settlement| settlement.lines.iter().cloned());
            push_ledger::write(&held, &lines.collect::<Vec<_>>()).await
        })
        .await
    }
}

async fn settle(transaction: &DatabaseTransaction, job: &row::Model, settlement: &Settlement) -> Result<(), Error> {
    let has_news = job.attempt_version.is_some_and(|tried| job.version > tried);
    let now_ms = to_row(settlement.at_ms);
    let mut change = row::ActiveModel {
        job_no: Set(job.job_no),
        ..Default::default()
    };
    match &settlement.what {
        Settled::Later {
            due_at_ms,
            vendor,
            attempt,
            counts,
        } => {
            change.due_at_ms = Set(to_row(*due_at_ms));
            change.attempts = Set(job.attempts + i32::from(*counts));
            if let Some((place, name)) = vendor {
                change.place = Set(i32::try_from(*place).unwrap_or_default());
                change.vendor = Set(name.clone());
                change.attempts = Set(0);
            }
            if let Some(attempt) = attempt {
                change.attempt = Set(Some(attempt.clone()));
            }
        }
        Settled::Sent {
            seq,
            conv_seq,
            messages,
            window_ms,
        } => {
            let window = next_window(job, now_ms, *window_ms);
            end_attempt(&mut change);
            change.sent_seq = Set(to_row(*seq));
            change.sent_conv_seq = Set(to_row(*conv_seq));
            change.sent_at_ms = Set(now_ms);
            change.window_ms = Set(window);
            let messages = i32::try_from(*messages).unwrap_or(i32::MAX);
            change.messages = Set(job.messages.saturating_sub(messages).max(0));
            let next_ms = now_ms.saturating_add(i64::from(window));
            change.due_at_ms = Set(if has_news { next_ms } else { to_row(NEVER_MS) });
        }
        Settled::Withdrawn | Settled::Dropped if has_news => {
            end_attempt(&mut change);
            change.due_at_ms = Set(now_ms);
        }
        Settled::Dropped if job.sent_seq > 0 => {
            end_attempt(&mut change);
            change.due_at_ms = Set(to_row(NEVER_MS));
        }
        Settled::Withdrawn | Settled::Dropped => {
            row::Entity::delete_by_id(job.job_no).exec(transaction).await?;
            return Ok(());
        }
    }
    row::Entity::update(change).exec(transaction).await?;
    Ok(())
}

fn end_attempt(change: &mut row::ActiveModel) {
    change.attempt = Set(None);
    change.attempt_version = Set(None);
    change.shared_id = Set(None);
    change.attempts = Set(0);
}

/// A burst is answered by ever longer windows; a quiet while begins anew.
fn next_window(job: &row::Model, now_ms: i64, (first, most): (u32, u32)) -> i32 {
    let bound = |window: u32| i32::try_from(window).unwrap_or(i32::MAX);
    let is_burst = job.sent_at_ms > 0 && now_ms - job.sent_at_ms < 2 * i64::from(job.window_ms);
    if is_burst {
        job.window_ms.saturating_mul(2).min(bound(most))
    } else {
        bound(first)
    }
}
