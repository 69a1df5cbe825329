//! Broadcasts: one message to any number of accounts, as a job that is counted, sent page by page, paused, resumed,
//! cancelled and reported.
//!
//! A page is some hundreds of accounts in the order of their numbers, and one message of the log with all of them as its
//! recipients: its body is stored once a page. The accounts of a page are frozen in the store before it is sent, under a
//! key made from the job and the number of the page; a start after a crash sends that page again, and the log knows it.
//! So each account gets the message once, whoever comes and goes meanwhile.

mod pace;
mod page;
mod report;
mod run;
mod told;

pub use report::BroadcastReport;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use godwit_model::{Draft, Refusal, Refused};
use godwit_protocol::{content, fingerprint, stored_draft};
use godwit_registry::{App, BroadcastCommand, BroadcastRecord, BroadcastState, Error, Expected, NewBroadcast, Scope};
use tokio::sync::{Notify, Semaphore};

use crate::expand::RefusedTarget;
use crate::failure::of_registry;
use crate::{Dispatcher, new_message_id};

/// Accounts a second that all broadcasts together reach, unless the operator says otherwise.
const RATE: u32 = 5_000;

/// What an app wishes of a broadcast besides its message.
#[derive(Clone, Copy, Debug, Default)]
pub struct BroadcastWish {
    /// Most accounts a second; the platform's own limit holds as well.
    pub rate: Option<u64>,
    /// Whether it waits for being resumed once it is known for how many accounts it is about.
    pub held: bool,
}

/// A broadcast that was asked.
#[derive(Clone, Debug)]
pub struct BroadcastAsked {
    /// The job.
    pub record: BroadcastRecord,
    /// Whether it was asked before.
    pub repeated: bool,
    /// Receivers that are left out.
    pub refused: Vec<RefusedTarget>,
}

/// What is shared by those who ask for broadcasts and the one who sends them.
pub(crate) struct BroadcastDesk {
    /// Something was asked, resumed, paused or cancelled.
    news: Notify,
    /// Accounts a second, of all broadcasts together.
    rate: u32,
    /// One report is counted at a time.
    counting: Semaphore,
    /// The last reports, by the number of their job.
    reports: Mutex<BTreeMap<u64, report::Kept>>,
}

impl BroadcastDesk {
    fn with_rate(rate: u32) -> Self {
        Self {
            news: Notify::new(),
            rate: rate.max(1),
            counting: Semaphore::new(1),
            reports: Mutex::default(),
        }
    }
}

impl Default for BroadcastDesk {
    fn default() -> Self {
        Self::with_rate(RATE)
    }
}

impl Dispatcher {
    /// Lets all broadcasts together reach so many accounts a second.
    #[must_use]
    pub fn with_broadcast_rate(mut self, rate: u32) -> Self {
        self.broadcasts = Arc::new(BroadcastDesk::with_rate(rate));
        self
    }

    /// Judges a broadcast as a message would be, and keeps it. It is durable when this returns, and under way.
    ///
    /// # Errors
    /// Every reason a message could be refused for.
    pub async fn create_broadcast(
        &self,
        app: &Arc<App>,
        mut draft: Draft,
        wish: BroadcastWish,
    ) -> Result<BroadcastAsked, Refused> {
        may(app)?;
        self.check_id(&draft)?;
        let author = self.author_of_app(app, draft.from.as_ref()).await?;
        content::check(&draft.kind, &draft.content)?;
        check_fields(&draft, wish)?;
        let fingerprint = fingerprint::draft(&draft);
        if let Some(desk) = self.hooks.in_use()
            && let Some(rewritten) = Box::pin(self.ask_about(desk, &author, &draft)).await?
        {
            content::check(&rewritten.kind, &rewritten.content)?;
            draft = rewritten;
        }
        let gathered = self.registry.gather(app.tenant, &draft.to).await.map_err(of_registry)?;
        let now_ms = self.clock.now_ms();
        let left_ms = draft.expires_at_ms.map(|at_ms| at_ms.saturating_sub(now_ms));
        let new = NewBroadcast {
            id: new_message_id(now_ms)?,
            tenant: app.tenant,
            author: author.name,
            app: app.no,
            draft_id: draft.id.clone(),
            fingerprint,
            draft: stored_draft::encode(&draft),
            lifetime_ms: left_ms.or_else(|| draft.ttl_s.map(|ttl_s| u64::from(ttl_s) * 1_000)),
            rate: wish.rate,
            held: wish.held,
            created_at_ms: now_ms,
            due_at_ms: now_ms.saturating_add(u64::from(draft.deliver_after_s) * 1_000),
        };
        let (record, is_new) = self.registry.keep_broadcast(&new).await.map_err(of_registry)?;
        if record.asked.fingerprint != new.fingerprint {
            return Err(Refusal::IdConflict.into());
        }
        self.broadcasts.news.notify_one();
        let refused = gathered.left_out.into_iter().map(|(address, refusal)| RefusedTarget {
            to: address.to_string(),
            refusal,
        });
        Ok(BroadcastAsked {
            record,
            repeated: !is_new,
            refused: refused.collect(),
        })
    }

    /// What waited for its tenant is looked at again.
    pub(crate) fn wake_broadcasts(&self) {
        self.broadcasts.news.notify_one();
    }

    /// The broadcasts of an app's tenant in the order in which they were asked, those after `after`.
    pub async fn broadcasts(
        &self,
        app: &App,
        state: Option<BroadcastState>,
        after: &str,
        limit: u64,
    ) -> Result<Vec<BroadcastRecord>, Refused> {
        may(app)?;
        let found = self.registry.broadcasts(app.tenant, state, after, limit).await;
        found.map_err(of_registry)
    }

    /// One of them; another tenant's looks like one that does not exist.
    pub async fn broadcast(&self, app: &App, id: &str) -> Result<BroadcastRecord, Refused> {
        may(app)?;
        let found = self.registry.broadcast(app.tenant, id).await.map_err(of_registry)?;
        found.ok_or_else(|| Refused::new(Refusal::NotFound, format!("no broadcast {id:?}")))
    }

    /// Pauses, resumes or cancels one; `None` when it is not as expected. The page being sent meanwhile is still sent.
    ///
    /// # Errors
    /// [`Refusal::TooLate`] when it is over.
    pub async fn command_broadcast(
        &self,
        app: &App,
        id: &str,
        command: BroadcastCommand,
        expected: Expected,
    ) -> Result<Option<BroadcastRecord>, Refused> {
        may(app)?;
        let done = self.registry.command_broadcast((app.tenant, id), command, expected);
        match done.await {
            Ok(record) => {
                self.broadcasts.news.notify_one();
                if record.state.is_over() {
                    self.tell_broadcast(&record).await;
                }
                Ok(Some(record))
            }
            Err(Error::Differs) => Ok(None),
            Err(error) => Err(of_registry(error)),
        }
    }
}

fn may(app: &App) -> Result<(), Refused> {
    if app.scopes.contains(Scope::Broadcast) {
        return Ok(());
    }
    Err(Refused::new(Refusal::Forbidden, "needs the scope `broadcast`"))
}

fn check_fields(draft: &Draft, wish: BroadcastWish) -> Result<(), Refused> {
    let wrong = |detail: &'static str| Err(Refused::new(Refusal::InvalidField, detail));
    if draft.to.is_empty() {
        return wrong("`to` is missing: an address such as `all`, or a list of them");
    }
    if !draft.target.is_empty() {
        return wrong("`target` is for messages to a group");
    }
    if wish.rate == Some(0) {
        return wrong("`rate` is accounts a second, at least 1");
    }
    Ok(())
}
