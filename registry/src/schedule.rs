//! Messages that wait for their time. What they say is the dispatcher's business.

use godwit_model::{Refusal, TenantNo};
use godwit_store::{Expected, Versioned};
pub use godwit_store::{NewSchedule, ScheduleChange, ScheduleRecord, ScheduleState, SchedulesOf, UnsentDraft};

use crate::error::Error;
use crate::registry::Registry;

impl Registry {
    /// Keeps a schedule; where its author has one under the same draft id, that one is the answer, and `false`.
    ///
    /// # Errors
    /// [`Refusal::TooManyKeptBack`] while its author has too many that wait.
    pub async fn keep_schedule(&self, new: &NewSchedule) -> Result<(ScheduleRecord, bool), Error> {
        let most = self.0.settings.kept_back_per_sender_max;
        let kept = self.0.store.keep_schedule(new, most as u64).await?;
        kept.ok_or_else(|| {
            let detail = format!("{most} messages of {} are kept back already", new.author);
            Error::refused(Refusal::TooManyKeptBack, detail)
        })
    }

    /// Whether an author has or had a schedule under this draft id.
    pub async fn has_schedule_of_draft(&self, tenant: TenantNo, author: &str, draft_id: &str) -> Result<bool, Error> {
        Ok(self.0.store.has_schedule_of_draft(tenant, author, draft_id).await?)
    }

    /// What the drafts that wait are recognised by, in the order of their schedules' numbers; those after `after`.
    pub async fn unsent_drafts(&self, after: u64, limit: u64) -> Result<Vec<UnsentDraft>, Error> {
        Ok(self.0.store.unsent_drafts(after, limit).await?)
    }

    /// A schedule of a tenant.
    pub async fn schedule(&self, tenant: TenantNo, id: &str) -> Result<Option<ScheduleRecord>, Error> {
        Ok(self.0.store.schedule(tenant, id).await?)
    }

    /// Schedules in the order of their ids, those after `after`.
    pub async fn schedules(&self, which: &SchedulesOf, after: &str, limit: u64) -> Result<Vec<ScheduleRecord>, Error> {
        Ok(self.0.store.schedules(which, after, limit).await?)
    }

    /// Changes or cancels a schedule that still waits.
    ///
    /// # Errors
    /// [`Refusal::TooLate`] when it does not any more, [`Error::Differs`] when it is not as expected.
    pub async fn change_schedule(
        &self,
        tenant: TenantNo,
        id: &str,
        change: &ScheduleChange,
        expected: Expected,
    ) -> Result<ScheduleRecord, Error> {
        match self.0.store.change_schedule(tenant, id, change, expected).await? {
            Some(Versioned::Done(record)) => Ok(record),
            Some(Versioned::Differs) => Err(Error::Differs),
            Some(Versioned::Absent) => Err(Error::refused(Refusal::NotFound, format!("no schedule {id:?}"))),
            None => Err(Refusal::TooLate.into()),
        }
    }

    /// The time of the next schedule that waits, if any does.
    pub async fn next_schedule_due_ms(&self) -> Result<Option<u64>, Error> {
        Ok(self.0.store.next_schedule_due_ms().await?)
    }

    /// Takes the first schedules whose time has come: they can be neither changed nor cancelled from now on.
    pub async fn claim_schedules(&self, limit: u64) -> Result<Vec<ScheduleRecord>, Error> {
        Ok(self.0.store.claim_schedules(self.now_ms(), limit).await?)
    }

    /// Gives back what was taken and is not settled.
    pub async fn release_schedules(&self) -> Result<u64, Error> {
        Ok(self.0.store.release_schedules().await?)
    }

    /// Notes what became of schedules that were taken: the server's id of the message, or the code of its refusal.
    pub async fn settle_schedules(&self, settled: &[(u64, Result<String, String>)]) -> Result<(), Error> {
        Ok(self.0.store.settle_schedules(settled, self.now_ms()).await?)
    }

    /// Forgets schedules that were done so long ago.
    pub async fn trim_schedules(&self, age_ms: u64) -> Result<u64, Error> {
        let before_ms = self.now_ms().saturating_sub(age_ms);
        Ok(self.0.store.trim_schedules(before_ms).await?)
    }
}
