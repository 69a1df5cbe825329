//! What one device is owed, as it adds up message by message: one push for each conversation or call, and why not.

use std::collections::{BTreeMap, HashMap};

use godwit_archive::Item;
use godwit_model::AccountNo;
use godwit_push::Kind;
use godwit_registry::{Decision, LedgerLine, Owed};

use super::PushSettings;
use super::decision::{Debt, Reason};
use super::household::{Behind, Household, Pass};
use super::wanted::{Wanted, kind_word};

/// Lines about messages that are owed no push, for one device and decision.
const LINES_MAX: usize = 32;

/// One message as it is entered.
pub(super) struct Entered<'a> {
    pub(super) item: &'a Item,
    pub(super) debt: &'a Debt,
    pub(super) lane: &'a str,
    pub(super) home: &'a Household,
    pub(super) at_ms: u64,
}

/// What one device is owed, as it adds up.
pub(super) struct Book {
    decision: Decision,
    passed: u64,
    since_ms: u64,
    is_idle: bool,
    pass: Pass,
    owed: BTreeMap<String, Owed>,
    /// The newest line for each lane and reason.
    lines: HashMap<(String, &'static str), LedgerLine>,
}

impl Book {
    pub(super) fn new(account: AccountNo, behind: &Behind, pass: Pass) -> Self {
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
            is_idle: behind.is_idle,
            pass,
            owed: BTreeMap::new(),
            lines: HashMap::new(),
        }
    }

    pub(super) fn is_open_to(&self, item: &Item) -> bool {
        self.passed < item.seq && self.since_ms <= item.record.server_time_ms
    }

    pub(super) fn enter(&mut self, entry: &Entered<'_>, settings: &PushSettings) {
        match entry.debt {
            Debt::None(reason) => self.refuse(entry, *reason, settings),
            Debt::Push { .. } if self.is_idle => self.refuse(entry, Reason::Idle, settings),
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
                    recalled: false,
                };
                self.owe(entry, (*priority, *not_after_ms), &wanted, false);
                self.hold(entry, *kind);
            }
            Debt::StopRinging => {
                let wanted = Wanted::withdrawal(entry.item.record.conv_seq);
                self.owe(entry, (i32::MAX, u64::MAX), &wanted, true);
            }
            Debt::TakeBack { conv_seq } if self.pass == Pass::Last => self.take_back(entry, *conv_seq, settings),
            Debt::TakeBack { .. } => {}
        }
    }

    /// A desktop that is here and has the message keeps the phone from ringing for a while.
    fn hold(&mut self, entry: &Entered<'_>, kind: Kind) {
        let is_there = entry.home.desktops_up_to >= entry.item.seq && entry.home.desktops_up_to > 0;
        if let Some(owed) = self.owed.get_mut(entry.lane)
            && is_there
            && kind == Kind::Alert
        {
            owed.hold_ms = u64::from(entry.home.wishes.desktop_hold_s) * 1_000;
        }
    }

    /// A message was taken back. What is owed and not sent is looked at again when it is sent.
    fn take_back(&mut self, entry: &Entered<'_>, conv_seq: u64, settings: &PushSettings) {
        if self.owed.contains_key(entry.lane) {
            return;
        }
        let conversation = entry.item.record.conversation;
        let unread = conversation.and_then(|conversation| entry.home.unread.get(&conversation).copied());
        let unread = unread.unwrap_or_default();
        let not_after_ms = entry.item.record.server_time_ms.saturating_add(settings.message_ms);
        let wanted = Wanted::recall((entry.item.seq, conv_seq), unread, not_after_ms);
        self.owe(entry, (i32::MAX, not_after_ms), &wanted, unread == 0);
        if let Some(owed) = self.owed.get_mut(entry.lane) {
            owed.in_place_of = Some(conv_seq);
            owed.conv_seq = conv_seq;
            owed.messages = u32::try_from(unread).unwrap_or(u32::MAX);
        }
    }

    fn refuse(&mut self, entry: &Entered<'_>, reason: Reason, settings: &PushSettings) {
        if settings.ledger_not_due && self.pass == Pass::Last {
            self.write(entry, reason.word());
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
            in_place_of: None,
            hold_ms: 0,
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

    pub(super) fn close(mut self, head: u64) -> Decision {
        self.decision.owed = self.owed.into_values().collect();
        self.decision.lines = self.lines.into_values().collect();
        // Calls go ahead of what waits for the grace, and are decided once more with it: the same job.
        if self.pass == Pass::Last {
            self.decision.up_to = head;
        }
        self.decision
    }
}
