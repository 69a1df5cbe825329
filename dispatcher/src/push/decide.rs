//! Gathers what a decision needs, for some accounts at once, and keeps what was decided in one transaction.

use std::collections::{BTreeMap, HashMap};

use godwit_archive::{InboxQuery, Item};
use godwit_model::{AccountNo, DeviceNo, Mute, Refused};
use godwit_push::Kind;
use godwit_registry::{Account, Decision, LedgerLine, MuteSubject, Muted, Owed, PushDevice};

use super::Desk;
use super::decision::{Debt, Reader, decide};
use super::wanted::{Wanted, kind_word};
use crate::Dispatcher;
use crate::failure::of_registry;
use crate::message_facts::MessageFacts;

/// Entries read at once.
const PAGE: usize = 128;
const PAGE_BYTES: usize = 1024 * 1024;
/// Lines about messages that are owed no push, for one device and decision.
const LINES_MAX: usize = 32;

/// What is decided in one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Only calls, which do not wait for the grace.
    CallsOnly,
    /// Everything: the grace is over.
    Last,
}

/// A device that has not acknowledged everything.
struct Behind {
    device: DeviceNo,
    vendor: String,
    /// It has acknowledged, or it was decided, up to here.
    passed: u64,
    /// Nothing from before this is owed.
    since_ms: u64,
}

/// An account and what its readers wish.
struct Household {
    account: Account,
    wishes: godwit_model::PushWishes,
    mutes: Vec<Muted>,
}

impl Dispatcher {
    /// How far a device has acknowledged.
    pub(super) fn cursor(&self, device: DeviceNo) -> u64 {
        self.archive.device(device).map_or(0, |state| state.cursor)
    }

    /// Decides what the devices of these accounts are owed. `began_ms` is when the platform began to push: nothing from
    /// before is owed.
    pub(super) async fn decide_push(
        &self,
        desk: &Desk,
        accounts: &[AccountNo],
        (pass, began_ms): (Pass, u64),
    ) -> Result<(), Refused> {
        let mut decisions = Vec::new();
        for account in accounts {
            let head = self.archive.head(*account);
            let behind = self.behind(desk, *account, (pass, head)).await?;
            if behind.is_empty() {
                continue;
            }
            decisions.extend(
                self.decide_account(desk, *account, &behind, (pass, began_ms, head))
                    .await?,
            );
        }
        if pass == Pass::CallsOnly {
            decisions.retain(|decision: &Decision| !decision.owed.is_empty());
        }
        if decisions.is_empty() {
            return Ok(());
        }
        self.registry.keep_decisions(&decisions).await.map_err(of_registry)?;
        for decision in decisions.iter().filter(|decision| !decision.owed.is_empty()) {
            metrics::counter!("push_enqueued_total", "vendor" => decision.vendor.clone())
                .increment(decision.owed.len() as u64);
            desk.wake(&decision.vendor);
        }
        Ok(())
    }

    async fn behind(&self, desk: &Desk, account: AccountNo, (pass, head): (Pass, u64)) -> Result<Vec<Behind>, Refused> {
        let devices = self.registry.push_devices(account).await.map_err(of_registry)?;
        let here = self.hub.connected(account);
        let can_ring = |device: &&PushDevice| {
            // A device that is here may answer; a vendor that is not set cannot reach anybody.
            !(pass == Pass::CallsOnly && here.contains(&device.no)) && desk.wakes.contains_key(device.vendor.as_str())
        };
        let devices: Vec<&PushDevice> = devices.iter().filter(can_ring).collect();
        let numbers: Vec<DeviceNo> = devices.iter().map(|device| device.no).collect();
        if numbers.iter().all(|device| self.cursor(*device) >= head) {
            return Ok(Vec::new());
        }
        let marks = self.registry.push_marks(&numbers).await.map_err(of_registry)?;
        let behind = devices.into_iter().filter_map(|device| {
            let passed = self
                .cursor(device.no)
                .max(marks.get(&device.no).copied().unwrap_or_default());
            (passed < head).then(|| Behind {
                device: device.no,
                vendor: device.vendor.clone(),
                passed,
                since_ms: device.since_ms,
            })
        });
        Ok(behind.collect())
    }

    async fn decide_account(
        &self,
        desk: &Desk,
        no: AccountNo,
        behind: &[Behind],
        (pass, began_ms, head): (Pass, u64, u64),
    ) -> Result<Vec<Decision>, Refused> {
        let Some(home) = self.household(no).await? else {
            return Ok(Vec::new());
        };
        let mut books: Vec<Book> = behind.iter().map(|behind| Book::new(no, behind, pass)).collect();
        let mut after = behind.iter().map(|behind| behind.passed).min().unwrap_or(head);
        while after < head {
            let query = InboxQuery {
                after: Some(after),
                before: Some(head + 1),
                since_ms: Some(began_ms),
                conversation: None,
                limit: PAGE,
                bytes_max: PAGE_BYTES,
            };
            let page = self.read(move |archive| archive.inbox(no, &query)).await?;
            after = page.last().map_or(head, |item| item.seq);
            for item in &page {
                self.enter(desk, &home, item, &mut books);
            }
        }
        Ok(books.into_iter().map(|book| book.close(head)).collect())
    }

    async fn household(&self, no: AccountNo) -> Result<Option<Household>, Refused> {
        let Some(account) = self.registry.account_by_no(no).await.map_err(of_registry)? else {
            return Ok(None);
        };
        Ok(Some(Household {
            wishes: self.registry.push_wishes(no).await.map_err(of_registry)?,
            mutes: self.registry.mutes(no).await.map_err(of_registry)?,
            account,
        }))
    }

    /// Enters one message into the books of the devices that have not passed it.
    fn enter(&self, desk: &Desk, home: &Household, item: &Item, books: &mut [Book]) {
        let Some(conversation) = item.record.conversation else {
            return;
        };
        let facts = MessageFacts::of(&item.record);
        let mute = |subject| home.mute(subject);
        let reader = Reader {
            account: home.account.no,
            user: &home.account.user,
            wishes: &home.wishes,
            conversation_mute: mute(MuteSubject::Conversation(conversation)),
            sender_mute: mute(MuteSubject::Sender(item.record.sender)),
        };
        let debt = decide(
            &item.record,
            facts.as_ref(),
            &reader,
            (&desk.settings, self.clock.now_ms()),
        );
        if let Debt::None(reason) = &debt {
            metrics::counter!("push_suppressed_total", "reason" => reason.word()).increment(1);
        }
        let room = facts.and_then(|facts| facts.call).map(|call| call.room);
        let lane = match (&debt, room) {
            (Debt::StopRinging | Debt::Push { kind: Kind::Call, .. }, Some(room)) => call_lane(&room),
            _ => conversation.to_string(),
        };
        let entry = Entered {
            item,
            debt: &debt,
            lane: &lane,
            home,
            at_ms: self.clock.now_ms(),
        };
        for book in books.iter_mut().filter(|book| book.is_open_to(item)) {
            book.enter(&entry, desk.settings.ledger_not_due);
        }
    }
}

/// Whatever is said of one call is one lane, whoever says it where.
fn call_lane(room: &str) -> String {
    // A stranger's text: any length, any bytes.
    format!("call-{}", blake3::hash(room.as_bytes()).to_hex())
}

impl Household {
    fn mute(&self, subject: MuteSubject) -> Option<Mute> {
        let found = self.mutes.iter().find(|muted| muted.subject == subject);
        found.map(|muted| muted.mute)
    }
}

struct Entered<'a> {
    item: &'a Item,
    debt: &'a Debt,
    lane: &'a str,
    home: &'a Household,
    at_ms: u64,
}

/// What one device is owed, as it adds up.
struct Book {
    decision: Decision,
    passed: u64,
    since_ms: u64,
    pass: Pass,
    owed: BTreeMap<String, Owed>,
    /// The newest line for each lane and reason.
    lines: HashMap<(String, &'static str), LedgerLine>,
}

impl Book {
    fn new(account: AccountNo, behind: &Behind, pass: Pass) -> Self {
        Self {
            decision: Decision {
                device: behind.device,
                account,
                up_to: behind.passed,
                vendor: behind.vendor.clone(),
                owed: Vec::new(),
                lines: Vec::new(),
            },
            passed: behind.passed,
            since_ms: behind.since_ms,
            pass,
            owed: BTreeMap::new(),
            lines: HashMap::new(),
        }
    }

    fn is_open_to(&self, item: &Item) -> bool {
        self.passed < item.seq && self.since_ms <= item.record.server_time_ms
    }

    fn enter(&mut self, entry: &Entered<'_>, writes_lines: bool) {
        match entry.debt {
            Debt::None(reason) => {
                if writes_lines && self.pass == Pass::Last {
                    self.write(entry, reason.word());
                }
            }
            Debt::Push { kind, .. } if self.pass == Pass::CallsOnly && *kind != Kind::Call => {}
            Debt::Push {
                kind,
                class,
                priority,
                not_after_ms,
            } => {
                let wanted = Wanted {
                    kind: kind_word(*kind).to_owned(),
                    class: class.as_str().to_owned(),
                    seq: entry.item.seq,
                    conv_seq: entry.item.record.conv_seq,
                    server_id: entry.item.record.server_id.to_string(),
                    privacy: entry.home.wishes.privacy.as_str().to_owned(),
                    not_after_ms: *not_after_ms,
                    neutral: false,
                };
                self.owe(entry, (*priority, *not_after_ms), &wanted, false);
            }
            Debt::StopRinging => {
                let wanted = Wanted::withdrawal(entry.item.record.conv_seq);
                self.owe(entry, (i32::MAX, u64::MAX), &wanted, true);
            }
        }
    }

    fn owe(&mut self, entry: &Entered<'_>, (priority, not_after_ms): (i32, u64), wanted: &Wanted, withdraws: bool) {
        let before = self.owed.get(entry.lane);
        let messages = before.filter(|owed| !owed.withdraws).map_or(0, |owed| owed.messages);
        let owed = Owed {
            lane: entry.lane.to_owned(),
            priority: priority.max(before.filter(|_| !withdraws).map_or(i32::MIN, |owed| owed.priority)),
            seq: entry.item.seq,
            conv_seq: entry.item.record.conv_seq,
            messages: if withdraws { 0 } else { messages + 1 },
            wanted: wanted.text(),
            not_after_ms,
            withdraws,
        };
        self.owed.insert(entry.lane.to_owned(), owed);
    }

    fn write(&mut self, entry: &Entered<'_>, reason: &'static str) {
        let key = (entry.lane.to_owned(), reason);
        if self.lines.len() >= LINES_MAX && !self.lines.contains_key(&key) {
            return;
        }
        let line = LedgerLine {
            at_ms: entry.at_ms,
            tenant: entry.home.account.tenant,
            account: entry.home.account.no,
            device: self.decision.device,
            lane: entry.lane.to_owned(),
            seq: entry.item.seq,
            server_id: entry.item.record.server_id.to_string(),
            outcome: "not_due".to_owned(),
            code: reason.to_owned(),
            ..LedgerLine::default()
        };
        self.lines.insert(key, line);
    }

    fn close(mut self, head: u64) -> Decision {
        self.decision.owed = self.owed.into_values().collect();
        self.decision.lines = self.lines.into_values().collect();
        // Calls go ahead of what waits for the grace, and are decided once more with it: the same job.
        if self.pass == Pass::Last {
            self.decision.up_to = head;
        }
        self.decision
    }
}
