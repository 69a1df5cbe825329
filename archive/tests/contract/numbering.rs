//! Numbers are gap-free, for ever, and the same for everybody.

use godwit_archive::{AppendError, RecordKind};
use godwit_model::AccountNo;

use crate::stage::{Stage, bodies, conv_seqs, group, message, wait};

on_both_disks! {
    numbers_have_no_gaps_over_many_segments_and_starts,
    concurrent_appends_are_numbered_without_gaps,
    deliveries_come_in_order_and_before_the_answer,
    server_time_never_goes_back,
    an_entry_without_conversation_or_recipients_is_stored,
    an_entry_larger_than_half_a_segment_is_refused,
    a_closed_archive_takes_nothing_and_still_reads,
}

fn numbers_have_no_gaps_over_many_segments_and_starts(stage: &mut Stage) {
    let mut count = 0_u64;
    for _ in 0..3 {
        for _ in 0..300 {
            count += 1;
            let receipt = stage.stored(message(1 + count % 3, [1, 2 + count % 2], vec![7; 500]));
            assert_eq!(receipt.sender_seq, Some(count));
            assert_eq!(receipt.recipients, 2);
            assert!(!receipt.duplicate);
        }
        stage.reopen();
        assert_eq!((stage.recovery.torn_bytes, stage.recovery.quarantined), (0, 0));
        assert!(stage.recovery.segments > 2, "{:?}", stage.recovery);
    }
    assert_eq!(stage.inbox(1).len(), 900);
    assert_eq!(stage.inbox(2).len() + stage.inbox(3).len(), 900);
    for conversation in 1..=3 {
        assert_eq!(
            stage.archive.conversation_head(group(conversation)).expect("readable"),
            300
        );
        let all = godwit_archive::ConversationQuery {
            after: Some(0),
            limit: 1000,
            ..Default::default()
        };
        let records = stage.archive.conversation(group(conversation), &all).expect("readable");
        assert_eq!(conv_seqs(&records), (1..=300).collect::<Vec<_>>());
    }
}

fn concurrent_appends_are_numbered_without_gaps(stage: &mut Stage) {
    std::thread::scope(|scope| {
        for sender in 1..=8 {
            let stage = &stage;
            scope.spawn(move || {
                let pending: Vec<_> = (0..200_u64)
                    .map(|n| {
                        stage
                            .archive
                            .append(message(sender % 3, [sender, 100], n.to_string()))
                            .expect("room")
                    })
                    .collect();
                let receipts: Vec<_> = pending
                    .into_iter()
                    .map(|pending| wait(pending).expect("stored"))
                    .collect();
                assert!(receipts.is_sorted_by_key(|receipt| receipt.sender_seq));
            });
        }
    });
    assert_eq!(stage.inbox(100).len(), 1600);
    for sender in 1..=8 {
        let expected: Vec<_> = (0..200).map(|n: u64| n.to_string()).collect();
        assert_eq!(bodies(&stage.inbox(sender)), expected);
    }
    let heads: u64 = (0..3)
        .map(|conversation| stage.archive.conversation_head(group(conversation)).expect("readable"))
        .sum();
    assert_eq!(heads, 1600);
}

fn deliveries_come_in_order_and_before_the_answer(stage: &mut Stage) {
    for n in 1..=50_u64 {
        let receipt = stage.stored(message(1, [1, 2, 3], "hello"));
        let deliveries = stage.deliveries();
        assert_eq!(deliveries.len() as u64, 3 * n);
        let last = deliveries.last().expect("told");
        assert_eq!(
            (last.account, last.seq, &last.record),
            (AccountNo(3), n, &receipt.record)
        );
    }
}

fn server_time_never_goes_back(stage: &mut Stage) {
    let mut last = stage.stored(message(1, [1], "first")).record;
    for step in [5_i64, -1000, 0, 0, 20, -3, 7] {
        let now = u64::try_from(i64::try_from(last.server_time_ms).expect("fits") + step).expect("positive");
        stage.clock.set(now);
        if step == -3 {
            stage.reopen();
        }
        let record = stage.stored(message(1, [1], "next")).record;
        assert!(record.server_time_ms >= last.server_time_ms && record.server_id > last.server_id);
        assert_eq!(
            record.server_time_ms,
            u64::try_from(record.server_id.0 >> 80).expect("48 bits")
        );
        last = record;
    }
}

fn an_entry_without_conversation_or_recipients_is_stored(stage: &mut Stage) {
    let mut refused = message(1, [5], "no");
    (refused.kind, refused.conversation) = (RecordKind::Refused, None);
    let receipt = stage.stored(refused);
    assert_eq!((receipt.record.conv_seq, receipt.sender_seq), (0, Some(1)));
    let silent = stage.stored(message(1, [], "nobody"));
    assert_eq!((silent.recipients, silent.sender_seq), (0, None));
    stage.reopen();
    let read = stage.archive.message(receipt.record.server_id).expect("readable");
    assert_eq!(read, Some(receipt.record));
    assert_eq!(
        stage.archive.message(silent.record.server_id).expect("readable"),
        Some(silent.record)
    );
    assert_eq!(stage.inbox(5)[0].record.kind, RecordKind::Refused);
}

fn an_entry_larger_than_half_a_segment_is_refused(stage: &mut Stage) {
    assert_eq!(
        stage.send(message(1, [1], vec![0; 33 << 10])),
        Err(AppendError::TooLarge)
    );
    assert_eq!(stage.stored(message(1, [1], vec![0; 31 << 10])).sender_seq, Some(1));
}

fn a_closed_archive_takes_nothing_and_still_reads(stage: &mut Stage) {
    let pending = stage.archive.append(message(1, [1], "kept")).expect("room");
    stage.archive.close();
    assert!(wait(pending).is_ok(), "what was queued is stored");
    assert_eq!(stage.send(message(1, [1], "late")), Err(AppendError::Stopped));
    wait(stage.archive.room());
    assert_eq!(bodies(&stage.inbox(1)), ["kept"]);
}
