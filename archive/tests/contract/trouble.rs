//! Disks that fill up and fail, and a writer that has too much to do.

use std::time::Duration;

use godwit_archive::{AppendError, Archive, OpenError, Settings, SimulatedDisk};
use godwit_model::{AccountNo, DeviceNo};

use crate::stage::{Stage, bodies, is_ready, keyed, message, wait};

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
