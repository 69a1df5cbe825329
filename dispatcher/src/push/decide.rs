//! Gathers what a decision needs, for some accounts at once, and keeps what was decided in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use godwit_archive::{InboxQuery, Item};
use godwit_model::{AccountNo, DeviceNo, OsKind, Refused};
use godwit_push::Kind;
use godwit_registry::{Decision, MuteSubject, PushDevice};

use super::Desk;
use super::book::{Book, Entered};
use super::decision::{Debt, Reader, decide};
use super::household::{Behind, Household, Pass};
use crate::Dispatcher;
use crate::failure::of_registry;
use crate::message_facts::MessageFacts;

/// Entries read at once.
const PAGE: usize = 128;
const PAGE_BYTES: usize = 1024 * 1024;

/// The devices of one account that have not acknowledged everything.
struct Late {
    /// How far its inbox reaches.
    head: u64,
    devices: Vec<Behind>,
}

impl Dispatcher {
    /// How far a device has acknowledged.
    pub(crate) fn cursor(&self, device: DeviceNo) -> u64 {
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
        let behind = self.behind(desk, accounts, pass).await?;
        if behind.is_empty() {
            return Ok(());
        }
        let mut homes = self.households(&behind.keys().copied().collect::<Vec<_>>()).await?;
        let mut decisions = Vec::new();
        for (no, behind) in &behind {
            if let Some(home) = homes.get_mut(no) {
                decisions.extend(self.decide_account(desk, home, behind, (pass, began_ms)).await?);
            }
        }
        if pass == Pass::CallsOnly {
            decisions.retain(|decision: &Decision| !decision.owed.is_empty());
        }
        if decisions.is_empty() {
            return Ok(());
        }
        // What is owed a push will ask for the badge: one change for all is cheaper than one for each.
        let owed = decisions.iter().filter(|decision| !decision.owed.is_empty());
        let badges: BTreeSet<AccountNo> = owed.map(|decision| decision.account).collect();
        self.count_ahead(&badges.into_iter().collect::<Vec<_>>()).await?;
        self.registry.keep_decisions(&decisions).await.map_err(of_registry)?;
        for decision in decisions.iter().filter(|decision| !decision.owed.is_empty()) {
            metrics::counter!("push_enqueued_total", "vendor" => decision.vendor.clone())
                .increment(decision.owed.len() as u64);
            desk.wake(&decision.vendor);
        }
        Ok(())
    }

    /// The accounts that have devices which have not acknowledged everything.
    async fn behind(
        &self,
        desk: &Desk,
        accounts: &[AccountNo],
        pass: Pass,
    ) -> Result<BTreeMap<AccountNo, Late>, Refused> {
        let devices = self.registry.push_devices_of(accounts).await.map_err(of_registry)?;
        let mut late = BTreeMap::new();
        for (account, devices) in &devices {
            let head = self.archive.head(*account);
            let here = self.hub.connected(*account);
            let can_ring = |device: &&PushDevice| {
                // A device that is here may answer; a vendor that is not set cannot reach anybody.
                let is_set = |(vendor, _): &(String, u64)| desk.wakes.contains_key(vendor.as_str());
                !(pass == Pass::CallsOnly && here.contains(&device.no)) && device.vendors.iter().any(is_set)
            };
            let devices: Vec<&PushDevice> = devices.iter().filter(can_ring).collect();
            if devices.iter().any(|device| self.cursor(device.no) < head) {
                late.insert(*account, (head, devices));
            }
        }
        let numbers = late
            .values()
            .flat_map(|(_, devices)| devices.iter().map(|device| device.no));
        let marks = self.registry.push_marks(&numbers.collect::<Vec<_>>()).await;
        let marks = marks.map_err(of_registry)?;
        let mut behind = BTreeMap::new();
        for (account, (head, devices)) in late {
            let devices = devices.into_iter().filter_map(|device| {
                let decided = marks.get(&device.no).copied().unwrap_or_default();
                let passed = self.cursor(device.no).max(decided);
                (passed < head).then(|| self.device_behind(desk, device, passed))
            });
            let devices: Vec<Behind> = devices.collect();
            if !devices.is_empty() {
                behind.insert(account, Late { head, devices });
            }
        }
        Ok(behind)
    }

    fn device_behind(&self, desk: &Desk, device: &PushDevice, passed: u64) -> Behind {
        let awake = self.awake_vendor(desk, device);
        let first = device.vendors.first().map(|(vendor, _)| vendor.as_str());
        Behind {
            device: device.no,
            vendor: awake.or(first).unwrap_or_default().to_owned(),
            is_idle: awake.is_none(),
            passed,
            since_ms: device.since_ms,
        }
    }

    /// The first vendor of a device that is set and may still reach it. Signs of life are a token that is told, as at every
    /// start of the app, and a session.
    pub(super) fn awake_vendor<'a>(&self, desk: &Desk, device: &'a PushDevice) -> Option<&'a str> {
        let session = self.archive.device(device.no).and_then(|state| state.session);
        let seen_ms = session.map_or(0, |session| match session.ended_at_ms {
            0 => u64::MAX,
            ended_at_ms => ended_at_ms,
        });
        let now_ms = self.clock.now_ms();
        let is_awake = |(vendor, told_ms): &&(String, u64)| {
            let idle_ms = desk.settings.idle_ms.get(vendor.as_str()).copied().unwrap_or(u64::MAX);
            desk.wakes.contains_key(vendor.as_str()) && now_ms.saturating_sub(seen_ms.max(*told_ms)) < idle_ms
        };
        device.vendors.iter().find(is_awake).map(|(vendor, _)| vendor.as_str())
    }

    async fn decide_account(
        &self,
        desk: &Desk,
        home: &mut Household,
        late: &Late,
        (pass, began_ms): (Pass, u64),
    ) -> Result<Vec<Decision>, Refused> {
        let (no, head) = (home.account.no, late.head);
        let devices = late.devices.iter();
        let mut books: Vec<Book> = devices.map(|behind| Book::new(no, behind, pass)).collect();
        let mut after = late.devices.iter().map(|behind| behind.passed).min().unwrap_or(head);
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
            self.count_after_recalls(home, &page).await?;
            for item in &page {
                self.enter(desk, home, item, &mut books);
            }
        }
        Ok(books.into_iter().map(|book| book.close(head)).collect())
    }

    async fn households(&self, numbers: &[AccountNo]) -> Result<HashMap<AccountNo, Household>, Refused> {
        let accounts = self.registry.accounts_of_numbers(numbers).await;
        let wishes = self.registry.push_wishes_of(numbers).await;
        let mutes = self.registry.mutes_of(numbers).await;
        let (mut wishes, mut mutes) = (wishes.map_err(of_registry)?, mutes.map_err(of_registry)?);
        let mut homes = HashMap::with_capacity(numbers.len());
        for account in accounts.map_err(of_registry)? {
            let wishes = wishes.remove(&account.no).unwrap_or_default();
            let desktops_up_to = if wishes.desktop_hold_s > 0 {
                self.desktops_up_to(account.no).await?
            } else {
                0
            };
            let mut mutes = mutes.remove(&account.no).unwrap_or_default();
            mutes.extend(self.silenced_for(&account).await?);
            let home = Household {
                mutes,
                wishes,
                desktops_up_to,
                unread: HashMap::new(),
                account,
            };
            homes.insert(home.account.no, home);
        }
        Ok(homes)
    }

    /// How far the desktops of an account that are here have acknowledged; 0 without one.
    async fn desktops_up_to(&self, account: AccountNo) -> Result<u64, Refused> {
        let mut up_to = 0;
        for no in self.hub.connected(account) {
            let device = self.registry.device_by_no(no).await.map_err(of_registry)?;
            if device.is_some_and(|device| matches!(device.os, OsKind::Web | OsKind::Windows)) {
                up_to = up_to.max(self.cursor(no));
            }
        }
        Ok(up_to)
    }

    /// Where something was taken back, the phone shows what else is unread there.
    async fn count_after_recalls(&self, home: &mut Household, page: &[Item]) -> Result<(), Refused> {
        for item in page {
            let facts = MessageFacts::of(&item.record);
            let is_recall = facts.is_some_and(|facts| facts.withdrawn().is_some());
            let Some(conversation) = item.record.conversation.filter(|_| is_recall) else {
                continue;
            };
            if home.unread.contains_key(&conversation) {
                continue;
            }
            self.count_unread(home.account.no).await?;
            let state = self.registry.conversation_state(home.account.no, conversation).await;
            let unread = state.map_err(of_registry)?.map_or(0, |state| state.unread);
            home.unread.insert(conversation, unread);
        }
        Ok(())
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
            book.enter(&entry, &desk.settings);
        }
    }
}

/// Whatever is said of one call is one lane, whoever says it where.
fn call_lane(room: &str) -> String {
    // A stranger's text: any length, any bytes.
    format!("call-{}", blake3::hash(room.as_bytes()).to_hex())
}
