//! Takes broadcasts further, a page of each in turn, for as long as the platform runs.

use std::time::Duration;

use godwit_model::refusal::Remedy;
use godwit_model::{AccountNo, Draft, Refusal, Refused};
use godwit_protocol::envelope::decode_stored_draft;
use godwit_registry::{BroadcastRecord, BroadcastState, Crowd, PageSent, Step};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::pace::{Pace, page_size};
use crate::Dispatcher;
use crate::failure::of_registry;

/// How often the store is asked while there are broadcasts, for those whose time comes.
const LOOK: Duration = Duration::from_millis(500);
/// How long to wait where the store or the log does not take something.
const PATIENCE: Duration = Duration::from_millis(500);
/// Accounts counted by one question, and questions of one turn.
const COUNT: (usize, usize) = (2_000, 10);

/// A broadcast under way.
struct Job {
    record: BroadcastRecord,
    draft: Draft,
    crowd: Option<Crowd>,
    /// How far it was counted, and how many there were.
    counted: (AccountNo, u64),
    pace: Pace,
    wake_at: Instant,
}

struct Runner {
    dispatcher: Dispatcher,
    jobs: Vec<Job>,
    /// All broadcasts together.
    pace: Pace,
}

impl Dispatcher {
    /// Sends broadcasts from now on. Called once, at the start; what was under way when the platform stopped goes on.
    #[must_use]
    pub fn run_broadcasts(&self) -> JoinHandle<()> {
        let runner = Runner {
            dispatcher: self.clone(),
            jobs: Vec::new(),
            pace: Pace::new(Instant::now()),
        };
        tokio::spawn(runner.run())
    }
}

impl Runner {
    async fn run(mut self) {
        let mut look_at = Instant::now();
        loop {
            if look_at <= Instant::now() {
                self.look().await;
                look_at = Instant::now() + LOOK;
            }
            let mut jobs = std::mem::take(&mut self.jobs);
            for job in &mut jobs {
                if job.wake_at <= Instant::now() {
                    self.turn(job).await;
                }
            }
            jobs.retain(|job| !job.record.state.is_over() || job.record.page.is_some());
            self.jobs = jobs;
            let next = self.jobs.iter().map(|job| job.wake_at.min(look_at)).min();
            let news = self.dispatcher.broadcasts.news.notified();
            let heard = if let Some(at) = next {
                tokio::time::timeout_at(at, news).await.is_ok()
            } else {
                news.await;
                true
            };
            if heard {
                look_at = Instant::now();
            }
        }
    }

    /// Asks the store what there is to do. Who was known keeps what is known of it.
    async fn look(&mut self) {
        let found = match self.dispatcher.registry.broadcasts_under_way().await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "broadcasts could not be read; they are asked for again");
                return;
            }
        };
        let mut known = std::mem::take(&mut self.jobs);
        for record in found {
            let at = known.iter().position(|job| job.record.no == record.no);
            match at.map(|at| known.swap_remove(at)) {
                Some(job) => self.jobs.push(Job { record, ..job }),
                None => self.jobs.extend(Job::take_up(record)),
            }
        }
        metrics::gauge!("broadcasts_under_way").set(u32::try_from(self.jobs.len()).unwrap_or(u32::MAX));
    }

    async fn turn(&mut self, job: &mut Job) {
        let before = job.record.state;
        if let Err(refused) = self.take_further(job).await {
            tracing::warn!(%refused, broadcast = job.record.asked.id, "a broadcast waits");
            job.wake_at = Instant::now() + PATIENCE;
        }
        if job.record.state != before {
            tell(&job.record);
            self.dispatcher.tell_broadcast(&job.record).await;
        }
    }

    async fn take_further(&mut self, job: &mut Job) -> Result<(), Refused> {
        if job.record.page.is_some() {
            return self.send(job).await;
        }
        match job.record.state {
            BroadcastState::Created => self.count(job).await,
            BroadcastState::Estimated if job.is_due(self.dispatcher.now_ms()) => {
                job.record = self.step(job, None, Some(Step::Begin)).await?;
                job.wake_at = Instant::now();
                Ok(())
            }
            BroadcastState::Running => {
                let step = self.next(job, job.record.after).await?;
                job.record = self.step(job, None, Some(step)).await?;
                job.wake_at = Instant::now();
                Ok(())
            }
            _ => {
                job.wake_at = Instant::now() + LOOK;
                Ok(())
            }
        }
    }

    /// Counts for how many accounts it is, some thousands a turn.
    async fn count(&self, job: &mut Job) -> Result<(), Refused> {
        let crowd = match self.crowd(job).await {
            Ok(crowd) => crowd,
            Err(refused) => return self.give_up(job, refused).await,
        };
        for _ in 0..COUNT.1 {
            let (after, so_far) = job.counted;
            let page = self.dispatcher.registry.walk(&crowd, after, COUNT.0).await;
            let page = page.map_err(of_registry)?;
            let so_far = so_far + page.accounts.len() as u64;
            let Some(next) = page.next else {
                job.record = self.step(job, None, Some(Step::Estimated(so_far))).await?;
                break;
            };
            job.counted = (next, so_far);
        }
        job.wake_at = Instant::now();
        Ok(())
    }

    /// Sends the frozen page and freezes the next one.
    async fn send(&mut self, job: &mut Job) -> Result<(), Refused> {
        let Some(accounts) = job.record.page.clone() else {
            return Ok(());
        };
        let began = Instant::now();
        let sent = match self.dispatcher.send_page(&job.record, &job.draft, accounts).await {
            Ok(sent) => sent,
            Err(refused) => return self.give_up(job, refused).await,
        };
        let took = began.elapsed();
        let last = sent.accounts.last().copied().unwrap_or(job.record.after);
        let step = match job.record.state {
            // What cannot be known now is asked once more when the page is noted.
            BroadcastState::Running => self.next(job, last).await.ok(),
            _ => None,
        };
        job.record = self.step(job, Some(&sent), step).await?;
        let (now, rate) = (Instant::now(), u64::from(self.dispatcher.broadcasts.rate));
        self.pace.sent(now, sent.accounts.len(), rate);
        job.pace.sent(now, sent.accounts.len(), job.rate(rate));
        job.pace.rest(now, took);
        job.wake_at = job.pace.next_at().max(self.pace.next_at());
        Ok(())
    }

    /// What comes after this account: the next page, or the end.
    async fn next(&self, job: &mut Job, after: AccountNo) -> Result<Step, Refused> {
        if let Err(refused) = self.judge(job).await {
            return failed(refused);
        }
        let crowd = match self.crowd(job).await {
            Ok(crowd) => crowd,
            Err(refused) => return failed(refused),
        };
        let size = page_size(job.rate(u64::from(self.dispatcher.broadcasts.rate)));
        let mut after = after;
        loop {
            let page = self
                .dispatcher
                .registry
                .walk(&crowd, after, size)
                .await
                .map_err(of_registry)?;
            match page.next {
                _ if !page.accounts.is_empty() => return Ok(Step::Freeze(page.accounts)),
                Some(next) => after = next,
                None => return Ok(Step::Finish),
            }
        }
    }

    /// Whether its author may still send it.
    async fn judge(&self, job: &Job) -> Result<(), Refused> {
        let app = self.dispatcher.registry.app_by_no(job.record.asked.app).await;
        let app = app.map_err(of_registry)?;
        let app = app.ok_or_else(|| Refused::new(Refusal::Forbidden, "the app is there no more"))?;
        super::may(&app)?;
        self.dispatcher
            .registry
            .check_tenant(app.tenant)
            .await
            .map_err(of_registry)?;
        let author = self.dispatcher.author_of_app(&app, job.draft.from.as_ref()).await;
        author.map(|_| ())
    }

    async fn crowd(&self, job: &mut Job) -> Result<Crowd, Refused> {
        if let Some(crowd) = &job.crowd {
            return Ok(crowd.clone());
        }
        let gathered = self
            .dispatcher
            .registry
            .gather(job.record.asked.tenant, &job.draft.to)
            .await;
        let crowd = gathered.map_err(of_registry)?.crowd;
        job.crowd = Some(crowd.clone());
        Ok(crowd)
    }

    /// Ends what can never go on; what may pass is tried again.
    async fn give_up(&self, job: &mut Job, refused: Refused) -> Result<(), Refused> {
        let step = failed(refused)?;
        job.record = self.step(job, None, Some(step)).await?;
        Ok(())
    }

    async fn step(&self, job: &Job, sent: Option<&PageSent>, step: Option<Step>) -> Result<BroadcastRecord, Refused> {
        let stepped = self
            .dispatcher
            .registry
            .step_broadcast(job.record.no, sent, step.as_ref())
            .await;
        stepped.map_err(of_registry)
    }
}

impl Job {
    fn take_up(record: BroadcastRecord) -> Option<Self> {
        match decode_stored_draft(record.asked.draft.as_bytes()) {
            Ok(draft) => Some(Self {
                draft,
                crowd: None,
                counted: (AccountNo(0), 0),
                pace: Pace::new(Instant::now()),
                wake_at: Instant::now(),
                record,
            }),
            Err(refused) => {
                tracing::error!(%refused, broadcast = record.asked.id, "a broadcast cannot be read");
                None
            }
        }
    }

    fn is_due(&self, now_ms: u64) -> bool {
        !self.record.asked.held && self.record.asked.due_at_ms <= now_ms
    }

    fn rate(&self, most: u64) -> u64 {
        self.record.asked.rate.map_or(most, |rate| rate.min(most))
    }
}

/// A refusal that stands ends the job; one that may pass is passed on.
fn failed(refused: Refused) -> Result<Step, Refused> {
    if refused.refusal.remedy() == Remedy::Later {
        return Err(refused);
    }
    Ok(Step::Fail(refused.refusal.code().to_owned()))
}

/// The one place where a broadcast is known to have changed by itself.
fn tell(record: &BroadcastRecord) {
    metrics::counter!("broadcasts_total", "state" => record.state.as_str()).increment(1);
    tracing::info!(
        broadcast = record.asked.id,
        state = record.state.as_str(),
        accounts = record.accounts,
        pages = record.pages,
        "a broadcast has moved on"
    );
}
