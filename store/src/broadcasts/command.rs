//! Pausing, resuming and cancelling a broadcast.

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use super::{BroadcastRecord, BroadcastState, row, with_id};
use crate::number::{from_row, name_from_row, to_row};
use crate::{Error, Expected, Store, Versioned};

/// What is to become of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastCommand {
    /// It rests until it is resumed; the page being sent is still sent.
    Pause,
    /// It goes on, or begins although it was held or its time has not come.
    Resume,
    /// It ends; the page being sent is still sent.
    Cancel,
}

impl Store {
    /// Pauses, resumes or cancels a broadcast; where it is so already nothing changes. `Ok(None)` when it is over.
    pub async fn command_broadcast(
        &self,
        (tenant, id): (TenantNo, &str),
        command: BroadcastCommand,
        expected: Expected,
        now_ms: u64,
    ) -> Result<Option<Versioned<BroadcastRecord>>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = with_id(tenant, id).one(transaction).await? else {
                return Ok(Some(Versioned::Absent));
            };
            if !expected.holds(Some(from_row(found.version)?)) {
                return Ok(Some(Versioned::Differs));
            }
            let change = match judge(command, &found, now_ms)? {
                Judgement::TooLate => return Ok(None),
                Judgement::IsSo => return Ok(Some(Versioned::Done(found.try_into()?))),
                Judgement::Change(columns) => row::ActiveModel {
                    broadcast_no: Set(found.broadcast_no),
                    version: Set(found.version + 1),
                    ..*columns
                },
            };
            let changed = row::Entity::update(change).exec(transaction).await?;
            Ok(Some(Versioned::Done(changed.try_into()?)))
        })
        .await
    }
}

/// What a command does to a broadcast.
enum Judgement {
    IsSo,
    TooLate,
    Change(Box<row::ActiveModel>),
}

fn judge(command: BroadcastCommand, found: &row::Model, now_ms: u64) -> Result<Judgement, Error> {
    let state: BroadcastState = name_from_row(&found.state)?;
    let to = |state: BroadcastState| row::ActiveModel {
        state: Set(state.as_str().to_owned()),
        ..Default::default()
    };
    let columns = match (command, state) {
        (BroadcastCommand::Pause, BroadcastState::Paused)
        | (BroadcastCommand::Resume, BroadcastState::Running)
        | (BroadcastCommand::Cancel, BroadcastState::Cancelled) => return Ok(Judgement::IsSo),
        (_, over) if over.is_over() => return Ok(Judgement::TooLate),
        (BroadcastCommand::Pause, _) => to(BroadcastState::Paused),
        (BroadcastCommand::Cancel, _) => row::ActiveModel {
            done_at_ms: Set(Some(to_row(now_ms))),
            ..to(BroadcastState::Cancelled)
        },
        (BroadcastCommand::Resume, _) => {
            let next = match (found.estimate, found.began_at_ms) {
                (_, Some(_)) => BroadcastState::Running,
                (Some(_), None) => BroadcastState::Estimated,
                (None, None) => BroadcastState::Created,
            };
            row::ActiveModel {
                held: Set(false),
                due_at_ms: Set(found.due_at_ms.min(to_row(now_ms))),
                ..to(next)
            }
        }
    };
    Ok(Judgement::Change(Box::new(columns)))
}
