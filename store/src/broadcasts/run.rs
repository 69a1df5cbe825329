//! The steps of a broadcast that is under way, each one transaction.

use godwit_model::AccountNo;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{BroadcastRecord, BroadcastState, page_row, page_to_row, row};
use crate::apps::suspended;
use crate::number::to_row;
use crate::{Error, Store};

/// A page that is stored in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSent {
    /// The server's id of its message.
    pub server_id: String,
    /// Its accounts.
    pub accounts: Vec<AccountNo>,
}

/// What comes next of a broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was counted.
    Estimated(u64),
    /// Its time has come.
    Begin,
    /// These accounts are the next page, unless it rests or is over meanwhile.
    Freeze(Vec<AccountNo>),
    /// There is nobody left.
    Finish,
    /// It cannot go on: the code of a refusal.
    Fail(String),
}

impl Store {
    /// The broadcasts that have something to do, the oldest first: those that are not over and do not rest, but for those
    /// of suspended tenants, and those with a page that is frozen and may not be sent yet.
    pub async fn broadcasts_under_way(&self) -> Result<Vec<BroadcastRecord>, Error> {
        let active = [
            BroadcastState::Created,
            BroadcastState::Estimated,
            BroadcastState::Running,
        ];
        let may_go_on = Condition::all()
            .add(row::Column::State.is_in(active.map(BroadcastState::as_str)))
            .add(row::Column::TenantNo.not_in_subquery(suspended()));
        let has_work = Condition::any().add(may_go_on).add(row::Column::Page.is_not_null());
        let rows = row::Entity::find()
            .filter(has_work)
            .order_by_asc(row::Column::BroadcastNo)
            .all(&self.reader)
            .await?;
        rows.into_iter().map(BroadcastRecord::try_from).collect()
    }

    /// Takes a broadcast further: notes the page that was sent, if one was, and does the next step if its state still is
    /// the one that step comes from. The answer is the broadcast as it is then.
    pub async fn step_broadcast(
        &self,
        no: u64,
        sent: Option<&PageSent>,
        step: Option<&Step>,
        now_ms: u64,
    ) -> Result<Option<BroadcastRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = row::Entity::find_by_id(to_row(no)).one(transaction).await? else {
                return Ok(None);
            };
            let mut change = row::ActiveModel {
                broadcast_no: Set(found.broadcast_no),
                ..Default::default()
            };
            if let (Some(sent), Some(_)) = (sent, &found.page) {
                let page = page_row::ActiveModel {
                    broadcast_no: Set(found.broadcast_no),
                    page_no: Set(found.pages),
                    server_id: Set(sent.server_id.clone()),
                };
                page_row::Entity::insert(page)
                    .exec_without_returning(transaction)
                    .await?;
                let last = sent.accounts.last().map_or(0, |account| account.0);
                change.page = Set(None);
                change.pages = Set(found.pages + 1);
                change.accounts = Set(found.accounts + to_row(sent.accounts.len() as u64));
                change.after_account_no = Set(to_row(last));
            }
            if let Some(step) = step {
                take(&mut change, step, &found, now_ms);
            }
            let changed = row::Entity::update(change).exec(transaction).await?;
            BroadcastRecord::try_from(changed).map(Some)
        })
        .await
    }

    /// The server's ids of the messages of a broadcast's pages, those from `from` on.
    pub async fn broadcast_pages(&self, no: u64, from: u64, limit: u64) -> Result<Vec<String>, Error> {
        let ids = page_row::Entity::find()
            .select_only()
            .column(page_row::Column::ServerId)
            .filter(page_row::Column::BroadcastNo.eq(to_row(no)))
            .filter(page_row::Column::PageNo.gte(to_row(from)))
            .order_by_asc(page_row::Column::PageNo)
            .limit(limit);
        Ok(ids.into_tuple().all(&self.reader).await?)
    }
}

fn take(change: &mut row::ActiveModel, step: &Step, found: &row::Model, now_ms: u64) {
    let is = |state: BroadcastState| found.state == state.as_str();
    let to = |change: &mut row::ActiveModel, state: BroadcastState| {
        change.state = Set(state.as_str().to_owned());
        change.version = Set(found.version + 1);
    };
    match step {
        Step::Estimated(accounts) => {
            change.estimate = Set(Some(to_row(*accounts)));
            if is(BroadcastState::Created) {
                to(change, BroadcastState::Estimated);
            }
        }
        Step::Begin if is(BroadcastState::Estimated) => {
            change.began_at_ms = Set(Some(to_row(now_ms)));
            to(change, BroadcastState::Running);
        }
        Step::Freeze(accounts) if is(BroadcastState::Running) => change.page = Set(Some(page_to_row(accounts))),
        Step::Finish if is(BroadcastState::Running) => {
            change.done_at_ms = Set(Some(to_row(now_ms)));
            to(change, BroadcastState::Finished);
        }
        Step::Fail(code) => {
            // What the log does not take is in nobody's inbox.
            change.page = Set(None);
            if !is(BroadcastState::Cancelled) {
                change.done_at_ms = Set(Some(to_row(now_ms)));
                change.code = Set(Some(code.clone()));
                to(change, BroadcastState::Failed);
            }
        }
        _ => {}
    }
}
