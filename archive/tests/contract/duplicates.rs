//! The same draft is one message, whenever and however often it comes.

use godwit_archive::{AppendError, Receipt};
use godwit_model::limits::DUPLICATE_WINDOW_MS;

use crate::stage::{START_MS, Stage, keyed, message, wait};

on_both_disks! {
    a_resent_draft_yields_the_same_receipt_over_segments_and_starts,
    another_body_under_the_same_key_is_a_conflict_that_names_the_original,
    a_hundred_resends_at_once_are_one_message,
    after_the_window_a_key_is_new,
    keys_are_known_with_room_for_few_filters_or_none,
}

fn again(receipt: &Receipt) -> Receipt {
    Receipt {
        duplicate: true,
        ..receipt.clone()
    }
}

fn a_resent_draft_yields_the_same_receipt_over_segments_and_starts(stage: &mut Stage) {
    let draft = |n: u64| keyed(message(n % 5, [n % 7, 7 + n % 3, 20], vec![1; 300]), n.into(), 1);
    let receipts: Vec<_> = (0..600).map(|n| stage.stored(draft(n))).collect();
    for round in 0..3 {
        for (n, receipt) in (0..).zip(&receipts) {
            assert_eq!(stage.stored(draft(n)), again(receipt), "draft {n} in round {round}");
        }
        stage.reopen();
    }
    assert_eq!(stage.inbox(20).len(), 600, "no resend was numbered");
}

fn another_body_under_the_same_key_is_a_conflict_that_names_the_original(stage: &mut Stage) {
    let receipt = stage.stored(keyed(message(1, [1, 2], "yes"), 5, 1));
    for _ in 0..2 {
        let conflict = stage.send(keyed(message(1, [1, 2], "no"), 5, 2));
        assert_eq!(conflict, Err(AppendError::Conflict(Box::new(again(&receipt)))));
        stage.reopen();
    }
    assert_eq!(stage.inbox(2).len(), 1);
}

fn a_hundred_resends_at_once_are_one_message(stage: &mut Stage) {
    let pending: Vec<_> = (0..100)
        .map(|n| {
            stage
                .archive
                .append(keyed(message(1, [1, 2], "x"), 9, u128::from(n % 10 == 9)))
                .expect("room")
        })
        .collect();
    let answers: Vec<_> = pending.into_iter().map(wait).collect();
    let first = answers[0].clone().expect("stored");
    assert!(!first.duplicate);
    for (n, answer) in answers.into_iter().enumerate().skip(1) {
        if n % 10 == 9 {
            assert_eq!(answer, Err(AppendError::Conflict(Box::new(again(&first)))));
        } else {
            assert_eq!(answer, Ok(again(&first)));
        }
    }
    assert_eq!(stage.inbox(1).len(), 1);
}

fn after_the_window_a_key_is_new(stage: &mut Stage) {
    let draft = || keyed(message(1, [1], "again"), 3, 1);
    let first = stage.stored(draft());
    stage.clock.set(START_MS + DUPLICATE_WINDOW_MS);
    assert_eq!(stage.stored(draft()), again(&first));
    stage.clock.set(START_MS + DUPLICATE_WINDOW_MS + 1);
    let second = stage.stored(draft());
    assert_eq!((second.duplicate, second.sender_seq), (false, Some(2)));
    stage.reopen();
    assert_eq!(stage.stored(draft()), again(&second));
}

fn keys_are_known_with_room_for_few_filters_or_none(stage: &mut Stage) {
    let draft = |n: u64| keyed(message(n % 5, [1, 2], vec![1; 700]), n.into(), 1);
    for (round, bytes) in [(0, 0), (1, 200), (2, usize::MAX)] {
        stage.settings.duplicate_filter_bytes_max = bytes;
        stage.reopen();
        for n in round * 300..(round + 1) * 300 {
            assert!(!stage.stored(draft(n)).duplicate, "draft {n} with {bytes} bytes");
        }
        for n in 0..(round + 1) * 300 {
            assert!(stage.stored(draft(n)).duplicate, "draft {n} with {bytes} bytes");
        }
    }
}
