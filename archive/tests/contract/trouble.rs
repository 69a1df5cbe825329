//! Disks that fill up, fail, and rot.

use std::time::Duration;

use godwit_archive::{
    AppendError, Archive, ConversationQuery, GoneReason, InboxQuery, OpenError, RecordKind, Settings, SimulatedDisk,
};
use godwit_model::{AccountNo, DeviceNo};

use crate::stage::{Stage, bodies, group, is_ready, keyed, message, page, wait};

fn disk(stage: &Stage) -> &SimulatedDisk {
    stage.simulated.as_ref().expect("a simulated disk")
}

#[test]
fn a_full_disk_refuses_keeps_reading_and_recovers() {
    let mut stage = Stage::simulated();
    let draft = |n: u64| keyed(message(1, [1, 2], vec![0; 900]), n.into(), 1);
    let mut stored = Vec::new();
    for _ in 0..40 {
        stored.push(stage.stored(draft(stored.len() as u64)));
    }
    let space = disk(&stage).used();
    disk(&stage).set_space(Some(space));
    let mut refused = 0;
    while refused < 5 {
        match stage.send(draft(stored.len() as u64)) {
            Ok(receipt) => stored.push(receipt),
            Err(error) => {
                assert_eq!(error, AppendError::StorageFull);
                refused += 1;
            }
        }
    }
    assert_eq!(stage.inbox(1).len(), stored.len(), "nothing refused is visible");
    assert!(stage.stored(draft(0)).duplicate, "a resent draft is still answered");
    disk(&stage).set_space(None);
    let next = stage.stored(draft(stored.len() as u64));
    assert_eq!(
        next.sender_seq,
        Some(stored.len() as u64 + 1),
        "nothing refused was numbered"
    );
    stage.reopen();
    assert_eq!(stage.inbox(2).len(), stored.len() + 1);
    assert_eq!(stage.recovery.quarantined, 0);
}

#[test]
fn devices_and_fanouts_wait_for_room_on_a_full_disk() {
    let mut stage = Stage::simulated();
    stage.stored(message(1, [1], "x"));
    // Two steps of a fan-out fit nowhere near the end of a segment of 64 KiB.
    while stage.archive.head(AccountNo(2)) < 56 {
        stage.stored(message(2, [2], vec![0; 1000]));
    }
    let space = disk(&stage).used();
    disk(&stage).set_space(Some(space));
    stage.archive.move_cursor(DeviceNo(1), AccountNo(1), 1);
    let mut fanout = None;
    for _ in 0..200 {
        match stage.send(message(1, 1..=2500, "to all")) {
            Ok(receipt) => fanout = Some(receipt),
            Err(error) => assert_eq!(error, AppendError::StorageFull),
        }
        if fanout.is_some() {
            break;
        }
        disk(&stage).set_space(None);
    }
    disk(&stage).set_space(None);
    let expected = 1 + fanout.map_or(0, |_| 1);
    stage.until("the fan-out goes on", |stage| stage.archive.head(AccountNo(2500)) == 1);
    assert_eq!(stage.archive.head(AccountNo(1)), expected);
    stage.reopen();
    assert_eq!(stage.archive.device(DeviceNo(1)).map(|state| state.cursor), Some(1));
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_any_more() {
    let stage = Stage::simulated();
    stage.stored(message(1, [1], "kept"));
    disk(&stage).fail_syncs(true);
    assert_eq!(stage.send(message(1, [1], "lost")), Err(AppendError::Stopped));
    assert!(*stage.listener.stopped.lock().expect("no panic"));
    disk(&stage).fail_syncs(false);
    assert_eq!(
        stage.send(message(1, [1], "late")),
        Err(AppendError::Stopped),
        "a sync is never tried again"
    );
    assert_eq!(bodies(&stage.inbox(1)), ["kept"], "what is not durable is not visible");
    wait(stage.archive.room());
    assert!(stage.archive.save_device(DeviceNo(1), state()).is_err());
}

fn state() -> godwit_archive::DeviceState {
    godwit_archive::DeviceState {
        account: AccountNo(1),
        cursor: 0,
        session: None,
    }
}

#[test]
fn a_saved_device_is_told_of_a_failed_sync() {
    let stage = Stage::simulated();
    disk(&stage).fail_syncs(true);
    let saved = stage.archive.save_device(DeviceNo(1), state()).expect("taken");
    assert_eq!(wait(saved), Err(AppendError::Stopped));
}

#[test]
fn a_torn_tail_is_cut_and_reported() {
    for seed in 0..40 {
        let simulated = SimulatedDisk::new(seed);
        let stage = Stage::on(simulated.clone());
        for n in 0..10_u64 {
            stage.stored(message(1, [1], n.to_string()));
        }
        // The write of the next commit survives in part, its sync does not happen.
        simulated.cut_at_change(2);
        assert_eq!(stage.send(message(1, [1], vec![b'x'; 5000])), Err(AppendError::Stopped));
        let mut stage = Stage::on(simulated.crash());
        let found = stage.inbox(1).len();
        assert!(found == 10 || found == 11, "whole or not at all");
        assert_eq!(stage.recovery.quarantined, 0);
        assert!(found == 10 || stage.recovery.torn_bytes == 0);
        assert_eq!(stage.stored(message(1, [1], "next")).sender_seq, Some(found as u64 + 1));
        stage.reopen();
        assert_eq!((stage.recovery.torn_bytes, stage.inbox(1).len()), (0, found + 1));
    }
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
fn a_full_queue_is_overloaded_and_room_waits() {
    let stage = Stage::simulated();
    let settings = Settings {
        queue_entries_max: 4,
        commit_pace: Duration::from_millis(300),
        ..stage.settings
    };
    let simulated = SimulatedDisk::new(1);
    let (archive, _) = Archive::open(
        std::sync::Arc::new(simulated),
        stage.clock.clone(),
        settings,
        stage.listener.clone(),
    )
    .expect("opens");
    // The first is taken at once; the pace then holds the writer back while the queue fills.
    wait(archive.append(message(1, [1], "first")).expect("room")).expect("stored");
    let pending: Vec<_> = (0..4)
        .map(|_| archive.append(message(1, [1], "x")).expect("room"))
        .collect();
    assert!(matches!(
        archive.append(message(1, [1], "too much")),
        Err(AppendError::Overloaded)
    ));
    let mut room = Box::pin(archive.room());
    assert_eq!(is_ready(&mut room), None);
    wait(room);
    assert!(archive.append(message(1, [1], "again")).is_ok());
    for pending in pending {
        wait(pending).expect("stored");
    }
}

#[test]
fn a_lone_append_after_a_pause_does_not_wait_for_the_pace() {
    let stage = Stage::simulated();
    let pace = Duration::from_secs(5);
    let settings = Settings {
        commit_pace: pace,
        ..stage.settings
    };
    let disk = std::sync::Arc::new(SimulatedDisk::new(1));
    let (archive, _) = Archive::open(disk, stage.clock.clone(), settings, stage.listener.clone()).expect("opens");
    let start = std::time::Instant::now();
    wait(archive.append(message(1, [1], "first")).expect("room")).expect("stored");
    assert!(start.elapsed() < pace / 2);
}

#[test]
fn a_segment_of_another_version_stops_the_start() {
    let stage = Stage::simulated();
    stage.stored(message(1, [1], "x"));
    stage.archive.close();
    let file = "segment-0000000000000001.log";
    let mut header = disk(&stage).content(file).expect("there")[..64].to_vec();
    header[8] = 9;
    let checksum = crc32c::crc32c(&header[..28]);
    header[28..32].copy_from_slice(&checksum.to_le_bytes());
    stage
        .disk
        .open(file)
        .and_then(|file| file.write_at(&header, 0))
        .expect("writable");
    let opened = Archive::open(
        stage.disk.clone(),
        stage.clock.clone(),
        stage.settings,
        stage.listener.clone(),
    );
    assert!(matches!(opened, Err(OpenError::Version { version: 9, .. })));
}

#[test]
fn a_folder_belongs_to_one_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = godwit_archive::RealDisk::open(folder.path()).expect("free");
    let second = godwit_archive::RealDisk::open(folder.path()).expect_err("taken");
    assert_eq!(second.kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    assert!(godwit_archive::RealDisk::open(folder.path()).is_ok());
}
