//! Subscriptions: the own account's three topics, and a code for everything else.

use godwit_broker::codec::{QoS, Version};
use godwit_broker::session::{Limits, Subscriptions};
use godwit_model::Refusal;

use crate::client::{Asked, Pair};
use crate::packets::{BOTH, Connect, Seen, packet, subscribe, unsubscribe};

#[test]
fn only_the_own_accounts_topics_are_granted() {
    let table: [(&str, u8, u8); 14] = [
        ("im/ann/inbox", 2, 1),
        ("im/ann/reply", 2, 0),
        ("im/ann/event", 1, 0),
        ("im/ann/#", 1, 1),
        ("im/ann/outbox", 1, 0x87),
        ("im/bob/inbox", 1, 0x87),
        ("im/bob/#", 1, 0xA2),
        ("im/ann/inbox/x", 1, 0x87),
        ("#", 1, 0xA2),
        ("+/+/inbox", 1, 0xA2),
        ("im/+/inbox", 1, 0xA2),
        ("im/ann/+", 1, 0xA2),
        ("$share/g/im/ann/inbox", 1, 0x9E),
        ("im/ann#", 1, 0x8F),
    ];
    let filters: Vec<_> = table.iter().map(|(filter, qos, _)| (*filter, *qos)).collect();
    for version in BOTH {
        let mut pair = Pair::open(version);
        let asked = pair.send(&subscribe(version, 5, &filters));
        assert!(matches!(&asked[..], [Asked::Subscribe(_)]), "{asked:?}");
        assert_eq!(pair.seen(), [], "nothing is granted before it is stored");
        pair.session.subscribed(0, Ok(()));
        let code = |code: u8| {
            if version == Version::V311 && code >= 0x80 {
                0x80
            } else {
                code
            }
        };
        let codes = table.iter().map(|row| code(row.2)).collect();
        assert_eq!(pair.seen(), [Seen::SubAck(5, codes)]);
    }
}

#[test]
fn a_list_of_nothing_but_refusals_changes_nothing() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        assert_eq!(pair.send(&subscribe(version, 5, &[("im/bob/inbox", 1)])), []);
        let code = if version == Version::V5 { 0x87 } else { 0x80 };
        assert_eq!(pair.seen(), [Seen::SubAck(5, vec![code])]);
        assert_eq!(pair.session.subscriptions(), Subscriptions::default());
        assert_eq!(pair.session.room(), 0);
    }
}

#[test]
fn subscriptions_that_could_not_be_stored_are_not_granted() {
    for (version, code) in [(Version::V311, 0x80), (Version::V5, 0x97)] {
        let mut pair = Pair::open(version);
        pair.send(&subscribe(version, 5, &[("im/ann/inbox", 1), ("im/bob/inbox", 0)]));
        pair.session.subscribed(0, Err(Refusal::StorageFull));
        let foreign = if version == Version::V5 { 0x87 } else { 0x80 };
        assert_eq!(pair.seen(), [Seen::SubAck(5, vec![code, foreign])]);
        assert_eq!(pair.session.subscriptions(), Subscriptions::default());
    }
}

#[test]
fn unsubscribing_takes_back_one_filter_and_leaves_the_others() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        pair.send(&subscribe(version, 1, &[("im/ann/inbox", 0), ("im/ann/#", 1)]));
        pair.session.subscribed(0, Ok(()));
        assert_eq!(
            pair.session.subscriptions().inbox(),
            Some(QoS::AtLeastOnce),
            "the higher one counts"
        );
        pair.seen();

        pair.send(&unsubscribe(version, 2, &["im/ann/#", "im/ann/event", "im/bob/inbox"]));
        pair.session.subscribed(0, Ok(()));
        let codes = if version == Version::V5 {
            vec![0, 0x11, 0x11]
        } else {
            vec![]
        };
        assert_eq!(pair.seen(), [Seen::UnsubAck(2, codes)]);
        let left = pair.session.subscriptions();
        assert_eq!(
            (left.inbox(), left.reply(), left.event()),
            (Some(QoS::AtMostOnce), false, false)
        );

        assert_eq!(
            pair.send(&unsubscribe(version, 3, &["im/ann/reply"])),
            [],
            "nothing to store"
        );
        assert!(matches!(pair.seen()[..], [Seen::UnsubAck(3, _)]));
    }
}

#[test]
fn stored_bits_bring_back_the_same_subscriptions() {
    let mut pair = Pair::open(Version::V311);
    pair.send(&subscribe(
        Version::V311,
        1,
        &[("im/ann/inbox", 1), ("im/ann/reply", 0)],
    ));
    pair.session.subscribed(0, Ok(()));
    let before = pair.session.subscriptions();
    let after = Subscriptions::from_bits(before.bits());
    assert_eq!(after, before);
    assert_eq!(
        (after.inbox(), after.reply(), after.event()),
        (Some(QoS::AtLeastOnce), true, false)
    );
}

#[test]
fn only_a_clean_start_moves_the_cursor_to_the_head_and_only_once() {
    let starts = |pair: &mut Pair, qos: u8| {
        let asked = pair.send(&subscribe(pair.version, 1, &[("im/ann/inbox", qos)]));
        pair.session.subscribed(0, Ok(()));
        let [Asked::Subscribe(change)] = asked[..] else {
            panic!("{asked:?}")
        };
        change.starts_at_head
    };
    for version in BOTH {
        let mut clean = Pair::open(version);
        assert!(!starts(&mut clean, 0), "a live view leaves the cursor alone");
        assert!(starts(&mut clean, 1));
        assert!(!starts(&mut clean, 1), "subscribing again goes on");

        let connect = Connect {
            clean_start: false,
            ..Connect::default()
        };
        assert!(!starts(&mut Pair::open_with(version, Limits::default(), &connect), 1));
    }
}

#[test]
fn nothing_is_read_until_the_subscriptions_are_stored() {
    let mut pair = Pair::open(Version::V311);
    let mut bytes = subscribe(Version::V311, 1, &[("im/ann/inbox", 1)]);
    bytes.extend(subscribe(Version::V311, 2, &[("im/ann/event", 0)]));
    assert_eq!(pair.send(&bytes).len(), 1);
    pair.session.subscribed(0, Ok(()));
    assert_eq!(pair.pump().len(), 1);
}

#[test]
fn a_subscription_identifier_ends_the_session() {
    let mut pair = Pair::open(Version::V5);
    let mut body = vec![0, 1, 2, 0x0B, 9];
    crate::packets::put(&mut body, b"im/ann/inbox");
    body.push(1);
    assert_eq!(pair.send(&packet(0x82, &body)), []);
    assert_eq!(pair.seen(), [Seen::Disconnect(0xA1)]);
}
