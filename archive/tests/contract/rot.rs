//! Disks that rot: what is damaged is shown as gone, built again, or refused, and never taken for something else.

use godwit_archive::{
    Archive, ConversationQuery, GoneReason, InboxQuery, OpenError, RecordKind, Settings, SimulatedDisk,
};
use godwit_model::{AccountNo, DeviceNo};

use crate::stage::{Stage, group, keyed, message, page};

fn disk(stage: &Stage) -> &SimulatedDisk {
    stage.simulated.as_ref().expect("a simulated disk")
}

/// Where the first byte of some text stands in a file.
fn find(disk: &SimulatedDisk, file: &str, text: &[u8]) -> u64 {
    let content = disk.content(file).expect("there");
    content
        .windows(text.len())
        .position(|window| window == text)
        .expect("there") as u64
}

#[test]
fn a_bad_record_is_shown_as_gone_and_counted() {
    let mut stage = Stage::simulated();
    for n in 0..20_u64 {
        stage.stored(keyed(message(1, [1, 2], format!("text number {n:03}")), n.into(), 1));
    }
    let file = "segment-0000000000000001.log";
    let at = find(disk(&stage), file, b"text number 007");
    assert!(disk(&stage).flip(file, at));
    let gone = RecordKind::Gone(GoneReason::Quarantined);
    for known_from_index in [true, false] {
        let items = stage.inbox(1);
        assert_eq!(items.len(), 20);
        for item in &items {
            assert_eq!(item.record.kind == gone, item.seq == 8, "{item:?}");
        }
        let all = ConversationQuery {
            after: Some(0),
            limit: 100,
            ..ConversationQuery::default()
        };
        let records = stage.archive.conversation(group(1), &all).expect("readable");
        assert_eq!((records.len(), records[7].kind, records[7].conv_seq), (20, gone, 8));
        let newest = stage.page(
            2,
            &InboxQuery {
                before: Some(9),
                limit: 2,
                ..page()
            },
        );
        assert_eq!(
            newest.iter().map(|item| item.record.kind == gone).collect::<Vec<_>>(),
            [false, true]
        );
        if known_from_index {
            stage.reopen();
            assert_eq!((stage.recovery.quarantined, stage.recovery.torn_bytes), (1, 0));
        }
    }
    let next = stage.stored(keyed(message(1, [1, 2], "text number 007"), 7, 1));
    assert_eq!(
        (next.duplicate, next.sender_seq),
        (false, Some(21)),
        "what was lost may come again"
    );
}

#[test]
fn a_bad_record_in_a_sealed_segment_is_shown_as_gone() {
    let mut stage = Stage::simulated();
    for n in 0..300_u64 {
        let mut text = format!("text number {n:03}").into_bytes();
        text.resize(500, b'.');
        stage.stored(message(1, [1], text));
    }
    stage.reopen();
    let file = "segment-0000000000000001.log";
    let at = find(disk(&stage), file, b"text number 050");
    assert!(disk(&stage).flip(file, at));
    for _ in 0..2 {
        let gone: Vec<_> = stage
            .inbox(1)
            .into_iter()
            .filter(|item| item.record.body.is_empty())
            .collect();
        assert_eq!(gone.len(), 1);
        assert_eq!(
            (gone[0].seq, gone[0].record.kind),
            (51, RecordKind::Gone(GoneReason::Quarantined))
        );
        // Without its index the segment is read again; the number is then known only by its absence.
        stage.archive.close();
        stage.disk.remove("segment-0000000000000001.idx").expect("there");
        stage.reopen();
        assert_eq!((stage.recovery.quarantined, stage.recovery.indexes_rebuilt), (1, 1));
    }
}

#[test]
fn a_bad_opening_of_a_commit_does_not_hide_what_follows() {
    let mut stage = Stage::simulated();
    for n in 0..20_u64 {
        stage.stored(message(1, [1], format!("text number {n:03}")));
    }
    let file = "segment-0000000000000001.log";
    let before = find(disk(&stage), file, b"text number 004") + 15;
    // The recipients' 3 bytes and the 18 of the numbers once more follow, and then the next commit opens.
    assert!(disk(&stage).flip(file, before + 24));
    stage.reopen();
    assert!(stage.recovery.quarantined >= 1, "{:?}", stage.recovery);
    assert_eq!(stage.recovery.torn_bytes, 0);
    assert_eq!(stage.inbox(1).len(), 20);
    assert_eq!(stage.stored(message(1, [1], "next")).sender_seq, Some(21));
}

#[test]
fn a_number_is_not_given_again_though_its_record_rotted_unindexed() {
    let mut stage = Stage::simulated();
    for n in 0..20_u64 {
        stage.stored(message(1, [1, 2], format!("text number {n:03}")));
    }
    stage.archive.close();
    let file = "segment-0000000000000001.log";
    let newest = find(disk(&stage), file, b"text number 019");
    assert!(disk(&stage).flip(file, newest));
    for _ in 0..2 {
        stage.reopen();
        assert_eq!((stage.recovery.quarantined, stage.recovery.torn_bytes), (1, 0));
        let items = stage.inbox(1);
        assert_eq!(items.len(), 20);
        assert_eq!(items[19].record.kind, RecordKind::Gone(GoneReason::Quarantined));
        assert_eq!(stage.archive.conversation_head(group(1)).expect("readable"), 20);
    }
    let next = stage.stored(message(1, [1, 2], "next"));
    assert_eq!((next.sender_seq, next.record.conv_seq), (Some(21), 21));
    // Sealed, the lost number is still known.
    for _ in 0..200 {
        stage.stored(message(2, [3], vec![0; 1000]));
    }
    stage.reopen();
    assert_eq!(stage.recovery.indexes_rebuilt, 0);
    assert_eq!(stage.inbox(2).len(), 21);
    assert_eq!(stage.archive.conversation_head(group(1)).expect("readable"), 21);
}

#[test]
fn a_start_refuses_to_go_on_where_numbers_are_lost_for_good() {
    let stage = Stage::simulated();
    for n in 0..20_u64 {
        stage.stored(message(1, [1], format!("text number {n:03}")));
    }
    stage.archive.close();
    let file = "segment-0000000000000001.log";
    let newest = find(disk(&stage), file, b"text number 019");
    // The record, and behind it what repeats its numbers.
    assert!(disk(&stage).flip(file, newest) && disk(&stage).flip(file, newest + 15 + 3 + 12));
    let open = |settings| {
        Archive::open(
            stage.disk.clone(),
            stage.clock.clone(),
            settings,
            stage.listener.clone(),
        )
    };
    assert!(matches!(open(stage.settings), Err(OpenError::NumbersLost { .. })));
    let accepting = Settings {
        accept_lost_numbers: true,
        ..stage.settings
    };
    assert!(open(accepting).is_ok());
}

#[test]
fn damaged_indexes_and_checkpoints_are_made_again() {
    let mut stage = Stage::simulated();
    // Each segment keeps its own index.
    stage.settings.index_fan_in = 0;
    stage.reopen();
    for n in 0..2000_u64 {
        stage.stored(keyed(message(n % 3, [1, 2 + n % 4], vec![0; 400]), n.into(), 1));
        stage.archive.move_cursor(DeviceNo(1), AccountNo(1), n);
    }
    stage.archive.close();
    let before = stage.inbox(1);
    assert!(stage.disk.list().expect("readable").contains(&"checkpoint".to_owned()));
    let flips = [
        ("checkpoint", 40),
        ("segment-0000000000000003.idx", 30),
        ("segment-0000000000000005.idx", 9000),
    ];
    for (file, at) in flips {
        assert!(disk(&stage).flip(file, at), "{file}");
    }
    stage.disk.remove("segment-0000000000000007.idx").expect("there");
    stage.reopen();
    assert!(stage.recovery.indexes_rebuilt >= 2, "{:?}", stage.recovery);
    // The damage inside a table shows when it is read; the start after that mends it.
    let _ = stage.archive.inbox(
        AccountNo(1),
        &InboxQuery {
            after: Some(0),
            limit: 5000,
            ..page()
        },
    );
    let _ = stage.archive.conversation(
        group(1),
        &ConversationQuery {
            after: Some(0),
            limit: 5000,
            ..Default::default()
        },
    );
    stage.reopen();
    assert_eq!(stage.inbox(1), before);
    assert_eq!(stage.archive.device(DeviceNo(1)).map(|state| state.cursor), Some(1999));
    for n in (0..2000_u64).step_by(97) {
        assert!(
            stage
                .stored(keyed(message(n % 3, [1, 2 + n % 4], vec![0; 400]), n.into(), 1))
                .duplicate
        );
    }
    for conversation in 0..3 {
        assert!(stage.archive.conversation_head(group(conversation)).expect("readable") >= 666);
    }
}

#[test]
fn an_index_that_rots_is_built_again_and_appends_go_on_without_a_restart() {
    for fan_in in [0, 2] {
        let mut stage = Stage::simulated();
        stage.settings.index_fan_in = fan_in;
        stage.reopen();
        let draft = |n: u64| keyed(message(n % 40, [1, 2 + n % 4], vec![0; 400]), n.into(), 1);
        for n in 0..2000 {
            stage.stored(draft(n));
        }
        // Whatever is not in memory, so that no restart would help those who ask now.
        let indexes = |stage: &Stage| -> Vec<String> {
            let names = stage.disk.list().expect("readable").into_iter();
            names.filter(|name| name.strip_suffix(".idx").is_some()).collect()
        };
        stage.until("all but the last segments are sealed and merged", |stage| {
            let sealed = stage.archive.segments().iter().filter(|segment| segment.sealed).count();
            sealed + 1 == stage.archive.segments().len() && (fan_in == 0 || indexes(stage).len() < 6)
        });
        let before = stage.inbox(1);
        let rotten = indexes(&stage).swap_remove(0);
        let bytes = disk(&stage).content(&rotten).expect("there").len() as u64;
        for at in (16..bytes).step_by(500) {
            assert!(disk(&stage).flip(&rotten, at));
        }
        let resent = |stage: &Stage| (0..2000).step_by(7).filter(|n| stage.send(draft(*n)).is_err()).count();
        assert!(resent(&stage) > 0, "nobody met the damage");
        stage.until("nobody meets it any more", |stage| resent(stage) == 0);
        assert!((0..2000).step_by(7).all(|n| stage.stored(draft(n)).duplicate));
        for n in 2000..2040 {
            let fresh = stage.stored(draft(n));
            assert_eq!((fresh.duplicate, fresh.record.conv_seq), (false, 51), "draft {n}");
        }
        assert_eq!(stage.inbox(1)[..2000], before[..]);
        stage.reopen();
        assert_eq!((stage.recovery.indexes_rebuilt, stage.recovery.quarantined), (0, 0));
        assert_eq!(stage.inbox(1)[..2000], before[..]);
    }
}
