//! The power goes at a random change of the disk, with all that was not synced lost or torn: whatever was acknowledged
//! is there, numbers have no gaps, a resent draft is still the same message, and what was taken back stays gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use godwit_archive::{
    ConversationQuery, DeviceState, Entry, GoneReason, Receipt, Record, RecordKind, Settings, SimulatedDisk,
};
use godwit_model::{AccountNo, DeviceNo};

#[expect(dead_code, reason = "shared with the contract suite, which uses all of it")]
#[path = "contract/stage.rs"]
mod stage;

use stage::{Stage, conv_seqs, group, keyed, message, small, wait};

/// Runs, each with its own seed. More find more.
const SEEDS: u64 = 300;
/// Power cuts of one run.
const CUTS: u64 = 3;

const ACCOUNTS: u64 = 12;
const CONVERSATIONS: u64 = 4;
/// Recipients of a fan-out: all accounts and many that get nothing else.
const MANY: u64 = 1_100;

/// A small seeded generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What was promised so far.
#[derive(Default)]
struct Promises {
    drafts: BTreeMap<u64, Draft>,
    next_draft: u64,
    cursor: u64,
    saved: Option<DeviceState>,
}

#[derive(Clone)]
struct Draft {
    conversation: u64,
    recipients: Vec<u64>,
    bytes: usize,
    /// The receipt, if it was acknowledged.
    receipt: Option<Receipt>,
    mark: Mark,
}

/// Whether a message was taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Never,
    /// Nobody said whether it was.
    Asked,
    /// That was acknowledged, or seen after a start.
    Made,
}

impl Draft {
    /// Whether a record is what the draft became.
    fn is(&self, found: &Record) -> bool {
        let Some(first) = &self.receipt else { return false };
        let gone = Record {
            kind: RecordKind::Gone(GoneReason::Erased),
            body: Bytes::new(),
            ..Record::clone(&first.record)
        };
        match self.mark {
            Mark::Never => *found == *first.record,
            Mark::Asked => *found == *first.record || *found == gone,
            Mark::Made => *found == gone,
        }
    }

    fn entry(&self, number: u64) -> Entry {
        let mut body = format!("draft {number} ").into_bytes();
        body.resize(self.bytes.max(body.len()), b'.');
        keyed(
            message(self.conversation, self.recipients.iter().copied(), body),
            number.into(),
            1,
        )
    }
}

fn random_draft(random: &mut Random) -> Draft {
    let many = random.below(40) == 0;
    let recipients = if many {
        (1..=MANY).collect()
    } else {
        (1..=ACCOUNTS).filter(|_| random.below(4) == 0).collect()
    };
    let bytes = [20, 200, 3_000, 12_000][usize::try_from(random.below(4)).expect("small")];
    Draft {
        conversation: random.below(CONVERSATIONS),
        recipients,
        bytes,
        receipt: None,
        mark: Mark::Never,
    }
}

/// Sends until the power goes, or for a while.
fn work(stage: &Stage, random: &mut Random, promises: &mut Promises) {
    for _ in 0..60 {
        let mut sent = Vec::new();
        for _ in 0..=random.below(6) {
            // Now and then a draft comes again, acknowledged or not.
            let again = promises.next_draft > 0 && random.below(5) == 0;
            let number = if again {
                random.below(promises.next_draft)
            } else {
                promises.next_draft
            };
            let draft = promises
                .drafts
                .entry(number)
                .or_insert_with(|| random_draft(random))
                .clone();
            promises.next_draft = promises.next_draft.max(number + 1);
            let Ok(pending) = stage.archive.append(draft.entry(number)) else {
                return;
            };
            sent.push((number, pending));
        }
        for (number, pending) in sent {
            let Ok(receipt) = wait(pending) else { continue };
            promise(promises.drafts.get_mut(&number).expect("just sent"), receipt);
        }
        device(stage, random, promises);
        take_back(stage, random, promises);
    }
}

/// Takes an acknowledged message back, and now and then all those off the disk.
fn take_back(stage: &Stage, random: &mut Random, promises: &mut Promises) {
    if random.below(3) == 0 {
        let number = random.below(promises.next_draft);
        let draft = promises.drafts.get_mut(&number).expect("numbers have no gaps");
        if let Some(first) = &draft.receipt
            && let Ok(told) = stage
                .archive
                .withdraw(first.record.server_id, GoneReason::Erased, notice(number))
        {
            let made = wait(told).is_ok();
            draft.mark = if made || draft.mark == Mark::Made {
                Mark::Made
            } else {
                Mark::Asked
            };
        }
    }
    if random.below(24) == 0 {
        // A disk that goes off meanwhile refuses.
        let _ = stage.archive.rewrite_now();
    }
}

/// Tells account 1 of the end of a draft.
fn notice(number: u64) -> Entry {
    keyed(
        message(CONVERSATIONS, [1], format!("end of {number}")),
        u128::MAX - u128::from(number),
        0,
    )
}

fn promise(draft: &mut Draft, receipt: Receipt) {
    match &draft.receipt {
        None => draft.receipt = Some(receipt),
        Some(first) => assert_same(draft, first, &receipt),
    }
}

fn assert_same(draft: &Draft, first: &Receipt, second: &Receipt) {
    let numbers = |receipt: &Receipt| (receipt.sender_seq, receipt.recipients);
    assert_eq!(numbers(first), numbers(second));
    assert!(draft.is(&second.record), "{:?}", second.record);
    assert!(second.duplicate);
}

fn device(stage: &Stage, random: &mut Random, promises: &mut Promises) {
    stage
        .archive
        .move_cursor(DeviceNo(1), AccountNo(1), stage.archive.head(AccountNo(1)));
    if random.below(4) == 0 {
        let cursor = stage.archive.head(AccountNo(2));
        let state = DeviceState {
            account: AccountNo(2),
            cursor,
            session: None,
        };
        let Ok(saved) = stage.archive.save_device(DeviceNo(2), state) else {
            return;
        };
        if wait(saved).is_ok() {
            // The cursor of the other device rode this commit or an earlier one.
            promises.saved = Some(state);
            promises.cursor = stage.archive.device(DeviceNo(1)).map_or(0, |state| state.cursor);
        }
    }
}

/// Everything that was promised holds.
fn check(stage: &Stage, promises: &mut Promises) {
    assert_eq!(stage.recovery.quarantined, 0, "{:?}", stage.recovery);
    for (number, draft) in &mut promises.drafts {
        let Some(first) = &draft.receipt else { continue };
        let found = stage.archive.message(first.record.server_id).expect("readable");
        let found = found.expect("what was acknowledged is there");
        assert!(draft.is(&found), "draft {number} was acknowledged and is {found:?}");
        assert_same(draft, first, &stage.stored(draft.entry(*number)));
        draft.mark = match (draft.mark, found.kind) {
            (Mark::Asked, RecordKind::Gone(_)) => Mark::Made,
            (mark, _) => mark,
        };
    }
    for conversation in 0..CONVERSATIONS {
        let all = ConversationQuery {
            after: Some(0),
            limit: 100_000,
            ..ConversationQuery::default()
        };
        let records = stage.archive.conversation(group(conversation), &all).expect("readable");
        let head = stage.archive.conversation_head(group(conversation)).expect("readable");
        assert_eq!(conv_seqs(&records), (1..=head).collect::<Vec<_>>());
    }
    check_inboxes(stage, promises);
    check_notices(stage, promises);
    assert!(stage.archive.device(DeviceNo(1)).map_or(0, |state| state.cursor) >= promises.cursor);
    if let Some(saved) = promises.saved {
        let found = stage.archive.device(DeviceNo(2)).expect("saved");
        assert!(found.cursor >= saved.cursor);
    }
}

/// What was taken back was told, and nothing else.
fn check_notices(stage: &Stage, promises: &Promises) {
    let told = stage.inbox(1).into_iter();
    let told = told.filter(|item| item.record.conversation == Some(group(CONVERSATIONS)));
    let mut told: Vec<_> = told.map(|item| item.record.body.clone()).collect();
    let gone = promises.drafts.iter().filter(|(_, draft)| draft.mark == Mark::Made);
    let mut gone: Vec<_> = gone.map(|(number, _)| notice(*number).body).collect();
    told.sort();
    gone.sort();
    assert_eq!(told, gone);
}

/// Every recipient has every acknowledged message exactly once and in the order of its conversation.
fn check_inboxes(stage: &Stage, promises: &Promises) {
    let expected = |account: u64| {
        let drafts = promises.drafts.values().filter(|draft| draft.receipt.is_some());
        drafts
            .filter(move |draft| draft.recipients.contains(&account))
            .filter_map(|draft| draft.receipt.clone())
    };
    for account in (1..=ACCOUNTS).chain([MANY / 2, MANY]) {
        let wanted: Vec<_> = expected(account).map(|receipt| receipt.record.server_id).collect();
        // A resumed fan-out may still be on its way.
        stage.until("all promised entries are there", |stage| {
            let there: Vec<_> = stage
                .inbox(account)
                .into_iter()
                .map(|item| item.record.server_id)
                .collect();
            wanted.iter().all(|id| there.contains(id))
        });
        let items = stage.inbox(account);
        let mut heads = BTreeMap::new();
        for item in &items {
            let head = heads.entry(item.record.conversation).or_insert(0);
            assert!(
                item.record.conv_seq > *head,
                "inbox of {account} is in the order of conversations"
            );
            *head = item.record.conv_seq;
        }
    }
}

/// Says whether indexes were merged meanwhile.
fn run(seed: u64) -> bool {
    let mut merged = false;
    let mut random = Random(seed);
    let mut promises = Promises::default();
    let mut disk = SimulatedDisk::new(seed);
    for _ in 0..CUTS {
        // Some cuts come during the start itself.
        disk.cut_at_change(1 + random.below(160));
        // Every other run merges indexes as soon as there are two, so that cuts fall into merges as well.
        let settings = Settings {
            index_fan_in: if seed.is_multiple_of(2) { 8 } else { 2 },
            ..small()
        };
        if let Ok(stage) = Stage::open_with(settings, Arc::new(disk.clone()), Some(disk.clone()), None) {
            work(&stage, &mut random, &mut promises);
            stage.archive.close();
        }
        disk = disk.crash();
        let stage = Stage::on(disk.clone());
        check(&stage, &mut promises);
        stage.archive.close();
        let names = stage.disk.list().expect("readable");
        merged |= names.iter().any(|name| name.starts_with("segments-"));
    }
    merged
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let next = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let with_merges = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (next, with_merges) = (next.clone(), &with_merges);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= SEEDS {
                        return;
                    }
                    let result = std::panic::catch_unwind(|| run(seed));
                    assert!(result.is_ok(), "seed {seed}");
                    let merged = u64::from(matches!(result, Ok(true)));
                    with_merges.fetch_add(merged, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    let with_merges = with_merges.into_inner();
    assert!(with_merges > SEEDS / 10, "only {with_merges} runs merged indexes");
}
