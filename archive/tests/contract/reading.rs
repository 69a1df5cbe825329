//! Pages of inboxes and conversations, over segments that are sealed and one that is not.

use godwit_archive::{ConversationQuery, InboxQuery};
use godwit_model::ServerId;

use crate::stage::{START_MS, Stage, bodies, conv_seqs, group, message, page};

on_both_disks! {
    an_inbox_is_read_from_either_end,
    history_of_a_conversation_is_the_inbox_filtered,
    history_since_a_time_starts_at_the_first_message_of_it,
    a_page_ends_at_its_bytes_but_is_never_empty_for_them,
    a_conversation_is_read_whole,
    every_message_is_found_by_its_id,
    the_log_is_read_in_its_order_from_anywhere,
}

/// 1,000 messages in two conversations, one each millisecond, in several segments.
fn filled(stage: &mut Stage) {
    for n in 1..=1000_u64 {
        stage.clock.set(START_MS + n);
        let mut body = n.to_string().into_bytes();
        body.resize(300, b' ');
        stage.stored(message(1 + n % 2, [1, 2], body));
        if n == 700 {
            stage.reopen();
        }
    }
    assert!(
        stage
            .disk
            .list()
            .expect("readable")
            .iter()
            .filter(|name| name.strip_suffix(".idx").is_some())
            .count()
            > 2
    );
}

fn seqs(stage: &Stage, query: InboxQuery) -> Vec<u64> {
    stage.page(1, &query).iter().map(|item| item.seq).collect()
}

fn an_inbox_is_read_from_either_end(stage: &mut Stage) {
    filled(stage);
    // After, before, limit, and the first and last number of the page.
    let cases = [
        (None, None, 50, 951, 1000),
        (Some(0), None, 50, 1, 50),
        (Some(480), None, 50, 481, 530),
        (Some(990), None, 50, 991, 1000),
        (Some(0), None, 5000, 1, 1000),
        (None, Some(501), 50, 451, 500),
        (None, Some(11), 50, 1, 10),
        (Some(200), Some(211), 50, 201, 210),
    ];
    for (after, before, limit, first, last) in cases {
        let query = InboxQuery {
            after,
            before,
            limit,
            ..page()
        };
        assert_eq!(seqs(stage, query), (first..=last).collect::<Vec<_>>(), "{query:?}");
    }
    for (after, before, limit) in [
        (Some(1000), None, 50),
        (Some(u64::MAX), None, 50),
        (None, Some(0), 50),
        (None, None, 0),
    ] {
        let query = InboxQuery {
            after,
            before,
            limit,
            ..page()
        };
        assert!(seqs(stage, query).is_empty(), "{query:?}");
    }
    assert_eq!(stage.page(77, &page()), []);
}

fn history_of_a_conversation_is_the_inbox_filtered(stage: &mut Stage) {
    filled(stage);
    let query = InboxQuery {
        conversation: Some(group(1)),
        ..page()
    };
    assert_eq!(seqs(stage, query), (902..=1000).step_by(2).collect::<Vec<_>>());
    assert_eq!(
        seqs(
            stage,
            InboxQuery {
                after: Some(100),
                ..query
            }
        ),
        (102..=200).step_by(2).collect::<Vec<_>>()
    );
    assert_eq!(
        seqs(
            stage,
            InboxQuery {
                before: Some(6),
                ..query
            }
        ),
        [2, 4]
    );
    assert!(
        seqs(
            stage,
            InboxQuery {
                conversation: Some(group(9)),
                ..query
            }
        )
        .is_empty()
    );
}

fn history_since_a_time_starts_at_the_first_message_of_it(stage: &mut Stage) {
    filled(stage);
    for since in [1, 2, 333, 334, 951, 1000] {
        let query = InboxQuery {
            since_ms: Some(START_MS + since),
            limit: 3,
            ..page()
        };
        assert_eq!(seqs(stage, query), (since..=1000).take(3).collect::<Vec<_>>());
    }
    assert!(
        seqs(
            stage,
            InboxQuery {
                since_ms: Some(START_MS + 1001),
                ..page()
            }
        )
        .is_empty()
    );
    let query = InboxQuery {
        since_ms: Some(START_MS + 600),
        conversation: Some(group(2)),
        limit: 2,
        ..page()
    };
    assert_eq!(seqs(stage, query), [601, 603]);
    let query = InboxQuery {
        since_ms: Some(START_MS + 10),
        before: Some(13),
        ..page()
    };
    assert_eq!(seqs(stage, query), [10, 11, 12]);
    let query = ConversationQuery {
        since_ms: Some(START_MS + 600),
        limit: 2,
        ..ConversationQuery::default()
    };
    assert_eq!(
        conv_seqs(&stage.archive.conversation(group(1), &query).expect("readable")),
        [300, 301]
    );
}

fn a_page_ends_at_its_bytes_but_is_never_empty_for_them(stage: &mut Stage) {
    filled(stage);
    assert_eq!(
        seqs(
            stage,
            InboxQuery {
                after: Some(10),
                bytes_max: 900,
                ..page()
            }
        ),
        [11, 12, 13]
    );
    assert_eq!(
        seqs(
            stage,
            InboxQuery {
                bytes_max: 900,
                ..page()
            }
        ),
        [998, 999, 1000]
    );
    assert_eq!(
        seqs(
            stage,
            InboxQuery {
                after: Some(10),
                bytes_max: 1,
                ..page()
            }
        ),
        [11]
    );
}

fn a_conversation_is_read_whole(stage: &mut Stage) {
    filled(stage);
    let read = |query: ConversationQuery| stage.archive.conversation(group(2), &query).expect("readable");
    let newest = read(ConversationQuery {
        limit: 3,
        ..ConversationQuery::default()
    });
    assert_eq!(conv_seqs(&newest), [498, 499, 500]);
    let old = read(ConversationQuery {
        after: Some(99),
        limit: 2,
        ..ConversationQuery::default()
    });
    assert_eq!(conv_seqs(&old), [100, 101]);
    assert!(old[0].body.starts_with(b"199 "));
    let before = read(ConversationQuery {
        before: Some(3),
        limit: 9,
        ..ConversationQuery::default()
    });
    assert_eq!(conv_seqs(&before), [1, 2]);
}

fn every_message_is_found_by_its_id(stage: &mut Stage) {
    filled(stage);
    for item in stage.inbox(2) {
        let found = stage.archive.message(item.record.server_id).expect("readable");
        assert_eq!(found.as_ref(), Some(&item.record));
    }
    assert_eq!(bodies(&stage.inbox(1)), bodies(&stage.inbox(2)));
    assert_eq!(stage.archive.message(ServerId(1)).expect("readable"), None);
}

fn the_log_is_read_in_its_order_from_anywhere(stage: &mut Stage) {
    assert_eq!(stage.archive.last_message(), ServerId(0));
    assert!(
        stage
            .archive
            .log_after(ServerId(0), 10, 1 << 20)
            .expect("readable")
            .records
            .is_empty()
    );
    filled(stage);
    for limit in [1, 7, 64, 5_000] {
        let (mut at, mut bodies) = (ServerId(0), Vec::new());
        loop {
            let page = stage.archive.log_after(at, limit, 1 << 30).expect("readable");
            if page.records.is_empty() {
                break;
            }
            assert!(page.records.len() <= limit && page.last > at);
            assert_eq!(page.records.last().map(|record| record.server_id), Some(page.last));
            at = page.last;
            bodies.extend(
                page.records
                    .iter()
                    .map(|record| String::from_utf8_lossy(&record.body).trim().to_owned()),
            );
        }
        assert_eq!(at, stage.archive.last_message());
        let expected: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
        assert_eq!(bodies, expected);
    }
    let page = stage.archive.log_after(ServerId(0), 500, 1_000).expect("readable");
    assert_eq!(page.records.len(), 4, "a page ends with the message that fills it");
    let last = stage.archive.last_message();
    stage.reopen();
    assert_eq!(stage.archive.last_message(), last);
    stage.stored(message(1, [1], "next"));
    let page = stage.archive.log_after(last, 10, 1 << 20).expect("readable");
    assert_eq!(page.records.len(), 1);
}
