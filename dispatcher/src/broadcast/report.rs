//! What became of a broadcast at those it was sent to, counted from what is stored.

use std::sync::PoisonError;
use std::time::Duration;

use godwit_model::{AccountNo, ConversationKey, Refused, ServerId};
use godwit_registry::{App, BroadcastRecord};
use tokio::time::Instant;

use crate::Dispatcher;
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;

/// Pages asked for at once.
const PAGES: u64 = 100;
/// Reports that are remembered.
const REPORTS_MAX: usize = 64;
/// A report that took so long to count is as good as new for twice that long.
const GOOD_FOR: u32 = 2;

/// What became of a broadcast, as it was when it was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastReport {
    /// Accounts it was sent to: it is in their inboxes.
    pub targets: u64,
    /// Accounts of which a device has acknowledged it.
    pub delivered: u64,
    /// Accounts that said it was read.
    pub read: u64,
    /// Accounts for which a push vendor took a push about it.
    pub pushed: u64,
    /// Accounts for which a push was tried, and no vendor has taken it so far.
    pub failed: u64,
    /// When this was counted, in milliseconds since 1970.
    pub counted_at_ms: u64,
}

/// A report, and until when it is good.
pub(super) struct Kept {
    report: BroadcastReport,
    good_until: Instant,
}

impl Dispatcher {
    /// Counts what became of a broadcast. Large ones take a while: the count goes on when the caller has gone, and is
    /// there for who asks again.
    pub async fn broadcast_report(&self, app: &App, id: &str) -> Result<BroadcastReport, Refused> {
        let record = self.broadcast(app, id).await?;
        let dispatcher = self.clone();
        to_the_end(async move { dispatcher.report(&record).await }).await
    }

    async fn report(&self, record: &BroadcastRecord) -> Result<BroadcastReport, Refused> {
        // It is never closed.
        let _turn = self.broadcasts.counting.acquire().await.ok();
        let kept = |reports: &std::collections::BTreeMap<u64, Kept>| {
            let kept = reports.get(&record.no).filter(|kept| kept.good_until > Instant::now());
            kept.map(|kept| kept.report)
        };
        let reports = &self.broadcasts.reports;
        if let Some(report) = kept(&reports.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(report);
        }
        let began = Instant::now();
        let report = self.count_report(record).await?;
        let took: Duration = began.elapsed();
        let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.len() >= REPORTS_MAX {
            reports.pop_first();
        }
        let good_until = Instant::now() + took * GOOD_FOR;
        reports.insert(record.no, Kept { report, good_until });
        Ok(report)
    }

    async fn count_report(&self, record: &BroadcastRecord) -> Result<BroadcastReport, Refused> {
        let conversation = ConversationKey::broadcast(record.asked.tenant, record.asked.app);
        let mut report = BroadcastReport {
            counted_at_ms: self.clock.now_ms(),
            ..BroadcastReport::default()
        };
        let mut from = 0;
        loop {
            let ids = self.registry.broadcast_pages(record.no, from, PAGES).await;
            let ids = ids.map_err(of_registry)?;
            for id in &ids {
                self.count_page(id, conversation, &mut report).await?;
            }
            from += ids.len() as u64;
            if (ids.len() as u64) < PAGES {
                return Ok(report);
            }
        }
    }

    async fn count_page(
        &self,
        server_id: &str,
        conversation: ConversationKey,
        report: &mut BroadcastReport,
    ) -> Result<(), Refused> {
        let Ok(id) = server_id.parse::<ServerId>() else {
            return Ok(());
        };
        // Retention may have let go of it: then nothing is known of it any more.
        let Some(record) = self.read(move |archive| archive.message(id)).await? else {
            return Ok(());
        };
        let numbers = self.numbers_of(id).await?;
        let accounts: Vec<AccountNo> = numbers.iter().map(|(account, _)| *account).collect();
        report.targets += accounts.len() as u64;
        report.delivered += self.count_delivered(&numbers, &accounts).await?;
        let readers = self.registry.count_readers(conversation, record.conv_seq, &accounts);
        report.read += readers.await.map_err(of_registry)?;
        let outcomes = self.registry.push_outcomes(server_id).await.map_err(of_registry)?;
        let (pushed, failed) = count_pushed(outcomes);
        report.pushed += pushed;
        report.failed += failed;
        Ok(())
    }

    /// The number of a message in each inbox it is in; 0 where it is not numbered yet.
    async fn numbers_of(&self, id: ServerId) -> Result<Vec<(AccountNo, u64)>, Refused> {
        if let Some(numbers) = self.read(move |archive| archive.numbers(id)).await? {
            return Ok(numbers);
        }
        // It lined up behind a message of the same conversation, and was numbered after its commit.
        let mut numbers = Vec::new();
        for account in self.read(move |archive| archive.recipients(id)).await? {
            numbers.push((account, self.seq_of(account, id).await.unwrap_or(0)));
        }
        Ok(numbers)
    }

    async fn count_delivered(&self, numbers: &[(AccountNo, u64)], accounts: &[AccountNo]) -> Result<u64, Refused> {
        let devices = self.registry.devices_of_all(accounts).await.map_err(of_registry)?;
        let seq_of = |account: AccountNo| {
            let at = numbers.binary_search_by_key(&account, |(account, _)| *account);
            at.map_or(0, |at| numbers[at].1)
        };
        let has = |(account, device): &(AccountNo, godwit_model::DeviceNo)| {
            let seq = seq_of(*account);
            seq > 0 && self.cursor(*device) >= seq
        };
        let mut reached: Vec<AccountNo> = devices
            .iter()
            .filter(|pair| has(pair))
            .map(|(account, _)| *account)
            .collect();
        reached.sort_unstable();
        reached.dedup();
        Ok(reached.len() as u64)
    }
}

/// How many accounts a vendor took a push for, and for how many none did.
fn count_pushed(mut outcomes: Vec<(AccountNo, String)>) -> (u64, u64) {
    outcomes.sort_unstable();
    let (mut pushed, mut failed) = (0, 0);
    for lines in outcomes.chunk_by(|one, other| one.0 == other.0) {
        if lines.iter().any(|(_, outcome)| outcome == "accepted") {
            pushed += 1;
        } else {
            failed += 1;
        }
    }
    (pushed, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_pushed_once_however_often_it_was_tried() {
        let line = |account: u64, outcome: &str| (AccountNo(account), outcome.to_owned());
        let lines = vec![
            line(1, "retry"),
            line(2, "accepted"),
            line(1, "accepted"),
            line(3, "refused"),
        ];
        assert_eq!(count_pushed(lines), (2, 1));
    }
}
