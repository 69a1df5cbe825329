//! Sends what is due, for as long as the platform runs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use godwit_model::refusal::Remedy;
use godwit_model::{Draft, Refusal, Refused};
use godwit_protocol::envelope::decode_stored_draft;
use godwit_registry::{Error, NewSchedule, ScheduleRecord};
use tokio::task::JoinHandle;

use crate::Dispatcher;
use crate::append::Appending;
use crate::author::Author;
use crate::failure::of_registry;

/// How often it is looked whether something is due; a message is sent so much later at most while nothing is in its way.
const TICK: Duration = Duration::from_millis(100);
/// How long to wait where the store or the log has no room.
const PATIENCE: Duration = Duration::from_millis(500);
/// Messages claimed and settled together.
const CHUNK: u64 = 100;
/// How long it is kept what became of a message that was kept back (7 days).
const KEPT_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// How often what is over is forgotten.
const TIDY: Duration = Duration::from_mins(10);

impl Dispatcher {
    /// Sends messages that are kept back when their time has come. Called once, at the start; what was being sent when
    /// the platform stopped is sent first.
    pub async fn run_schedules(&self) -> Result<JoinHandle<()>, Error> {
        self.registry.release_schedules().await?;
        self.unsent.load(&self.registry).await?;
        let dispatcher = self.clone();
        Ok(tokio::spawn(async move { dispatcher.keep_sending().await }))
    }

    async fn keep_sending(self) {
        let mut tidied = tokio::time::Instant::now();
        loop {
            if self.next_due_ms.load(Ordering::SeqCst) <= self.clock.now_ms()
                && let Err(refused) = self.send_due().await
            {
                tracing::warn!(%refused, "messages that are due are not sent yet");
                self.know_due(0);
                tokio::time::sleep(PATIENCE).await;
            }
            if tidied.elapsed() >= TIDY {
                tidied = tokio::time::Instant::now();
                if let Err(error) = self.registry.trim_schedules(KEPT_MS).await {
                    tracing::warn!(%error, "what is over of schedules could not be forgotten");
                }
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Sends everything that is due, a chunk at a time, in the order of their times.
    async fn send_due(&self) -> Result<(), Refused> {
        loop {
            // Before the store is asked: what comes in meanwhile counts again.
            self.next_due_ms.store(u64::MAX, Ordering::SeqCst);
            let due = self.registry.claim_schedules(CHUNK).await.map_err(of_registry)?;
            if due.is_empty() {
                let next_ms = self.registry.next_schedule_due_ms().await.map_err(of_registry)?;
                self.know_due(next_ms.unwrap_or(u64::MAX));
                return Ok(());
            }
            if let Err(refused) = self.send_all(&due).await {
                self.registry.release_schedules().await.map_err(of_registry)?;
                return Err(refused);
            }
        }
    }

    /// Sends these, and notes what became of them. What cannot be taken now leaves all of them to be sent again.
    async fn send_all(&self, due: &[ScheduleRecord]) -> Result<(), Refused> {
        let mut begun = Vec::with_capacity(due.len());
        for schedule in due {
            begun.push(self.begin(&schedule.asked).await);
        }
        let mut settled = Vec::with_capacity(due.len());
        for (schedule, begun) in due.iter().zip(begun) {
            let sent = match begun {
                Ok(appending) => appending.await,
                Err(refused) => Err(refused),
            };
            let outcome = match sent {
                Ok(submitted) => Ok(submitted
                    .record
                    .map_or_else(String::new, |record| record.server_id.to_string())),
                Err(refused) if refused.refusal.remedy() == Remedy::Later => return Err(refused),
                Err(refused) => {
                    self.tell_author(&schedule.asked, &refused).await;
                    Err(refused.refusal.code().to_owned())
                }
            };
            metrics::counter!("schedules_total", "outcome" => if outcome.is_ok() { "sent" } else { "refused" })
                .increment(1);
            settled.push((schedule.no, outcome));
        }
        self.registry.settle_schedules(&settled).await.map_err(of_registry)?;
        for schedule in due {
            self.unsent.remove(&schedule.asked);
        }
        Ok(())
    }

    /// Judges a message whose time has come, and queues it.
    async fn begin(&self, asked: &NewSchedule) -> Result<Appending, Refused> {
        let mut draft: Draft = decode_stored_draft(asked.draft.as_bytes())?;
        let author = self.author_of(asked, &draft).await?;
        draft.expires_at_ms = asked
            .lifetime_ms
            .map(|lifetime_ms| self.clock.now_ms().saturating_add(lifetime_ms));
        let accepted = self.judge_draft(&author, draft).await?;
        self.append(accepted)
    }

    /// Who asked, as it is now.
    pub(super) async fn author_of(&self, asked: &NewSchedule, draft: &Draft) -> Result<Author, Refused> {
        if let Some(app) = asked.app {
            let app = self.registry.app_by_no(app).await.map_err(of_registry)?;
            let app = app.ok_or_else(|| Refused::new(Refusal::Forbidden, "the app is there no more"))?;
            return self.author_of_app(&app, draft.from.as_ref()).await;
        }
        let gone = || Refused::new(Refusal::UserNotFound, "the sender is there no more");
        let account = asked.account.ok_or_else(gone)?;
        let account = self.registry.account_by_no(account).await.map_err(of_registry)?;
        let account = Arc::new(
            account
                .filter(|account| account.user.as_str() == asked.author)
                .ok_or_else(gone)?,
        );
        self.registry.check_not_blocked(&account).await.map_err(of_registry)?;
        Ok(Author {
            name: asked.author.clone(),
            tenant: account.tenant,
            account: Some(account),
            app: None,
            device_id: asked.device_id.clone().map(String::into_boxed_str),
        })
    }

    /// A user's devices hear of a no as they would have heard at once on MQTT 3.1.1: there is nobody left to say it to.
    async fn tell_author(&self, asked: &NewSchedule, refused: &Refused) {
        let (None, Some(account)) = (asked.app, asked.account) else {
            return;
        };
        let Ok(Some(account)) = self.registry.account_by_no(account).await else {
            return;
        };
        let told = match self.append_refusal_of(&account, &asked.draft_id, refused) {
            Ok(appending) => appending.await.map(|_| ()),
            Err(refused) => Err(refused),
        };
        if let Err(refused) = told {
            tracing::warn!(%refused, "a sender could not be told that its message was refused");
        }
    }
}
