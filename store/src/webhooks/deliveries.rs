//! Events that a webhook did not take at once, what was tried, and how far the webhook has been told.
//!
//! Where a webhook is, what waits and what was tried change in one transaction: after a crash an event is told again, or
//! waits, and is never lost.

use std::str::FromStr;

use godwit_model::ServerId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{attempt_row, delivery_row, row, server_id_from_row};
use crate::number::{from_row, name_from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

/// Where an event is that was not taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried again.
    Waiting,
    /// It is not tried any more, unless somebody says so.
    Dead,
}

impl DeliveryState {
    /// As clients and the store spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
        }
    }
}

/// The text is not a state of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `waiting` or `dead`")]
pub struct MalformedDeliveryState;

impl FromStr for DeliveryState {
    type Err = MalformedDeliveryState;

    fn from_str(text: &str) -> Result<Self, MalformedDeliveryState> {
        let found = [Self::Waiting, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text);
        found.ok_or(MalformedDeliveryState)
    }
}

/// An event that a webhook did not take at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number; 0 for one that is not stored yet.
    pub no: u64,
    /// The event's id.
    pub event_id: String,
    /// The event's kind.
    pub kind: String,
    /// The message that it is about, whose content stays in the log.
    pub server_id: Option<ServerId>,
    /// What else it says, where it is about no message of the log.
    pub data: Option<String>,
    /// When it happened.
    pub event_at_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub first_at_ms: u64,
    /// When it is tried again.
    pub next_at_ms: u64,
    /// Whether it is.
    pub state: DeliveryState,
    /// The HTTP status of the last attempt, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong with it.
    pub detail: String,
}

/// One attempt, for the log of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its number; 0 for one that is not stored yet.
    pub no: u64,
    /// The event's id.
    pub event_id: String,
    /// The event's kind.
    pub kind: String,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// When it began.
    pub at_ms: u64,
    /// `delivered`, `failed` or `dead`.
    pub outcome: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

/// What became of an event that waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was taken, or is of no use any more.
    Done(u64),
    /// It was not: the same with what is known of it now.
    Again(Box<Delivery>),
}

/// What one round with a webhook comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookProgress {
    /// Up to which message it has been told, if that moved.
    pub log_cursor: Option<ServerId>,
    /// Up to which other event it has been told, if that moved.
    pub event_cursor: Option<u64>,
    /// Events that it did not take: they wait from now on.
    pub parked: Vec<Delivery>,
    /// What became of those that waited.
    pub settled: Vec<Settled>,
    /// What was tried.
    pub tried: Vec<Tried>,
}

impl Store {
    /// Keeps what a round with a webhook came to; `false` where the webhook is not there any more.
    pub async fn advance_webhook(&self, no: u64, progress: &WebhookProgress) -> Result<bool, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            if row::Entity::find_by_id(to_row(no)).one(transaction).await?.is_none() {
                return Ok(false);
            }
            move_cursors(transaction, no, progress).await?;
            for chunk in progress.parked.chunks(CHUNK_ROWS / 10) {
                let rows = chunk.iter().map(|delivery| delivery_row(no, delivery));
                let once = OnConflict::columns([delivery_row::Column::WebhookNo, delivery_row::Column::EventId])
                    .do_nothing()
                    .to_owned();
                delivery_row::Entity::insert_many(rows)
                    .on_conflict(once)
                    .exec_without_returning(transaction)
                    .await?;
            }
            for settled in &progress.settled {
                settle(transaction, no, settled).await?;
            }
            for chunk in progress.tried.chunks(CHUNK_ROWS / 10) {
                let rows = chunk.iter().map(|tried| attempt_row(no, tried));
                attempt_row::Entity::insert_many(rows)
                    .exec_without_returning(transaction)
                    .await?;
            }
            Ok(true)
        })
        .await
    }

    /// Events of a webhook in a state: the oldest first, those after a number.
    pub async fn webhook_deliveries(
        &self,
        no: u64,
        state: DeliveryState,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Delivery>, Error> {
        let find = delivery_row::Entity::find()
            .filter(delivery_row::Column::WebhookNo.eq(to_row(no)))
            .filter(delivery_row::Column::State.eq(state.as_str()))
            .filter(delivery_row::Column::DeliveryNo.gt(to_row(after)))
            .order_by_asc(delivery_row::Column::DeliveryNo)
            .limit(limit);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    /// Has every event that waits tried at this time.
    pub async fn hurry_webhook(&self, no: u64, at_ms: u64) -> Result<(), Error> {
        self.write(|held| async move {
            let soon = delivery_row::ActiveModel {
                next_at_ms: Set(to_row(at_ms)),
                ..Default::default()
            };
            delivery_row::Entity::update_many()
                .set(soon)
                .filter(delivery_row::Column::WebhookNo.eq(to_row(no)))
                .filter(delivery_row::Column::State.eq(DeliveryState::Waiting.as_str()))
                .filter(delivery_row::Column::NextAtMs.gt(to_row(at_ms)))
                .exec(&*held)
                .await?;
            Ok(())
        })
        .await
    }

    /// Has dead events tried again from now on, as if for the first time; those named, or else all. Says how many.
    pub async fn revive_deliveries(&self, no: u64, which: Option<&[u64]>, now_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let again = delivery_row::ActiveModel {
                state: Set(DeliveryState::Waiting.as_str().to_owned()),
                attempts: Set(0),
                first_at_ms: Set(to_row(now_ms)),
                next_at_ms: Set(to_row(now_ms)),
                ..Default::default()
            };
            let mut update = delivery_row::Entity::update_many()
                .set(again)
                .filter(delivery_row::Column::WebhookNo.eq(to_row(no)))
                .filter(delivery_row::Column::State.eq(DeliveryState::Dead.as_str()));
            if let Some(which) = which {
                update = update.filter(delivery_row::Column::DeliveryNo.is_in(which.iter().map(|no| to_row(*no))));
            }
            Ok(update.exec(&*held).await?.rows_affected)
        })
        .await
    }

    /// What was tried with a webhook, newest first, below a number.
    pub async fn webhook_attempts(&self, no: u64, before: Option<u64>, limit: u64) -> Result<Vec<Tried>, Error> {
        let mut find = attempt_row::Entity::find()
            .filter(attempt_row::Column::WebhookNo.eq(to_row(no)))
            .order_by_desc(attempt_row::Column::AttemptNo)
            .limit(limit);
        if let Some(before) = before {
            find = find.filter(attempt_row::Column::AttemptNo.lt(to_row(before)));
        }
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(Tried::try_from).collect()
    }

    /// Forgets attempts that began before the first time, and dead events of before the second.
    pub async fn trim_webhooks(&self, attempts_before_ms: u64, dead_before_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let attempts = attempt_row::Entity::delete_many()
                .filter(attempt_row::Column::AtMs.lt(to_row(attempts_before_ms)))
                .exec(&*held)
                .await?;
            let dead = delivery_row::Entity::delete_many()
                .filter(delivery_row::Column::State.eq(DeliveryState::Dead.as_str()))
                .filter(delivery_row::Column::NextAtMs.lt(to_row(dead_before_ms)))
                .exec(&*held)
                .await?;
            Ok(attempts.rows_affected + dead.rows_affected)
        })
        .await
    }
}

/// Forgets all that is kept of a webhook.
pub(super) async fn forget(transaction: &DatabaseTransaction, webhook_no: i64) -> Result<(), Error> {
    delivery_row::Entity::delete_many()
        .filter(delivery_row::Column::WebhookNo.eq(webhook_no))
        .exec(transaction)
        .await?;
    attempt_row::Entity::delete_many()
        .filter(attempt_row::Column::WebhookNo.eq(webhook_no))
        .exec(transaction)
        .await?;
    Ok(())
}

async fn move_cursors(transaction: &DatabaseTransaction, no: u64, progress: &WebhookProgress) -> Result<(), Error> {
    if progress.log_cursor.is_none() && progress.event_cursor.is_none() {
        return Ok(());
    }
    let mut moved = row::ActiveModel {
        webhook_no: Set(to_row(no)),
        ..Default::default()
    };
    if let Some(cursor) = progress.log_cursor {
        moved.log_cursor = Set(cursor.0.to_be_bytes().to_vec());
    }
    if let Some(cursor) = progress.event_cursor {
        moved.event_cursor = Set(to_row(cursor));
    }
    row::Entity::update(moved).exec(transaction).await?;
    Ok(())
}

async fn settle(transaction: &DatabaseTransaction, no: u64, settled: &Settled) -> Result<(), Error> {
    match settled {
        Settled::Done(delivery) => {
            delivery_row::Entity::delete_by_id(to_row(*delivery))
                .exec(transaction)
                .await?;
        }
        Settled::Again(delivery) => {
            let again = delivery_row(no, delivery);
            delivery_row::Entity::update_many()
                .set(again)
                .filter(delivery_row::Column::DeliveryNo.eq(to_row(delivery.no)))
                .exec(transaction)
                .await?;
        }
    }
    Ok(())
}

fn delivery_row(webhook: u64, delivery: &Delivery) -> delivery_row::ActiveModel {
    delivery_row::ActiveModel {
        webhook_no: Set(to_row(webhook)),
        event_id: Set(delivery.event_id.clone()),
        kind: Set(delivery.kind.clone()),
        server_id: Set(delivery.server_id.map(|id| id.0.to_be_bytes().to_vec())),
        data: Set(delivery.data.clone()),
        event_at_ms: Set(to_row(delivery.event_at_ms)),
        attempts: Set(count_to_row(delivery.attempts)),
        first_at_ms: Set(to_row(delivery.first_at_ms)),
        next_at_ms: Set(to_row(delivery.next_at_ms)),
        state: Set(delivery.state.as_str().to_owned()),
        status: Set(delivery.status.map(i32::from)),
        detail: Set(delivery.detail.clone()),
        ..Default::default()
    }
}

fn attempt_row(webhook: u64, tried: &Tried) -> attempt_row::ActiveModel {
    attempt_row::ActiveModel {
        webhook_no: Set(to_row(webhook)),
        event_id: Set(tried.event_id.clone()),
        kind: Set(tried.kind.clone()),
        attempt: Set(count_to_row(tried.attempt)),
        at_ms: Set(to_row(tried.at_ms)),
        outcome: Set(tried.outcome.clone()),
        status: Set(tried.status.map(i32::from)),
        detail: Set(tried.detail.clone()),
        latency_ms: Set(to_row(tried.latency_ms)),
        ..Default::default()
    }
}

fn count_to_row(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn count_from_row(count: i32) -> Result<u32, Error> {
    u32::try_from(count).map_err(|_| Error::Corrupt(format!("{count} where a count was expected")))
}

fn status_from_row(status: Option<i32>) -> Result<Option<u16>, Error> {
    let status = status.map(u16::try_from).transpose();
    status.map_err(|_| Error::Corrupt("a number that is no HTTP status".to_owned()))
}

impl TryFrom<delivery_row::Model> for Delivery {
    type Error = Error;

    fn try_from(row: delivery_row::Model) -> Result<Self, Error> {
        Ok(Self {
            no: from_row(row.delivery_no)?,
            event_id: row.event_id,
            kind: row.kind,
            server_id: row.server_id.map(|bytes| server_id_from_row(&bytes)).transpose()?,
            data: row.data,
            event_at_ms: from_row(row.event_at_ms)?,
            attempts: count_from_row(row.attempts)?,
            first_at_ms: from_row(row.first_at_ms)?,
            next_at_ms: from_row(row.next_at_ms)?,
            state: name_from_row(&row.state)?,
            status: status_from_row(row.status)?,
            detail: row.detail,
        })
    }
}

impl TryFrom<attempt_row::Model> for Tried {
    type Error = Error;

    fn try_from(row: attempt_row::Model) -> Result<Self, Error> {
        Ok(Self {
            no: from_row(row.attempt_no)?,
            event_id: row.event_id,
            kind: row.kind,
            attempt: count_from_row(row.attempt)?,
            at_ms: from_row(row.at_ms)?,
            outcome: row.outcome,
            status: status_from_row(row.status)?,
            detail: row.detail,
            latency_ms: from_row(row.latency_ms)?,
        })
    }
}
