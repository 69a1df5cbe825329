//! Cursors and sessions of devices.

use godwit_archive::{DeviceState, SessionState};
use godwit_model::{AccountNo, DeviceNo};

use crate::stage::{Stage, message, wait};

on_both_disks! {
    a_cursor_moves_forward_only_and_is_found_after_a_start,
    a_saved_device_is_durable_when_the_answer_says_so,
    a_forgotten_device_stays_forgotten,
    devices_survive_many_segments,
}

const PHONE: DeviceNo = DeviceNo(70);

fn cursor(stage: &Stage) -> Option<u64> {
    stage.archive.device(PHONE).map(|state| state.cursor)
}

fn a_cursor_moves_forward_only_and_is_found_after_a_start(stage: &mut Stage) {
    for _ in 0..10 {
        stage.stored(message(1, [1], "x"));
    }
    assert_eq!(cursor(stage), None);
    stage.archive.move_cursor(PHONE, AccountNo(1), 4);
    stage.archive.move_cursor(PHONE, AccountNo(1), 7);
    stage.archive.move_cursor(PHONE, AccountNo(1), 2);
    assert_eq!(cursor(stage), Some(7));
    stage.reopen();
    assert_eq!(cursor(stage), Some(7));
    stage.archive.move_cursor(PHONE, AccountNo(1), 999);
    assert_eq!(cursor(stage), Some(10), "never past the head");
}

fn a_saved_device_is_durable_when_the_answer_says_so(stage: &mut Stage) {
    let session = SessionState {
        subscriptions: 3,
        expiry_s: u32::MAX,
        ended_at_ms: 12,
    };
    let state = DeviceState {
        account: AccountNo(1),
        cursor: 5,
        session: Some(session),
    };
    wait(stage.archive.save_device(PHONE, state).expect("taken")).expect("saved");
    stage.reopen();
    assert_eq!(stage.archive.device(PHONE), Some(state));
    let back = DeviceState {
        cursor: 1,
        session: None,
        ..state
    };
    wait(stage.archive.save_device(PHONE, back).expect("taken")).expect("saved");
    stage.reopen();
    assert_eq!(
        stage.archive.device(PHONE),
        Some(back),
        "saving may set the cursor anywhere"
    );
}

fn a_forgotten_device_stays_forgotten(stage: &mut Stage) {
    let state = DeviceState {
        account: AccountNo(1),
        cursor: 5,
        session: None,
    };
    wait(stage.archive.save_device(PHONE, state).expect("taken")).expect("saved");
    stage.archive.forget_device(PHONE);
    assert_eq!(stage.archive.device(PHONE), None);
    stage.reopen();
    assert_eq!(stage.archive.device(PHONE), None);
}

fn devices_survive_many_segments(stage: &mut Stage) {
    for device in 1..=300 {
        let state = DeviceState {
            account: AccountNo(device),
            cursor: 0,
            session: None,
        };
        wait(stage.archive.save_device(DeviceNo(device), state).expect("taken")).expect("saved");
    }
    for n in 0..1500_u64 {
        stage.stored(message(1, [1 + n % 300], vec![0; 400]));
        if n % 10 == 0 {
            stage
                .archive
                .move_cursor(DeviceNo(1 + n % 300), AccountNo(1 + n % 300), n / 300 + 1);
        }
    }
    stage.archive.forget_device(DeviceNo(3));
    let before: Vec<_> = (1..=300).map(|device| stage.archive.device(DeviceNo(device))).collect();
    stage.reopen();
    assert!(stage.recovery.segments > 8, "{:?}", stage.recovery);
    let after: Vec<_> = (1..=300).map(|device| stage.archive.device(DeviceNo(device))).collect();
    assert_eq!(after, before);
    assert!(after[0].is_some_and(|state| state.cursor == 5) && after[2].is_none());
}
