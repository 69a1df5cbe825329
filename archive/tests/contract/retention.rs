//! Messages that were kept long enough go, oldest first; not by a clock that is wrong, and not more than half at once.

use std::time::Duration;

use godwit_archive::{Archive, InboxQuery, Retained, RetentionHalt};
use godwit_model::AccountNo;

use crate::stage::{START_MS, Stage, message, page};

on_both_disks! {
    old_messages_go_and_the_inbox_begins_at_its_floor,
    the_oldest_messages_go_when_there_are_too_many,
    a_jump_of_the_clock_halts_retention_until_an_operator_approves,
    a_clock_that_jumped_and_goes_on_evenly_for_a_day_is_believed_without_a_restart,
    more_than_half_goes_only_when_an_operator_approves,
    a_full_disk_is_known_and_so_is_its_end,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A log with a message each hour, some days long, that keeps what `choose` says.
fn filled(stage: &mut Stage, days: u64, choose: impl Fn(&mut godwit_archive::Settings)) {
    choose(&mut stage.settings);
    stage.reopen();
    for hour in 0..days * 24 {
        stage.clock.set(START_MS + hour * DAY_MS / 24);
        stage.stored(message(1, [1, 2], vec![b'.'; 5_000]));
    }
    // Segments go only once they are sealed.
    stage.until("all but the last segment are sealed", |stage| {
        stage
            .archive
            .segments()
            .iter()
            .rev()
            .skip(1)
            .all(|segment| segment.sealed)
    });
}

fn first_kept(archive: &Archive) -> u64 {
    let floor = archive.floor(AccountNo(1));
    let query = InboxQuery {
        after: Some(0),
        limit: 1,
        ..page()
    };
    let first = archive.inbox(AccountNo(1), &query).expect("readable");
    assert_eq!(first.first().map(|item| item.seq), Some(floor));
    floor
}

fn old_messages_go_and_the_inbox_begins_at_its_floor(stage: &mut Stage) {
    filled(stage, 10, |settings| {
        settings.retention_age = Some(Duration::from_hours(6 * 24));
    });
    let head = stage.archive.head(AccountNo(1));
    assert_eq!(first_kept(&stage.archive), 1);
    let retained = stage.archive.retain_now(false).expect("room");
    assert!(retained.segments > 0 && retained.bytes > 0 && retained.halt.is_none());
    let floor = first_kept(&stage.archive);
    // Whole segments go, so a little more is kept than must be: a segment holds some twelve of these.
    let oldest = 10 * 24 - 6 * 24;
    assert!((oldest - 20..=oldest).contains(&floor), "the floor is {floor}");
    assert_eq!(stage.archive.retain_now(false).expect("room"), Retained::default());
    stage.reopen();
    assert_eq!(
        (first_kept(&stage.archive), stage.archive.head(AccountNo(1))),
        (floor, head)
    );
    assert_eq!(stage.stored(message(1, [1], "next")).sender_seq, Some(head + 1));
}

fn the_oldest_messages_go_when_there_are_too_many(stage: &mut Stage) {
    filled(stage, 10, |settings| settings.retention_bytes = Some(1_000_000));
    let bytes = |stage: &Stage| {
        stage
            .archive
            .segments()
            .iter()
            .map(|segment| segment.bytes)
            .sum::<u64>()
    };
    assert!(bytes(stage) > 1_000_000);
    stage.archive.retain_now(false).expect("room");
    assert!((900_000..=1_000_000).contains(&bytes(stage)), "{}", bytes(stage));
    assert!(first_kept(&stage.archive) > 1);
}

fn a_jump_of_the_clock_halts_retention_until_an_operator_approves(stage: &mut Stage) {
    filled(stage, 4, |settings| {
        settings.retention_age = Some(Duration::from_hours(3 * 24));
    });
    stage.clock.jump(START_MS + 100 * DAY_MS);
    let halt = stage.archive.retain_now(false).expect("room").halt;
    assert!(matches!(halt, Some(RetentionHalt::ClockJumped { .. })), "{halt:?}");
    assert_eq!(stage.archive.retention_halt(), halt);
    assert_eq!(first_kept(&stage.archive), 1);
    assert!(stage.archive.retain_now(true).expect("room").segments > 0);
    assert_eq!(stage.archive.retention_halt(), None);
    assert_eq!(stage.archive.retain_now(false).expect("room"), Retained::default());
    stage.clock.jump(START_MS);
    stage.reopen();
    let halt = stage.archive.retain_now(false).expect("room").halt;
    assert!(matches!(halt, Some(RetentionHalt::ClockBehind { .. })), "{halt:?}");
}

fn a_clock_that_jumped_and_goes_on_evenly_for_a_day_is_believed_without_a_restart(stage: &mut Stage) {
    filled(stage, 10, |settings| {
        settings.retention_age = Some(Duration::from_hours(10 * 24));
    });
    // Far enough for some, too far to be believed at once.
    let jumped_ms = START_MS + 13 * DAY_MS;
    stage.clock.jump(jumped_ms);
    for hour in [0, 8, 16, 23] {
        stage.clock.set(jumped_ms + hour * DAY_MS / 24);
        let halt = stage.archive.retain_now(false).expect("room").halt;
        assert!(matches!(halt, Some(RetentionHalt::ClockJumped { .. })), "{halt:?}");
    }
    stage.clock.set(jumped_ms + DAY_MS);
    assert_eq!(first_kept(&stage.archive), 1);
    let retained = stage.archive.retain_now(false).expect("room");
    assert!(retained.segments > 0 && retained.halt.is_none(), "{retained:?}");
    assert_eq!(stage.archive.retention_halt(), None);
}

fn more_than_half_goes_only_when_an_operator_approves(stage: &mut Stage) {
    filled(stage, 10, |settings| {
        settings.retention_age = Some(Duration::from_hours(24));
    });
    let halt = stage.archive.retain_now(false).expect("room").halt;
    assert!(matches!(halt, Some(RetentionHalt::TooMuch { .. })), "{halt:?}");
    let plan = stage.archive.retention_plan();
    assert!(
        plan.limited && plan.bytes > plan.of / 2 && plan.halt == halt,
        "{plan:?}"
    );
    assert_eq!(first_kept(&stage.archive), 1, "a plan drops nothing");
    let retained = stage.archive.retain_now(true).expect("room");
    assert_eq!((retained.segments, retained.bytes), (plan.segments, plan.bytes));
    assert!(first_kept(&stage.archive) > 5 * 24);
    let after = stage.archive.retention_plan();
    assert_eq!((after.segments, after.newest_ms, after.halt), (0, None, None));
}

fn a_full_disk_is_known_and_so_is_its_end(stage: &mut Stage) {
    let Some(disk) = stage.simulated.clone() else {
        assert!(!stage.archive.is_full());
        return;
    };
    disk.set_space(Some(disk.used()));
    let mut sent = 0;
    while stage.send(message(1, [1], vec![b'.'; 10_000])).is_ok() {
        sent += 1;
        assert!(sent < 1_000, "a full disk refuses at last");
    }
    assert!(stage.archive.is_full());
    // Nobody sends anything, and yet it is known.
    disk.set_space(None);
    stage.until("there is room again", |stage| !stage.archive.is_full());
    stage.stored(message(1, [1], vec![b'.'; 10_000]));
}
