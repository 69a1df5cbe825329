//! What was decided about devices goes in: what each is owed, why it is owed nothing, and up to where that holds.

use std::collections::{HashMap, HashSet};

use godwit_model::{AccountNo, DeviceNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{NEVER_MS, row, withdraw};
use crate::number::to_row;
use crate::{CHUNK_ROWS, Error, LedgerLine, Store, push_ledger, push_marks};

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
        self.write(|held| async move { owe_all(&held, decisions, now_ms).await })
            .await
    }

    /// Keeps decisions, all in one transaction.
    pub async fn keep_decisions(&self, decisions: &[Decision], now_ms: u64) -> Result<(), Error> {
        self.write(|held| async move {
            owe_all(&held, decisions, now_ms).await?;
            let lines: Vec<LedgerLine> = decisions.iter().flat_map(|decision| decision.lines.clone()).collect();
            push_ledger::write(&held, &lines).await?;
            let marks = decisions.iter().map(|decision| (decision.device, decision.up_to));
            push_marks::put(&held, &marks.collect()).await
        })
        .await
    }
}

/// What a device is owed in one of its lanes.
type Claim<'a> = (&'a Decision, &'a Owed);

async fn owe_all(transaction: &DatabaseTransaction, decisions: &[Decision], now_ms: u64) -> Result<(), Error> {
    let claims = decisions
        .iter()
        .flat_map(|decision| decision.owed.iter().map(move |owed| (decision, owed)));
    let claims: Vec<Claim<'_>> = claims.collect();
    // What is decided twice about one lane is two steps.
    let (mut step, mut lanes) = (Vec::<Claim<'_>>::new(), HashSet::new());
    for claim in claims {
        let is_new = lanes.insert((claim.0.device, claim.1.lane.as_str()));
        if !is_new || step.len() == CHUNK_ROWS {
            owe_step(transaction, &std::mem::take(&mut step), now_ms).await?;
            lanes = HashSet::from([(claim.0.device, claim.1.lane.as_str())]);
        }
        step.push(claim);
    }
    owe_step(transaction, &step, now_ms).await
}

/// Most claims are the first of their lane, and these go in together.
async fn owe_step(transaction: &DatabaseTransaction, claims: &[Claim<'_>], now_ms: u64) -> Result<(), Error> {
    if claims.is_empty() {
        return Ok(());
    }
    let find = row::Entity::find()
        .filter(row::Column::DeviceNo.is_in(claims.iter().map(|(decision, _)| to_row(decision.device.0))))
        .filter(row::Column::Lane.is_in(claims.iter().map(|(_, owed)| owed.lane.as_str())));
    let found = find.all(transaction).await?.into_iter();
    let mut jobs: HashMap<_, _> = found.map(|job| ((job.device_no, job.lane.clone()), job)).collect();
    let mut first = Vec::new();
    for (decision, owed) in claims {
        match jobs.remove(&(to_row(decision.device.0), owed.lane.clone())) {
            Some(job) => owe_again(transaction, job, (decision, owed), now_ms).await?,
            None if owed.withdraws || owed.in_place_of.is_some() => {}
            None => first.push(first_job(decision, owed, now_ms)),
        }
    }
    if !first.is_empty() {
        row::Entity::insert_many(first)
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}

async fn owe_again(
    transaction: &DatabaseTransaction,
    job: row::Model,
    (decision, owed): Claim<'_>,
    now_ms: u64,
) -> Result<(), Error> {
    if let Some(conv_seq) = owed.in_place_of {
        let shown = |job: &row::Model| {
            let is_sent = job.sent_conv_seq == to_row(conv_seq) && job.sent_seq > 0;
            // What was decided before a crash is decided again.
            job.seq < to_row(owed.seq) && job.conv_seq == to_row(conv_seq) && (is_sent || job.attempt.is_some())
        };
        return if shown(&job) {
            put_in_place(transaction, job, owed, now_ms).await
        } else {
            Ok(())
        };
    }
    if job.seq >= to_row(owed.seq) {
        // What was decided before a crash is decided again, and is there already.
        return Ok(());
    }
    if !owed.withdraws {
        return renew(transaction, job, (decision, owed), now_ms).await;
    }
    if job.sent_seq == 0 && job.attempt.is_none() {
        row::Entity::delete_by_id(job.job_no).exec(transaction).await?;
        return Ok(());
    }
    withdraw(transaction, job, &owed.wanted, now_ms).await
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

fn first_job(decision: &Decision, owed: &Owed, now_ms: u64) -> row::ActiveModel {
    row::ActiveModel {
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
    }
}

/// News of the same conversation: they come with what is not sent yet, or when the window since the last push is over.
async fn renew(
    transaction: &DatabaseTransaction,
    job: row::Model,
    (decision, owed): Claim<'_>,
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
