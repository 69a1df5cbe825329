//! What was decided about devices goes in: what each is owed, why it is owed nothing, and up to where that holds.

use godwit_model::{AccountNo, DeviceNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{NEVER_MS, row, withdraw};
use crate::number::to_row;
use crate::{Error, LedgerLine, Store, push_ledger, push_marks};

/// What was decided about one device.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The device.
    pub device: DeviceNo,
    /// Whose.
    pub account: AccountNo,
    /// Up to which number of the inbox it was decided.
    pub up_to: u64,
    /// The vendor to try first.
    pub vendor: String,
    /// What it is owed, at most one for each conversation or call.
    pub owed: Vec<Owed>,
    /// Why it is owed nothing else.
    pub lines: Vec<LedgerLine>,
}

/// A push that a device is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The conversation or call; jobs of one are one.
    pub lane: String,
    /// Higher goes first.
    pub priority: i32,
    /// The number it is about: the newest.
    pub seq: u64,
    /// That message's number in its conversation.
    pub conv_seq: u64,
    /// How many messages it stands for.
    pub messages: u32,
    /// What is to be sent; a text the store only keeps.
    pub wanted: String,
    /// After this it is of no use, in milliseconds since 1970.
    pub not_after_ms: u64,
    /// Whether it only takes back what was sent; owed nothing where nothing was.
    pub withdraws: bool,
    /// The message by its `conv_seq` that it is in the place of, or takes back: owed only where that message is the newest
    /// that the device was sent, or is being sent.
    pub in_place_of: Option<u64>,
    /// Not before so many milliseconds: somebody else may read it meanwhile.
    pub hold_ms: u64,
}

impl Store {
    /// Owes devices something besides what is decided of their inboxes; what was decided of those stays.
    pub async fn owe_besides(&self, decisions: &[Decision], now_ms: u64) -> Result<(), Error> {
        self.write(|held| async move {
            for decision in decisions {
                for owed in &decision.owed {
                    owe(&held, decision, owed, now_ms).await?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Keeps decisions, all in one transaction.
    pub async fn keep_decisions(&self, decisions: &[Decision], now_ms: u64) -> Result<(), Error> {
        self.write(|held| async move {
            for decision in decisions {
                for owed in &decision.owed {
                    owe(&held, decision, owed, now_ms).await?;
                }
                push_ledger::write(&held, &decision.lines).await?;
                push_marks::put(&held, decision.device, decision.up_to).await?;
            }
            Ok(())
        })
        .await
    }
}

async fn owe(transaction: &DatabaseTransaction, decision: &Decision, owed: &Owed, now_ms: u64) -> Result<(), Error> {
    let find = row::Entity::find()
        .filter(row::Column::DeviceNo.eq(to_row(decision.device.0)))
        .filter(row::Column::Lane.eq(&owed.lane));
    let found = find.one(transaction).await?;
    if let Some(conv_seq) = owed.in_place_of {
        let shown = |job: &row::Model| {
            let is_sent = job.sent_conv_seq == to_row(conv_seq) && job.sent_seq > 0;
            // What was decided before a crash is decided again.
            job.seq < to_row(owed.seq) && job.conv_seq == to_row(conv_seq) && (is_sent || job.attempt.is_some())
        };
        return match found.filter(shown) {
            Some(job) => put_in_place(transaction, job, owed, now_ms).await,
            None => Ok(()),
        };
    }
    match (found, owed.withdraws) {
        (None, true) => Ok(()),
        (None, false) => insert(transaction, decision, owed, now_ms).await,
        // What was decided before a crash is decided again, and is there already.
        (Some(job), _) if job.seq >= to_row(owed.seq) => Ok(()),
        (Some(job), true) if job.sent_seq == 0 && job.attempt.is_none() => {
            row::Entity::delete_by_id(job.job_no).exec(transaction).await?;
            Ok(())
        }
        (Some(job), true) => withdraw(transaction, job, &owed.wanted, now_ms).await,
        (Some(job), false) => renew(transaction, job, decision, owed, now_ms).await,
    }
}

/// What is shown goes, or something else is shown there.
async fn put_in_place(
    transaction: &DatabaseTransaction,
    job: row::Model,
    owed: &Owed,
    now_ms: u64,
) -> Result<(), Error> {
    let mut change = row::ActiveModel {
        job_no: Set(job.job_no),
        seq: Set(to_row(owed.seq)),
        ..Default::default()
    };
    if !owed.withdraws {
        change.messages = Set(i32::try_from(owed.messages).unwrap_or(i32::MAX));
    }
    row::Entity::update(change).exec(transaction).await?;
    withdraw(transaction, job, &owed.wanted, now_ms).await
}

async fn insert(transaction: &DatabaseTransaction, decision: &Decision, owed: &Owed, now_ms: u64) -> Result<(), Error> {
    let job = row::ActiveModel {
        device_no: Set(to_row(decision.device.0)),
        account_no: Set(to_row(decision.account.0)),
        lane: Set(owed.lane.clone()),
        vendor: Set(decision.vendor.clone()),
        priority: Set(owed.priority),
        seq: Set(to_row(owed.seq)),
        conv_seq: Set(to_row(owed.conv_seq)),
        messages: Set(i32::try_from(owed.messages).unwrap_or(i32::MAX)),
        version: Set(1),
        wanted: Set(owed.wanted.clone()),
        attempt: Set(None),
        attempt_version: Set(None),
        attempts: Set(0),
        place: Set(0),
        due_at_ms: Set(to_row(now_ms.saturating_add(owed.hold_ms))),
        not_after_ms: Set(to_row(owed.not_after_ms)),
        sent_seq: Set(0),
        sent_conv_seq: Set(0),
        sent_at_ms: Set(0),
        window_ms: Set(0),
        shared_id: Set(None),
        ..Default::default()
    };
    row::Entity::insert(job).exec_without_returning(transaction).await?;
    Ok(())
}

/// News of the same conversation: they come with what is not sent yet, or when the window since the last push is over.
async fn renew(
    transaction: &DatabaseTransaction,
    job: row::Model,
    decision: &Decision,
    owed: &Owed,
    now_ms: u64,
) -> Result<(), Error> {
    let messages = i32::try_from(owed.messages).unwrap_or(i32::MAX);
    let mut change = row::ActiveModel {
        job_no: Set(job.job_no),
        priority: Set(job.priority.max(owed.priority)),
        seq: Set(to_row(owed.seq)),
        conv_seq: Set(to_row(owed.conv_seq)),
        messages: Set(job.messages.saturating_add(messages)),
        version: Set(job.version + 1),
        wanted: Set(owed.wanted.clone()),
        not_after_ms: Set(job.not_after_ms.max(to_row(owed.not_after_ms))),
        ..Default::default()
    };
    if job.attempt.is_none() && job.due_at_ms == to_row(NEVER_MS) {
        let window_ends_ms = job.sent_at_ms.saturating_add(i64::from(job.window_ms));
        change.due_at_ms = Set(to_row(now_ms.saturating_add(owed.hold_ms)).max(window_ends_ms));
        change.vendor = Set(decision.vendor.clone());
        change.place = Set(0);
        change.priority = Set(owed.priority);
    }
    row::Entity::update(change).exec(transaction).await?;
    Ok(())
}
