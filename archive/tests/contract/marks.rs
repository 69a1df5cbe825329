//! Messages that were taken back or have expired: nobody reads their content, and their numbers stay.

use godwit_archive::{AppendError, ConversationQuery, Entry, GoneReason, RecordKind};
use godwit_model::ServerId;

use crate::stage::{START_MS, Stage, bodies, group, keyed, message, wait};

on_both_disks! {
    a_marked_message_is_a_tombstone_for_every_reader,
    a_mark_outlives_restarts_and_sealed_segments,
    the_draft_of_a_marked_message_is_still_recognised,
    the_first_reason_of_a_message_stays,
    a_mark_of_nothing_does_no_harm,
    an_expired_message_is_a_tombstone_from_that_moment_on,
    a_copy_that_was_announced_before_is_shown_without_its_content,
    a_message_and_the_notice_of_its_end_are_one_commit,
}

fn taken_back(stage: &Stage, id: ServerId, reason: GoneReason) {
    wait(stage.archive.mark(id, reason).expect("room")).expect("durable");
}

/// What account 1, the conversation and the id say of a message.
fn kinds(stage: &Stage, seq: u64, id: ServerId) -> [RecordKind; 3] {
    let in_inbox = stage.inbox(1)[usize::try_from(seq - 1).expect("small")].record.clone();
    let query = ConversationQuery {
        after: Some(in_inbox.conv_seq - 1),
        limit: 1,
        ..ConversationQuery::default()
    };
    let in_conversation = stage.archive.conversation(group(1), &query).expect("readable")[0].clone();
    let by_id = stage.archive.message(id).expect("readable").expect("there");
    for record in [&in_inbox, &in_conversation, &by_id] {
        assert_eq!(record.server_id, id);
        assert_eq!(record.body.is_empty(), matches!(record.kind, RecordKind::Gone(_)));
    }
    [in_inbox.kind, in_conversation.kind, by_id.kind]
}

fn a_marked_message_is_a_tombstone_for_every_reader(stage: &mut Stage) {
    let ids: Vec<_> = ["a", "b", "c"]
        .map(|body| stage.stored(message(1, [1, 2], body)).record.server_id)
        .into();
    taken_back(stage, ids[1], GoneReason::Recalled);
    assert_eq!(bodies(&stage.inbox(1)), ["a", "", "c"]);
    assert_eq!(bodies(&stage.inbox(2)), ["a", "", "c"]);
    assert_eq!(kinds(stage, 2, ids[1]), [RecordKind::Gone(GoneReason::Recalled); 3]);
    assert_eq!(kinds(stage, 1, ids[0]), [RecordKind::Message; 3]);
}

fn a_mark_outlives_restarts_and_sealed_segments(stage: &mut Stage) {
    let id = stage.stored(message(1, [1], "early")).record.server_id;
    taken_back(stage, id, GoneReason::Erased);
    let gone = [RecordKind::Gone(GoneReason::Erased); 3];
    stage.reopen();
    assert_eq!(kinds(stage, 1, id), gone);
    // Enough for several segments and a checkpoint.
    for _ in 0..400 {
        stage.stored(message(1, [1], vec![b'.'; 1_000]));
    }
    stage.reopen();
    assert_eq!(kinds(stage, 1, id), gone);
}

fn the_draft_of_a_marked_message_is_still_recognised(stage: &mut Stage) {
    let draft = || keyed(message(1, [1, 2], "said"), 7, 1);
    let first = stage.stored(draft());
    taken_back(stage, first.record.server_id, GoneReason::Recalled);
    for _ in 0..2 {
        let again = stage.stored(draft());
        assert!(again.duplicate);
        assert_eq!(
            (again.record.server_id, again.record.conv_seq, again.sender_seq),
            (first.record.server_id, 1, Some(1))
        );
        assert_eq!(again.record.kind, RecordKind::Gone(GoneReason::Recalled));
        stage.reopen();
    }
    let other = stage.send(keyed(message(1, [1, 2], "else"), 7, 2));
    assert!(matches!(other, Err(AppendError::Conflict(_))), "{other:?}");
}

fn the_first_reason_of_a_message_stays(stage: &mut Stage) {
    let id = stage.stored(message(1, [1], "x")).record.server_id;
    taken_back(stage, id, GoneReason::Recalled);
    taken_back(stage, id, GoneReason::Erased);
    stage.reopen();
    assert_eq!(kinds(stage, 1, id), [RecordKind::Gone(GoneReason::Recalled); 3]);
}

fn a_mark_of_nothing_does_no_harm(stage: &mut Stage) {
    taken_back(stage, ServerId(12), GoneReason::Erased);
    stage.stored(message(1, [1], "x"));
    stage.reopen();
    assert_eq!(bodies(&stage.inbox(1)), ["x"]);
    assert_eq!(stage.archive.message(ServerId(12)).expect("readable"), None);
}

fn an_expired_message_is_a_tombstone_from_that_moment_on(stage: &mut Stage) {
    let entry = Entry {
        expires_at_ms: Some(START_MS + 500),
        ..keyed(message(1, [1], "soon gone"), 3, 1)
    };
    let id = stage.stored(entry.clone()).record.server_id;
    stage.clock.set(START_MS + 499);
    stage.reopen();
    assert_eq!(stage.inbox(1)[0].record.expires_at_ms, Some(START_MS + 500));
    assert_eq!(kinds(stage, 1, id), [RecordKind::Message; 3]);
    stage.clock.set(START_MS + 500);
    assert_eq!(kinds(stage, 1, id), [RecordKind::Gone(GoneReason::Expired); 3]);
    assert!(stage.stored(entry).duplicate);
}

fn a_copy_that_was_announced_before_is_shown_without_its_content(stage: &mut Stage) {
    let id = stage.stored(message(1, [1, 2], "said")).record.server_id;
    let announced = stage.deliveries()[0].record.clone();
    assert_eq!(stage.archive.show(&announced).body, "said");
    taken_back(stage, id, GoneReason::Erased);
    let shown = stage.archive.show(&announced);
    assert_eq!(
        (shown.kind, shown.body.len()),
        (RecordKind::Gone(GoneReason::Erased), 0)
    );
}

fn a_message_and_the_notice_of_its_end_are_one_commit(stage: &mut Stage) {
    let id = stage.stored(message(1, [1, 2], "said")).record.server_id;
    let notice = || keyed(message(1, [1, 2], "gone"), 9, 0);
    let withdraw = |stage: &Stage, reason, notice| wait(stage.archive.withdraw(id, reason, notice).expect("room"));
    let told = withdraw(stage, GoneReason::Recalled, notice()).expect("durable");
    assert_eq!((told.duplicate, told.record.conv_seq), (false, 2));
    for _ in 0..2 {
        assert_eq!(bodies(&stage.inbox(2)), ["", "gone"]);
        assert_eq!(kinds(stage, 1, id), [RecordKind::Gone(GoneReason::Recalled); 3]);
        let again = withdraw(stage, GoneReason::Erased, notice()).expect("durable");
        assert!(again.duplicate);
        stage.reopen();
    }
    // A notice that is there already, in other words even, is no reason to show the message.
    let other = stage.stored(message(1, [1, 2], "said too")).record.server_id;
    let repeated = stage
        .archive
        .withdraw(other, GoneReason::Erased, keyed(message(1, [1, 2], "else"), 9, 1));
    assert!(matches!(wait(repeated.expect("room")), Err(AppendError::Conflict(_))));
    assert_eq!(kinds(stage, 3, other), [RecordKind::Gone(GoneReason::Erased); 3]);
}

#[test]
fn a_full_disk_takes_neither_the_mark_nor_the_notice() {
    let stage = Stage::simulated();
    let disk = stage.simulated.clone().expect("a simulated disk");
    let id = stage.stored(message(1, [1], "said")).record.server_id;
    disk.set_space(Some(disk.used()));
    while stage.send(message(1, [2], vec![b'.'; 10_000])).is_ok() {}
    let large = keyed(message(1, [1], vec![b'.'; 20_000]), 9, 0);
    let refused = wait(
        stage
            .archive
            .withdraw(id, GoneReason::Erased, large.clone())
            .expect("room"),
    );
    assert!(matches!(refused, Err(AppendError::StorageFull)), "{refused:?}");
    assert_eq!(bodies(&stage.inbox(1)), ["said"]);
    disk.set_space(None);
    stage.until("there is room again", |stage| !stage.archive.is_full());
    wait(stage.archive.withdraw(id, GoneReason::Erased, large).expect("room")).expect("durable");
    assert_eq!(stage.inbox(1)[0].record.kind, RecordKind::Gone(GoneReason::Erased));
}
