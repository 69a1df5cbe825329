//! Messages to more recipients than one commit numbers.

use godwit_model::AccountNo;

use crate::stage::{Stage, conv_seqs, group, keyed, message};

on_both_disks! {
    everybody_of_2500_gets_one_number_and_order_is_kept,
    an_interrupted_fanout_goes_on_after_a_start,
    a_resent_fanout_yields_the_same_receipt,
}

const MANY: u64 = 2500;

fn done(stage: &Stage, messages: u64) {
    stage.until("everybody has the messages", |stage| {
        (1..=MANY).all(|account| stage.archive.head(AccountNo(account)) == messages)
    });
}

fn everybody_of_2500_gets_one_number_and_order_is_kept(stage: &mut Stage) {
    let first = stage.stored(message(1, 1..=MANY, "to all"));
    assert_eq!((first.recipients, first.sender_seq), (2500, None));
    // Few recipients, but behind the fan-out of the same conversation; and another one that need not wait.
    let second = stage.stored(message(1, [3, 2500], "after it"));
    let other = stage.stored(message(2, [9000], "elsewhere"));
    assert_eq!((second.record.conv_seq, other.sender_seq), (2, Some(1)));
    let all = |account: u64| 1 + u64::from(account == 3 || account == 2500);
    stage.until("everybody has the messages", |stage| {
        (1..=MANY).all(|account| stage.archive.head(AccountNo(account)) == all(account))
    });
    for _ in 0..2 {
        for account in [1, 2, 3, 999, 1000, 1001, 2499, 2500] {
            let items = stage.inbox(account);
            assert_eq!(items[0].record, first.record);
            assert_eq!(
                items.get(1).map(|item| &item.record),
                (all(account) == 2).then_some(&second.record)
            );
        }
        let records = stage
            .archive
            .conversation(group(1), &godwit_archive::ConversationQuery::default())
            .expect("readable");
        assert!(records.is_empty(), "a limit of 0 is none");
        stage.reopen();
        assert_eq!(stage.recovery.fanouts_resumed, 0);
    }
}

fn an_interrupted_fanout_goes_on_after_a_start(stage: &mut Stage) {
    for n in 1..=4 {
        stage.stored(message(1, 1..=MANY, "to all"));
        if n % 2 == 0 {
            stage.reopen();
        }
    }
    done(stage, 4);
    for account in (1..=MANY).step_by(83) {
        let records: Vec<_> = stage.inbox(account).into_iter().map(|item| item.record).collect();
        assert_eq!(conv_seqs(&records), [1, 2, 3, 4], "inbox of {account}");
    }
    let delivered = stage
        .deliveries()
        .iter()
        .filter(|delivery| delivery.account == AccountNo(2500))
        .count();
    assert!(delivered <= 4);
}

fn a_resent_fanout_yields_the_same_receipt(stage: &mut Stage) {
    let draft = || keyed(message(1, 1..=MANY, "to all"), 1, 1);
    let first = stage.stored(draft());
    for _ in 0..2 {
        let second = stage.stored(draft());
        assert!(second.duplicate);
        assert_eq!(
            (second.record, second.recipients, second.sender_seq),
            (first.record.clone(), 2500, None)
        );
        stage.reopen();
    }
    done(stage, 1);
}
