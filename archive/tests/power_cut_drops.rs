//! The power goes while old segments are dropped: the floor never goes back, what is above it is all there, and numbers
//! go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use godwit_archive::{Entry, InboxQuery, Settings, SimulatedDisk};
use godwit_model::AccountNo;

#[expect(dead_code, reason = "shared with the contract suite, which uses all of it")]
#[path = "contract/stage.rs"]
mod stage;

use stage::{Stage, group, keyed, message, page, small, wait};

/// Runs, each with its own seed. More find more.
const SEEDS: u64 = 150;
/// Power cuts of one run.
const CUTS: u64 = 3;
const CONVERSATIONS: u64 = 3;
const READER: AccountNo = AccountNo(1);
/// What is kept at most; three segments and a half.
const KEPT_BYTES: u64 = 7 << 15;

/// What was promised so far.
#[derive(Default)]
struct Promises {
    /// Numbers of the reader's inbox whose message was acknowledged, with its draft.
    stored: BTreeMap<u64, u64>,
    next_draft: u64,
    /// Highest floor that anybody saw.
    floor: u64,
    /// Segments that went.
    dropped: u64,
}

fn draft(n: u64) -> Entry {
    let mut body = format!("draft {n} ").into_bytes();
    body.resize(2_000, b'.');
    keyed(message(n % CONVERSATIONS, [1, 2 + n % 5], body), n.into(), 1)
}

/// Sends and lets go until the power does.
fn work(stage: &Stage, promises: &mut Promises) {
    for _ in 0..150 {
        let n = promises.next_draft;
        promises.next_draft += 1;
        let Ok(pending) = stage.archive.append(draft(n)) else {
            return;
        };
        if let Ok(receipt) = wait(pending) {
            promises
                .stored
                .insert(receipt.sender_seq.expect("it goes to its sender"), n);
        }
        if n.is_multiple_of(7) {
            // A disk that goes off meanwhile refuses.
            if let Ok(retained) = stage.archive.retain_now(true) {
                promises.dropped += retained.segments;
            }
            promises.floor = promises.floor.max(stage.archive.floor(READER));
        }
    }
}

/// Everything that was promised holds.
fn check(stage: &Stage, promises: &mut Promises) {
    assert_eq!(stage.recovery.quarantined, 0, "{:?}", stage.recovery);
    let (floor, head) = (stage.archive.floor(READER), stage.archive.head(READER));
    assert!(
        floor >= promises.floor,
        "the floor went back from {} to {floor}",
        promises.floor
    );
    assert!(head >= promises.stored.keys().last().copied().unwrap_or(0));
    let all = InboxQuery {
        after: Some(0),
        limit: 100_000,
        ..page()
    };
    let items = stage.page(1, &all);
    let seqs: Vec<_> = items.iter().map(|item| item.seq).collect();
    assert_eq!(seqs, (floor..=head).collect::<Vec<_>>());
    for (item, n) in items
        .iter()
        .filter_map(|item| Some((item, promises.stored.get(&item.seq)?)))
    {
        assert_eq!(item.record.body, draft(*n).body, "number {}", item.seq);
        let again = stage.stored(draft(*n));
        assert!(again.duplicate && again.sender_seq == Some(item.seq), "draft {n}");
    }
    // More than must go never goes: what is above a floor fills what may be kept, but for a segment and its index.
    let kept: u64 = stage.archive.segments().iter().map(|segment| segment.bytes).sum();
    assert!(
        floor == 1 || kept + (100 << 10) > KEPT_BYTES,
        "{kept} bytes are kept above {floor}"
    );
    let heads: Vec<_> = (0..CONVERSATIONS)
        .map(|conversation| stage.archive.conversation_head(group(conversation)).expect("readable"))
        .collect();
    assert_eq!(
        heads.iter().sum::<u64>(),
        head,
        "each message has a number in its conversation and in the inbox"
    );
    let n = promises.next_draft;
    promises.next_draft += 1;
    let next = stage.stored(draft(n));
    let conversation = usize::try_from(n % CONVERSATIONS).expect("small");
    assert_eq!(
        (next.sender_seq, next.record.conv_seq),
        (Some(head + 1), heads[conversation] + 1)
    );
    promises.stored.insert(head + 1, n);
    promises.floor = floor;
}

/// Files of segments that nothing speaks of any more.
fn forgotten(stage: &Stage) -> Vec<String> {
    let lowest = stage.archive.segments()[0].no;
    let below = |name: &str| {
        let number = name.strip_prefix("segment-")?.strip_suffix(".log")?;
        Some(u64::from_str_radix(number, 16).ok()? < lowest)
    };
    let names = stage.disk.list().expect("readable");
    names.into_iter().filter(|name| below(name) == Some(true)).collect()
}

/// Says how many segments went.
fn run(seed: u64) -> u64 {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut promises = Promises {
        floor: 1,
        ..Promises::default()
    };
    let mut disk = SimulatedDisk::new(seed);
    for _ in 0..CUTS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        disk.cut_at_change(1 + random % 320);
        let settings = Settings {
            retention_bytes: Some(KEPT_BYTES),
            index_fan_in: if seed.is_multiple_of(2) { 8 } else { 2 },
            ..small()
        };
        if let Ok(stage) = Stage::open_with(settings, Arc::new(disk.clone()), Some(disk.clone()), None) {
            work(&stage, &mut promises);
            stage.archive.close();
        }
        disk = disk.crash();
        let stage = Stage::on(disk.clone());
        check(&stage, &mut promises);
        assert_eq!(forgotten(&stage), Vec::<String>::new());
        stage.archive.close();
    }
    promises.dropped
}

#[test]
fn a_drop_that_the_power_cut_is_whole_or_finished_by_the_start() {
    let next = std::sync::atomic::AtomicU64::new(0);
    let dropped = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= SEEDS {
                        return;
                    }
                    let result = std::panic::catch_unwind(|| run(seed));
                    let segments = result.unwrap_or_else(|_| panic!("seed {seed}"));
                    dropped.fetch_add(segments, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    let dropped = dropped.into_inner();
    assert!(dropped > SEEDS, "only {dropped} segments were dropped");
}
