//! Who may see, change and cancel messages that are kept back: a device its user's, an app its tenant's.

use godwit_model::limits::DELIVER_AFTER_S_MAX;
use godwit_model::{Refusal, Refused};
use godwit_protocol::envelope::decode_stored_draft;
use godwit_protocol::{json, stored_draft};
use godwit_registry::{Error, Expected, ScheduleChange, ScheduleRecord, ScheduleState, SchedulesOf, Scope};

use crate::failure::of_registry;
use crate::{Dispatcher, Sender};

/// What is to be another of a message that is kept back; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ScheduleWish {
    /// In how many seconds from now it is sent.
    pub deliver_after_s: Option<u64>,
    /// Its content: JSON.
    pub content: Option<String>,
}

impl Dispatcher {
    /// Messages that are or were kept back, in the order in which they were asked, those after `after`.
    pub async fn schedules(
        &self,
        sender: &Sender,
        state: Option<ScheduleState>,
        after: &str,
        limit: u64,
    ) -> Result<Vec<ScheduleRecord>, Refused> {
        let which = SchedulesOf {
            state,
            ..of_sender(sender)?
        };
        self.registry.schedules(&which, after, limit).await.map_err(of_registry)
    }

    /// One of them; somebody else's looks like one that does not exist.
    pub async fn schedule(&self, sender: &Sender, id: &str) -> Result<ScheduleRecord, Refused> {
        let which = of_sender(sender)?;
        let found = self.registry.schedule(which.tenant, id).await.map_err(of_registry)?;
        let own = |found: &ScheduleRecord| which.account.is_none() || found.asked.account == which.account;
        found
            .filter(own)
            .ok_or_else(|| Refused::new(Refusal::NotFound, format!("no schedule {id:?}")))
    }

    /// Changes one that still waits; `None` when it is not as expected.
    pub async fn change_schedule(
        &self,
        sender: &Sender,
        id: &str,
        wish: ScheduleWish,
        expected: Expected,
    ) -> Result<Option<ScheduleRecord>, Refused> {
        let found = self.schedule(sender, id).await?;
        let due_at_ms = match wish.deliver_after_s {
            None => found.asked.due_at_ms,
            Some(after_s) if after_s <= u64::from(DELIVER_AFTER_S_MAX) => self.clock.now_ms() + after_s * 1_000,
            Some(_) => {
                let detail = format!("`deliverAfter` is 0 to {DELIVER_AFTER_S_MAX} seconds");
                return Err(Refused::new(Refusal::InvalidField, detail));
            }
        };
        let draft = match wish.content {
            None => found.asked.draft.clone(),
            Some(content) => {
                let mut draft = decode_stored_draft(found.asked.draft.as_bytes())?;
                draft.content = json::minify(&content);
                let author = self.author_of(&found.asked, &draft).await?;
                self.judge_draft(&author, draft.clone()).await?;
                if let Some(desk) = self.hooks.in_use()
                    && let Some(rewritten) = Box::pin(self.ask_before_send(desk, &author, &draft)).await?
                {
                    draft = rewritten;
                    self.judge_draft(&author, draft.clone()).await?;
                }
                stored_draft::encode(&draft)
            }
        };
        let change = ScheduleChange::Change { due_at_ms, draft };
        let changed = self.try_to_change(&found, &change, expected).await?;
        self.know_due(due_at_ms);
        Ok(changed)
    }

    /// Cancels one that still waits, or was cancelled before; `None` when it is not as expected.
    pub async fn cancel_schedule(
        &self,
        sender: &Sender,
        id: &str,
        expected: Expected,
    ) -> Result<Option<ScheduleRecord>, Refused> {
        let found = self.schedule(sender, id).await?;
        if found.state == ScheduleState::Cancelled {
            return Ok(Some(found));
        }
        let change = ScheduleChange::Cancel(self.clock.now_ms());
        let cancelled = self.try_to_change(&found, &change, expected).await?;
        if cancelled.is_some() {
            self.unsent.remove(&found.asked);
        }
        Ok(cancelled)
    }

    async fn try_to_change(
        &self,
        found: &ScheduleRecord,
        change: &ScheduleChange,
        expected: Expected,
    ) -> Result<Option<ScheduleRecord>, Refused> {
        let (tenant, id) = (found.asked.tenant, &found.asked.id);
        match self.registry.change_schedule(tenant, id, change, expected).await {
            Ok(changed) => Ok(Some(changed)),
            Err(Error::Differs) => Ok(None),
            Err(error) => Err(of_registry(error)),
        }
    }
}

fn of_sender(sender: &Sender) -> Result<SchedulesOf, Refused> {
    let account = match sender {
        Sender::Device(device) => Some(device.account.no),
        Sender::App(app) if app.scopes.contains(Scope::Messages) => None,
        Sender::App(_) => return Err(Refused::new(Refusal::Forbidden, "needs the scope `messages`")),
    };
    Ok(SchedulesOf {
        tenant: sender.tenant(),
        account,
        state: None,
    })
}
