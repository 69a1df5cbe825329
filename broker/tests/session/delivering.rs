//! Deliveries: packet ids from numbers, a window, and the client's own limits.

use godwit_broker::codec::Version;
use godwit_broker::session::{Admission, Delivered, End, Limits};

use crate::client::{Asked, Pair, stored_inbox};
use crate::packets::{BOTH, Connect, Seen, packet, puback, subscribe};

fn ready(version: Version) -> Pair {
    Pair::subscribed(version, Limits::default(), &Connect::default(), 1)
}

#[test]
fn a_delivery_carries_the_id_of_its_number_and_comes_back_as_that_number() {
    for version in BOTH {
        let mut pair = ready(version);
        for (seq, id) in [(65_535, 65_535), (65_536, 1), (70_000, 4_465)] {
            assert_eq!(pair.session.deliver(seq, &[b"{", b"}"]), Delivered::Sent);
            let expected = Seen::Publish {
                topic: "im/ann/inbox".into(),
                qos: 1,
                dup: false,
                id,
                payload: b"{}".to_vec(),
            };
            assert_eq!(pair.seen(), [expected]);
        }
        assert_eq!(pair.send(&puback(1)), [Asked::Delivered(65_536)], "out of order");
        assert_eq!(pair.send(&puback(1)), [], "a second time");
        assert_eq!(pair.send(&puback(65_535)), [Asked::Delivered(65_535)]);
        assert_eq!(pair.send(&puback(4_465)), [Asked::Delivered(70_000)]);
        assert_eq!(pair.send(&puback(77)), [], "an id that is not in flight");
        assert_eq!(pair.session.end(), None);
    }
}

#[test]
fn the_window_is_the_clients_receive_maximum_within_ours() {
    let limits = Limits {
        deliveries_max: 5,
        ..Limits::default()
    };
    let receive = |count: u8| Connect {
        properties: vec![0x21, 0, count],
        ..Connect::default()
    };
    for (version, connect, window) in [
        (Version::V311, Connect::default(), 5),
        (Version::V5, Connect::default(), 5),
        (Version::V5, receive(2), 2),
        (Version::V5, receive(200), 5),
    ] {
        let mut pair = Pair::subscribed(version, limits.clone(), &connect, 1);
        assert_eq!(pair.session.room(), window);
        for seq in 1..=window as u64 {
            assert_eq!(pair.session.deliver(seq, &[b"x"]), Delivered::Sent);
        }
        assert_eq!(pair.session.room(), 0);
        assert_eq!(pair.session.deliver(9, &[b"x"]), Delivered::NotNow);
        pair.send(&puback(1));
        assert_eq!(pair.session.room(), 1);
        assert_eq!(pair.session.deliver(9, &[b"x"]), Delivered::Sent);
    }
}

#[test]
fn deliveries_up_to_what_was_sent_before_are_marked_as_duplicates() {
    for version in BOTH {
        let mut pair = Pair::new(version, Limits::default());
        pair.send(
            &Connect {
                clean_start: false,
                ..Connect::default()
            }
            .bytes(version),
        );
        pair.session.authenticated(
            0,
            Ok(Admission {
                stored: Some(stored_inbox()),
                sent_before: 2,
            }),
        );
        pair.seen();
        for (seq, expected) in [(1, true), (2, true), (3, false)] {
            pair.session.deliver(seq, &[b"x"]);
            assert!(
                matches!(pair.seen()[..], [Seen::Publish { dup, .. }] if dup == expected),
                "{seq}"
            );
        }
    }
}

#[test]
fn a_live_view_is_sent_without_ids() {
    for version in BOTH {
        let mut pair = Pair::subscribed(version, Limits::default(), &Connect::default(), 0);
        for seq in 1..=500 {
            assert_eq!(pair.session.deliver(seq, &[b"x"]), Delivered::Forgotten);
        }
        assert!(
            pair.seen()
                .iter()
                .all(|seen| matches!(seen, Seen::Publish { qos: 0, id: 0, .. }))
        );
    }
}

#[test]
fn what_the_client_cannot_take_is_not_sent() {
    let connect = Connect {
        properties: vec![0x27, 0, 0, 0, 40],
        ..Connect::default()
    };
    let mut pair = Pair::subscribed(Version::V5, Limits::default(), &connect, 1);
    // Fixed header 2, topic 14, id 2, property length 1: 21 bytes are left for the payload.
    assert_eq!(pair.session.deliver(1, &[&[b'x'; 22]]), Delivered::TooLarge);
    assert_eq!(pair.session.room(), 100, "it takes no place");
    assert_eq!(pair.session.deliver(1, &[&[b'x'; 21]]), Delivered::Sent);
    assert_eq!(pair.session.take_outbox().len(), 40);
}

#[test]
fn nothing_is_delivered_without_a_subscription() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        assert_eq!(pair.session.deliver(1, &[b"x"]), Delivered::NotNow);
        assert!(!pair.session.event(b"typing"));
        assert!(!pair.session.reply(None, None, b"{}"));
        assert_eq!(pair.seen(), []);
    }
}

#[test]
fn replies_and_events_go_to_their_topics_and_replies_to_the_topic_asked_for() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        pair.send(&subscribe(version, 1, &[("im/ann/reply", 1), ("im/ann/event", 1)]));
        pair.session.subscribed(0, Ok(()));
        pair.seen();
        let publish = |topic: &str, payload: &[u8]| Seen::Publish {
            topic: topic.into(),
            qos: 0,
            dup: false,
            id: 0,
            payload: payload.to_vec(),
        };
        assert!(pair.session.reply(None, None, b"{}"));
        assert!(pair.session.event(b"typing"));
        assert_eq!(
            pair.seen(),
            [publish("im/ann/reply", b"{}"), publish("im/ann/event", b"typing")]
        );
    }
    let mut pair = Pair::open(Version::V5);
    assert!(
        pair.session.reply(Some("my/answers"), Some(b"7"), b"{}"),
        "no subscription is needed"
    );
    let written = pair.session.take_outbox();
    assert_eq!(written, b"\x30\x13\x00\x0amy/answers\x04\x09\x00\x017{}");
}

#[test]
fn answers_of_qos_2_to_a_qos_1_delivery_end_the_session() {
    for (version, first) in BOTH.into_iter().flat_map(|version| [(version, 0x50), (version, 0x70)]) {
        let mut pair = ready(version);
        pair.session.deliver(1, &[b"x"]);
        assert_eq!(pair.send(&packet(first, &[0, 1])), []);
        assert!(matches!(pair.session.end(), Some(End::Undecodable(_))));
    }
}
