//! Indexes that are merged, segments that are dropped, and what few reads cost then.

use godwit_archive::{ConversationQuery, InboxQuery, SimulatedDisk};
use godwit_model::{AccountNo, DeviceNo};

use crate::stage::{START_MS, Stage, bodies, conv_seqs, group, keyed, message, page};

on_both_disks! {
    merged_indexes_answer_as_single_ones_did,
    dropped_segments_leave_a_floor,
    numbers_go_on_when_nothing_sealed_is_kept,
    a_drop_that_was_interrupted_is_finished_by_the_start,
}

const MESSAGES: u64 = 4_000;

fn draft(n: u64) -> godwit_archive::Entry {
    let mut body = n.to_string().into_bytes();
    body.resize(300, b' ');
    keyed(message(n % 50, [1, 2 + n % 30], body), n.into(), 1)
}

/// One message each millisecond, in about thirty segments of 64 KiB.
fn filled(stage: &mut Stage, fan_in: usize) {
    stage.settings.index_fan_in = fan_in;
    stage.reopen();
    fill(stage, 0..MESSAGES);
}

fn fill(stage: &mut Stage, numbers: std::ops::Range<u64>) {
    for n in numbers {
        stage.clock.set(START_MS + n);
        stage.stored(draft(n));
    }
}

fn indexes(stage: &Stage) -> Vec<String> {
    let names = stage.disk.list().expect("readable");
    names
        .into_iter()
        .filter(|name| name.strip_suffix(".idx").is_some())
        .collect()
}

/// Waits until there is nothing left to merge.
fn merged(stage: &Stage, most: usize) {
    stage.until("indexes are merged", |stage| {
        let sealed = stage.archive.segments().iter().filter(|segment| segment.sealed).count();
        sealed + 1 >= stage.archive.segments().len() && indexes(stage).len() <= most
    });
}

fn merged_indexes_answer_as_single_ones_did(stage: &mut Stage) {
    filled(stage, 2);
    merged(stage, 6);
    assert!(stage.archive.segments().len() > 20);
    for _ in 0..2 {
        assert_eq!(stage.inbox(1).len() as u64, MESSAGES);
        for account in [2, 17, 31] {
            let wanted: Vec<_> = (0..MESSAGES)
                .filter(|n| 2 + n % 30 == account)
                .map(draft)
                .map(|draft| draft.body)
                .collect();
            assert_eq!(bodies(&stage.inbox(account)), wanted);
        }
        let all = ConversationQuery {
            after: Some(0),
            limit: 1000,
            ..ConversationQuery::default()
        };
        let records = stage.archive.conversation(group(7), &all).expect("readable");
        assert_eq!(conv_seqs(&records), (1..=MESSAGES / 50).collect::<Vec<_>>());
        for n in (0..MESSAGES).step_by(131) {
            let original = stage.stored(draft(n));
            assert!(original.duplicate, "draft {n}");
            let found = stage.archive.message(original.record.server_id).expect("readable");
            assert_eq!(found, Some(original.record));
        }
        let since = InboxQuery {
            since_ms: Some(START_MS + 700),
            limit: 3,
            ..page()
        };
        let items = stage.page(1, &since);
        assert_eq!(items.iter().map(|item| item.seq).collect::<Vec<_>>(), [701, 702, 703]);
        let before = InboxQuery {
            before: Some(1001),
            limit: 3,
            ..page()
        };
        let items = stage.page(1, &before);
        assert_eq!(items.iter().map(|item| item.seq).collect::<Vec<_>>(), [998, 999, 1000]);
        assert_eq!(
            stage.archive.conversation_head(group(7)).expect("readable"),
            MESSAGES / 50
        );
        stage.reopen();
        assert_eq!((stage.recovery.indexes_rebuilt, stage.recovery.quarantined), (0, 0));
    }
}

fn dropped_segments_leave_a_floor(stage: &mut Stage) {
    filled(stage, 2);
    merged(stage, 6);
    let segments = stage.archive.segments();
    let end = segments[segments.len() / 2].no;
    let first_kept = segments[segments.len() / 2].first_ms.expect("numbers") - START_MS;
    assert_eq!(stage.archive.floor(AccountNo(1)), 1);
    let lowest = stage.archive.drop_before(end).expect("dropped");
    assert_eq!(lowest, end);
    for _ in 0..2 {
        let floor = stage.archive.floor(AccountNo(1));
        assert_eq!(floor, first_kept + 1, "one number each millisecond");
        let items = stage.page(
            1,
            &InboxQuery {
                after: Some(0),
                ..page()
            },
        );
        assert_eq!(items[0].seq, floor, "a page starts at the floor");
        assert_eq!(items[0].record.body, draft(first_kept).body);
        let older = InboxQuery {
            before: Some(floor + 3),
            ..page()
        };
        let items = stage.page(1, &older);
        assert_eq!(
            items.iter().map(|item| item.seq).collect::<Vec<_>>(),
            [floor, floor + 1, floor + 2]
        );
        let below = InboxQuery {
            before: Some(floor),
            ..page()
        };
        assert_eq!(stage.page(1, &below), []);
        let all = ConversationQuery {
            after: Some(0),
            limit: 1000,
            ..ConversationQuery::default()
        };
        let records = stage.archive.conversation(group(7), &all).expect("readable");
        assert!(
            records.iter().all(|record| !record.body.is_empty()),
            "none is lost, the old ones are not shown"
        );
        assert_eq!(records.last().map(|record| record.conv_seq), Some(MESSAGES / 50));
        assert_eq!(stage.archive.floor(AccountNo(999)), 1, "nothing was ever numbered");
        stage.reopen();
        assert_eq!((stage.recovery.indexes_rebuilt, stage.recovery.quarantined), (0, 0));
        assert_eq!(stage.archive.segments()[0].no, end);
    }
}

/// Everything sealed goes; numbers of accounts and conversations go on all the same.
fn numbers_go_on_when_nothing_sealed_is_kept(stage: &mut Stage) {
    filled(stage, 2);
    merged(stage, 6);
    stage.archive.move_cursor(DeviceNo(1), AccountNo(2), 5);
    stage.reopen();
    let active = stage.archive.segments().last().expect("one is written").no;
    assert_eq!(stage.archive.drop_before(u64::MAX).expect("dropped"), active);
    stage.reopen();
    assert_eq!(stage.archive.device(DeviceNo(1)).map(|state| state.cursor), Some(5));
    for n in MESSAGES..MESSAGES + 50 {
        let receipt = stage.stored(draft(n));
        assert_eq!(receipt.sender_seq, Some(n + 1));
        assert_eq!(receipt.record.conv_seq, MESSAGES / 50 + 1);
    }
    let floor = stage.archive.floor(AccountNo(1));
    let items = stage.page(
        1,
        &InboxQuery {
            after: Some(0),
            ..page()
        },
    );
    assert!(floor > MESSAGES / 2 && items[0].seq == floor, "{floor}");
    let files = stage.disk.list().expect("readable");
    assert!(files.len() < 12, "{files:?}");
}

fn a_drop_that_was_interrupted_is_finished_by_the_start(stage: &mut Stage) {
    filled(stage, 0);
    let segments = stage.archive.segments();
    let kept = segments[10].no;
    let old = "segment-0000000000000003.log";
    let mut bytes = vec![0; 64 << 10];
    let read = stage.disk.open(old).and_then(|file| file.read_at(&mut bytes, 0));
    bytes.truncate(read.expect("readable"));
    stage.archive.drop_before(kept).expect("dropped");
    stage.archive.close();
    stage
        .disk
        .create(old)
        .and_then(|file| file.write_at(&bytes, 0))
        .expect("room");
    stage.reopen();
    assert_eq!(stage.archive.segments()[0].no, kept);
    assert!(!stage.disk.list().expect("readable").contains(&old.to_owned()));
}

#[test]
fn a_damaged_merged_index_is_built_again_from_its_segments() {
    let mut stage = Stage::simulated();
    filled(&mut stage, 8);
    stage.until("eight are merged", |stage| {
        indexes(stage).iter().any(|name| name.starts_with("segments-"))
    });
    let before = stage.inbox(1);
    let disk: SimulatedDisk = stage.simulated.clone().expect("a simulated disk");
    for at in [70, 30_000] {
        stage.archive.close();
        let merged = indexes(&stage)
            .into_iter()
            .find(|name| name.starts_with("segments-"))
            .expect("merged");
        assert!(disk.flip(&merged, at));
        stage.reopen();
        // The damage inside a table shows when it is read; the start after that mends it.
        let all = InboxQuery {
            after: Some(0),
            limit: 5000,
            ..page()
        };
        let _ = stage.archive.inbox(AccountNo(1), &all);
        stage.reopen();
        assert_eq!(stage.inbox(1), before);
        stage.until("it is merged again", |stage| {
            indexes(stage).iter().any(|name| name.starts_with("segments-"))
        });
    }
}
