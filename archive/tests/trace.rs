//! Nothing is told to anybody before the sync that covers it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use godwit_archive::disk::Operation;
use godwit_archive::{Archive, Delivery, DeviceState, Listener, Settings, SimulatedDisk};
use godwit_model::clock::ManualClock;
use godwit_model::{AccountNo, DeviceNo};

#[expect(dead_code, reason = "shared with the contract suite, which uses all of it")]
#[path = "contract/stage.rs"]
mod stage;

use stage::{START_MS, message, wait};

const OPERATIONS_MAX: usize = 1 << 20;

/// Looks at the disk whenever it is told something.
struct Witness {
    disk: SimulatedDisk,
    /// For each number of account 1: whether every write to a segment was synced when it was told.
    told: Mutex<Vec<(u64, bool)>>,
}

/// Whether every write so far is covered by a sync of its file, for the files that hold the log.
fn all_synced(disk: &SimulatedDisk) -> bool {
    let mut unsynced = std::collections::BTreeSet::new();
    let is_log = |file: &str| file.strip_suffix(".log").is_some();
    for operation in disk.operations() {
        match operation {
            Operation::Write { file, .. } if is_log(&file) => {
                unsynced.insert(file);
            }
            Operation::Sync(file) => {
                unsynced.remove(&file);
            }
            _ => {}
        }
    }
    unsynced.is_empty()
}

impl Listener for Witness {
    fn committed(&self, deliveries: &[Delivery]) {
        let synced = all_synced(&self.disk);
        let own = deliveries.iter().filter(|delivery| delivery.account == AccountNo(1));
        self.told
            .lock()
            .expect("no panic")
            .extend(own.map(|delivery| (delivery.seq, synced)));
    }

    fn answered(&self) {}

    fn stopped(&self) {}
}

#[test]
fn no_answer_and_no_delivery_comes_before_its_sync() {
    let disk = SimulatedDisk::new(3);
    disk.record_operations(OPERATIONS_MAX);
    let witness = Arc::new(Witness {
        disk: disk.clone(),
        told: Mutex::default(),
    });
    // One commit at a time, so that an answer can be compared with the trace while nothing else is written.
    let settings = Settings {
        segment_bytes: 64 << 10,
        commit_pace: Duration::ZERO,
        ..Settings::default()
    };
    let clock = Arc::new(ManualClock::new(START_MS));
    let (archive, _) = Archive::open(Arc::new(disk.clone()), clock, settings, witness.clone()).expect("opens");
    for n in 1..=300_u64 {
        let pending: Vec<_> = (0..=(n % 4))
            .map(|_| archive.append(message(1, [1, 2], vec![0; 300])).expect("room"))
            .collect();
        for pending in pending {
            let receipt = wait(pending).expect("stored");
            let told = witness.told.lock().expect("no panic");
            assert!(
                told.iter().any(|(seq, _)| Some(*seq) == receipt.sender_seq),
                "told before the answer"
            );
        }
        assert!(all_synced(&disk), "answered before the sync");
        if n % 10 == 0 {
            let state = DeviceState {
                account: AccountNo(1),
                cursor: n,
                session: None,
            };
            wait(archive.save_device(DeviceNo(1), state).expect("taken")).expect("saved");
            assert!(all_synced(&disk), "saved before the sync");
        }
    }
    let told = witness.told.lock().expect("no panic");
    assert!(told.iter().all(|(_, synced)| *synced), "told before the sync");
    assert_eq!(
        told.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        (1..=archive.head(AccountNo(1))).collect::<Vec<_>>()
    );
    assert!(disk.operations().len() < OPERATIONS_MAX, "the whole run was recorded");
}

#[test]
fn a_sync_that_never_comes_is_an_answer_that_never_comes() {
    let disk = SimulatedDisk::new(3);
    let witness = Arc::new(Witness {
        disk: disk.clone(),
        told: Mutex::default(),
    });
    let settings = Settings {
        segment_bytes: 64 << 10,
        ..Settings::default()
    };
    let clock = Arc::new(ManualClock::new(START_MS));
    let (archive, _) = Archive::open(Arc::new(disk.clone()), clock, settings, witness.clone()).expect("opens");
    wait(archive.append(message(1, [1], "kept")).expect("room")).expect("stored");
    disk.fail_syncs(true);
    assert!(wait(archive.append(message(1, [1], "lost")).expect("room")).is_err());
    assert_eq!(*witness.told.lock().expect("no panic"), [(1, true)]);
}
