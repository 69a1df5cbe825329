//! Why a phone did not ring: the questions in the order in which the platform asks them, ending in one of four verdicts.

use godwit_archive::InboxQuery;
use godwit_model::{AccountNo, PushClass, Refusal, Refused, ServerId};
use godwit_registry::{Account, Device, LedgerLine, LedgerQuery, MuteSubject, NEVER_MS, PushJob, RECEIPT};
use serde::Serialize;

use crate::Dispatcher;
use crate::failure::of_registry;
use crate::message_facts::MessageFacts;
use crate::zones;

/// Lines of the ledger that are looked at.
const LINES: u64 = 200;
/// Entries read at once, when a message is looked for.
const PAGE: usize = 64;

/// What it comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// No push was owed.
    NotDue,
    /// One was owed, and the platform has not brought it to the vendor.
    OurFault,
    /// The vendor did not take it.
    VendorRefused,
    /// The vendor has it: look at the phone.
    VendorAccepted,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the wire calls it so")]
pub struct Check {
    /// What was asked.
    pub check: &'static str,
    /// Whether it speaks for a push.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// The answer for one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// Which device.
    pub device_id: String,
    /// The questions, in order; the last one decided.
    pub checks: Vec<Check>,
    /// What it comes down to.
    pub verdict: Verdict,
}

/// The answer as it grows.
struct Asking {
    device_id: String,
    checks: Vec<Check>,
}

impl Asking {
    /// Notes an answer; `Some` where it decides.
    fn ask(&mut self, check: &'static str, ok: bool, detail: impl Into<String>) -> bool {
        self.checks.push(Check {
            check,
            ok,
            detail: detail.into(),
        });
        ok
    }

    fn end(self, verdict: Verdict) -> Why {
        Why {
            device_id: self.device_id,
            checks: self.checks,
            verdict,
        }
    }
}

/// What the vendor reported later, newest first: a phone that has it speaks louder than one that has not.
fn ask_receipts(asking: &mut Asking, receipts: &[LedgerLine]) -> Verdict {
    let has_it = |line: &&LedgerLine| matches!(line.outcome.as_str(), "delivered" | "clicked");
    let Some(line) = receipts.iter().find(has_it).or(receipts.first()) else {
        return Verdict::VendorAccepted;
    };
    let said = format!(
        "{} reported at {} ms: {} {}",
        line.vendor, line.at_ms, line.outcome, line.code
    );
    asking.ask("receipt", has_it(&line), said.trim().to_owned());
    match line.outcome.as_str() {
        "token_invalid" | "over_quota" | "not_delivered" => Verdict::VendorRefused,
        _ => Verdict::VendorAccepted,
    }
}

impl Dispatcher {
    /// Says for each device of an account why it rang or did not, for one message of its inbox or the newest.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a message that is not in the inbox.
    pub async fn why(&self, account: &Account, message: Option<ServerId>) -> Result<Vec<Why>, Refused> {
        let devices = self.registry.devices_of(account.no).await.map_err(of_registry)?;
        let seq = match message {
            Some(id) => self.seq_of(account.no, id).await?,
            None => self.archive.head(account.no),
        };
        let mut answers = Vec::with_capacity(devices.len());
        for device in devices {
            answers.push(self.why_device(account, &device, seq).await?);
        }
        Ok(answers)
    }

    /// The number of a message in an inbox.
    pub(crate) async fn seq_of(&self, account: AccountNo, id: ServerId) -> Result<u64, Refused> {
        let none = || Refused::new(Refusal::NotFound, format!("no message {id} in this inbox"));
        let record = self.read(move |archive| archive.message(id)).await?.ok_or_else(none)?;
        let mut query = InboxQuery {
            after: None,
            before: None,
            since_ms: Some(record.server_time_ms),
            conversation: record.conversation,
            limit: PAGE,
            bytes_max: usize::MAX,
        };
        loop {
            let asked = query;
            let page = self.read(move |archive| archive.inbox(account, &asked)).await?;
            if let Some(item) = page.iter().find(|item| item.record.server_id == id) {
                return Ok(item.seq);
            }
            // Ids follow one another as times do.
            let last = page
                .last()
                .filter(|last| last.record.server_time_ms <= record.server_time_ms);
            query.after = Some(last.ok_or_else(none)?.seq);
        }
    }

    async fn why_device(&self, account: &Account, device: &Device, seq: u64) -> Result<Why, Refused> {
        let mut asking = Asking {
            device_id: device.device_id.to_string(),
            checks: Vec::new(),
        };
        let record = self.entry(account.no, seq).await?;
        let facts = record.as_deref().and_then(MessageFacts::of);
        let what = facts
            .as_ref()
            .map_or("nothing is there, or its content is gone".to_owned(), |facts| {
                format!(
                    "entry {seq} is a message of type {} from {}",
                    facts.type_name, facts.author
                )
            });
        let (true, Some(record), Some(facts)) = (asking.ask("message", facts.is_some(), what), record, facts) else {
            return Ok(asking.end(Verdict::NotDue));
        };
        if !self.ask_device(&mut asking, device, seq).await? {
            return Ok(asking.end(Verdict::NotDue));
        }
        let pushes = match facts.class {
            PushClass::Ring => true,
            PushClass::Notify => !facts.is_background,
            PushClass::Quiet | PushClass::StopRinging => false,
        } && record.sender != account.no;
        let class = format!(
            "class {}, isBackground {}, sent by {}",
            facts.class.as_str(),
            facts.is_background,
            facts.author
        );
        if !asking.ask("type", pushes, class) {
            return Ok(asking.end(Verdict::NotDue));
        }
        self.ask_wishes(&mut asking, account, &record).await?;
        let lines = self.lines_about(account, device, &record).await?;
        self.judge(asking, (device, &record), (seq, lines)).await
    }

    async fn ask_device(&self, asking: &mut Asking, device: &Device, seq: u64) -> Result<bool, Refused> {
        if !asking.ask(
            "switch",
            device.push_enabled,
            if device.push_enabled {
                "push is on"
            } else {
                "push is off"
            },
        ) {
            return Ok(false);
        }
        let tokens = self.registry.push_tokens(device.no).await.map_err(of_registry)?;
        let vendors: Vec<&str> = tokens.iter().map(|token| token.push.vendor.as_str()).collect();
        let told = if vendors.is_empty() {
            self.told_no_token(device).await?
        } else {
            vendors.join(", ")
        };
        if !asking.ask("token", !vendors.is_empty(), told) {
            return Ok(false);
        }
        let cursor = self.cursor(device.no);
        let here = self.hub.connected(device.account.no).contains(&device.no);
        let received = format!(
            "it has acknowledged up to {cursor}, and is {}",
            if here { "here" } else { "away" }
        );
        // A push may have been sent before it came back: the ledger knows.
        asking.ask("received", cursor < seq, received);
        Ok(true)
    }

    async fn told_no_token(&self, device: &Device) -> Result<String, Refused> {
        let retired = self
            .registry
            .retired_push_tokens(device.no)
            .await
            .map_err(of_registry)?;
        Ok(retired.last().map_or_else(
            || "it told no token".to_owned(),
            |retired| {
                let (vendor, at_ms, reason) = (&retired.vendor, retired.retired_at_ms, &retired.reason);
                format!("{vendor} called its token dead at {at_ms} ms ({reason}); it lives again when the app tells it")
            },
        ))
    }

    async fn ask_wishes(
        &self,
        asking: &mut Asking,
        account: &Account,
        record: &godwit_archive::Record,
    ) -> Result<(), Refused> {
        let now_ms = self.clock.now_ms();
        let mutes = self.registry.mutes(account.no).await.map_err(of_registry)?;
        let holds = |subject| {
            mutes
                .iter()
                .any(|muted| muted.subject == subject && muted.mute.holds(now_ms))
        };
        let is_muted = record
            .conversation
            .is_some_and(|conversation| holds(MuteSubject::Conversation(conversation)))
            || holds(MuteSubject::Sender(record.sender));
        asking.ask("mute", !is_muted, if is_muted { "muted now" } else { "not muted now" });
        let wishes = self.registry.push_wishes(account.no).await.map_err(of_registry)?;
        let is_quiet = wishes.quiet.is_some_and(|quiet| zones::is_quiet(&quiet, now_ms));
        asking.ask(
            "quietHours",
            !is_quiet,
            if is_quiet {
                "it is quiet now"
            } else {
                "it is not quiet now"
            },
        );
        Ok(())
    }

    /// What the ledger says of a message at a device, newest first; a later push of its conversation stands for it too.
    async fn lines_about(
        &self,
        account: &Account,
        device: &Device,
        record: &godwit_archive::Record,
    ) -> Result<Vec<LedgerLine>, Refused> {
        let query = LedgerQuery {
            tenant: account.tenant,
            account: Some(account.no),
            limit: LINES,
            ..LedgerQuery::default()
        };
        let lines = self.registry.push_ledger(&query).await.map_err(of_registry)?;
        let lane = record
            .conversation
            .map(|conversation| conversation.to_string())
            .unwrap_or_default();
        let server_id = record.server_id.to_string();
        let stands_for = |line: &LedgerLine| {
            line.device == device.no && line.kind != "withdraw" && (line.server_id == server_id || line.lane == lane)
        };
        Ok(lines.into_iter().filter(stands_for).collect())
    }

    async fn is_read(&self, device: &Device, record: &godwit_archive::Record) -> Result<bool, Refused> {
        let Some(conversation) = record.conversation else {
            return Ok(false);
        };
        let state = self.registry.conversation_state(device.account.no, conversation).await;
        let state = state.map_err(of_registry)?;
        Ok(state.is_some_and(|state| state.read_up_to >= record.conv_seq))
    }

    async fn judge(
        &self,
        mut asking: Asking,
        (device, record): (&Device, &godwit_archive::Record),
        (seq, lines): (u64, Vec<LedgerLine>),
    ) -> Result<Why, Refused> {
        let (receipts, lines): (Vec<_>, Vec<_>) = lines
            .into_iter()
            .filter(|line| line.seq >= seq)
            .partition(|line| line.kind == RECEIPT);
        let newest = lines.first();
        if let Some(line) = lines.iter().rev().find(|line| line.outcome == "accepted") {
            let detail = format!("{} took it at {} ms as {}", line.vendor, line.at_ms, line.push_id);
            asking.ask("vendor", true, detail);
            let verdict = ask_receipts(&mut asking, &receipts);
            return Ok(asking.end(verdict));
        }
        if let Some(line) = newest {
            let detail = format!("{} {}: {} {}", line.vendor, line.outcome, line.code, line.detail);
            let verdict = match line.outcome.as_str() {
                "not_due" | "dropped" => Verdict::NotDue,
                "misconfigured" => Verdict::OurFault,
                _ => Verdict::VendorRefused,
            };
            asking.ask("ledger", false, detail.trim().to_owned());
            return Ok(asking.end(verdict));
        }
        let jobs = self
            .registry
            .push_jobs_of(device.account.no)
            .await
            .map_err(of_registry)?;
        let lane = record.conversation.map(|conversation| conversation.to_string());
        // A call has a lane of its own.
        let is_about = |job: &&PushJob| job.seq == seq || job.seq > seq && Some(&job.lane) == lane.as_ref();
        let mut waiting = jobs
            .iter()
            .filter(|job| job.device == device.no && job.due_at_ms < NEVER_MS);
        let job = waiting.find(is_about);
        let (verdict, detail) = match (job, self.cursor(device.no) >= seq, self.push.desk()) {
            (Some(job), _, _) => {
                let detail = format!(
                    "a job for {} waits until {} ms, after {} attempts",
                    job.vendor, job.due_at_ms, job.attempts
                );
                (Verdict::OurFault, detail)
            }
            (None, true, _) => (Verdict::NotDue, "it came before a push was due".to_owned()),
            (None, false, _) if self.is_read(device, record).await? => (
                Verdict::NotDue,
                "it was read on another device before it was sent".to_owned(),
            ),
            (None, false, None) => (Verdict::OurFault, "no vendor is set: vendor push is off".to_owned()),
            (None, false, Some(_)) => (
                Verdict::OurFault,
                "nothing was decided yet; the grace may still run".to_owned(),
            ),
        };
        asking.ask("job", false, detail);
        Ok(asking.end(verdict))
    }
}
