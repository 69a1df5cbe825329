//! Publications: in order, once, bounded, and refused with a code.

use godwit_broker::codec::{QoS, Version};
use godwit_broker::session::{Answer, End, Limits, Place};
use godwit_model::{Refusal, Refused};

use crate::client::{Asked, Pair};
use crate::packets::{BOTH, Connect, Seen, draft, packet, publish, pubrel};

const QOS_1: QoS = QoS::AtLeastOnce;
const QOS_2: QoS = QoS::ExactlyOnce;

fn ticket(asked: &[Asked]) -> u64 {
    match asked {
        [Asked::Publish { ticket, .. }] => *ticket,
        other => panic!("one publication, not {other:?}"),
    }
}

#[test]
fn nothing_is_acknowledged_before_it_is_answered_and_then_in_the_order_of_receipt() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        let first = ticket(&pair.send(&draft(version, QOS_1, 1)));
        let second = ticket(&pair.send(&draft(version, QOS_2, 2)));
        let third = ticket(&pair.send(&draft(version, QOS_1, 3)));
        assert_eq!(pair.seen(), []);
        pair.answer(third, Answer::Accepted);
        pair.answer(second, Answer::Accepted);
        assert_eq!(pair.seen(), []);
        pair.answer(first, Answer::Accepted);
        assert_eq!(
            pair.seen(),
            [Seen::PubAck(1, 0), Seen::PubRec(2, 0), Seen::PubAck(3, 0)]
        );
        pair.answer(first, Answer::Accepted);
        assert_eq!(pair.seen(), [], "a second answer is ignored");
    }
}

#[test]
fn qos_0_is_taken_and_not_acknowledged() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        let asked = pair.send(&draft(version, QoS::AtMostOnce, 0));
        pair.answer(ticket(&asked), Answer::Accepted);
        assert_eq!(pair.seen(), []);
        assert_eq!(pair.session.pending_publications(), 0);
    }
}

#[test]
fn a_qos_2_publication_is_published_once_until_it_is_released() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        let first = ticket(&pair.send(&draft(version, QOS_2, 7)));
        assert_eq!(pair.send(&draft(version, QOS_2, 7)), [], "again while pending");
        pair.answer(first, Answer::Accepted);
        assert_eq!(pair.seen(), [Seen::PubRec(7, 0)]);
        assert_eq!(
            pair.send(&publish(version, "im/ann/outbox", QOS_2, 7, 8)),
            [],
            "again before the release"
        );
        assert_eq!(pair.seen(), [Seen::PubRec(7, 0)]);
        pair.send(&pubrel(7));
        assert_eq!(pair.seen(), [Seen::PubComp(7, 0)]);
        assert_eq!(pair.send(&draft(version, QOS_2, 7)).len(), 1, "the id is free again");
    }
}

#[test]
fn the_release_of_an_unknown_id_is_completed() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        pair.send(&pubrel(9));
        let code = if version == Version::V5 { 0x92 } else { 0 };
        assert_eq!(pair.seen(), [Seen::PubComp(9, code)]);
    }
}

#[test]
fn topics_have_their_place_and_foreign_ones_are_refused() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        let asked = pair.send(&publish(version, "im/ann/request", QOS_1, 1, 0));
        assert!(
            matches!(
                &asked[..],
                [Asked::Publish {
                    place: Place::Request,
                    objection: None,
                    ..
                }]
            ),
            "{asked:?}"
        );
        pair.answer(0, Answer::Accepted);
        assert_eq!(pair.seen(), [Seen::PubAck(1, 0)]);
        for topic in [
            "im/bob/outbox",
            "im/ann/inbox",
            "im/ann/event",
            "im/ann/outbox/x",
            "elsewhere",
            "$SYS/x",
        ] {
            let asked = pair.send(&publish(version, topic, QOS_1, 2, 0));
            match (version, &asked[..]) {
                (Version::V5, [Asked::Refused(Refusal::TopicForbidden)]) => {
                    assert_eq!(pair.seen(), [Seen::PubAck(2, 0x87)], "{topic}");
                }
                (
                    Version::V311,
                    [
                        Asked::Publish {
                            ticket,
                            place: Place::Elsewhere,
                            objection: Some(Refusal::TopicForbidden),
                            ..
                        },
                    ],
                ) => {
                    assert_eq!(pair.seen(), []);
                    pair.answer(*ticket, Answer::Accepted);
                    assert_eq!(pair.seen(), [Seen::PubAck(2, 0)], "{topic}");
                }
                other => panic!("{topic}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_refusal_is_told_on_5_and_frees_the_id_of_qos_2() {
    let refused = Answer::Refused(Refused::new(Refusal::NotMember, "not a member of g:team"));
    let mut pair = Pair::open(Version::V5);
    let first = ticket(&pair.send(&draft(Version::V5, QOS_1, 1)));
    pair.answer(first, refused.clone());
    let written = pair.session.take_outbox();
    assert_eq!(written[..5], [0x40, 29, 0, 1, 0x87]);
    assert!(written.ends_with(b"not a member of g:team"));

    let second = ticket(&pair.send(&draft(Version::V5, QOS_2, 2)));
    pair.answer(second, refused.clone());
    assert_eq!(pair.seen(), [Seen::PubRec(2, 0x87)]);
    assert_eq!(pair.send(&draft(Version::V5, QOS_2, 2)).len(), 1, "the id is free");

    let mut pair = Pair::open(Version::V311);
    let first = ticket(&pair.send(&draft(Version::V311, QOS_2, 1)));
    pair.answer(first, refused);
    assert_eq!(pair.seen(), [Seen::PubRec(1, 0)], "3.1.1 has no way to say no");
}

#[test]
fn reasons_are_sent_only_to_whom_wants_and_can_take_them() {
    let unwanted = Connect {
        properties: vec![0x17, 0],
        ..Connect::default()
    };
    let tiny = Connect {
        properties: vec![0x27, 0, 0, 0, 20],
        ..Connect::default()
    };
    for connect in [unwanted, tiny] {
        let mut pair = Pair::open_with(Version::V5, Limits::default(), &connect);
        let first = ticket(&pair.send(&draft(Version::V5, QOS_1, 1)));
        pair.answer(first, Answer::Refused(Refused::new(Refusal::NotMember, "not a member")));
        assert_eq!(pair.session.take_outbox(), [0x40, 3, 0, 1, 0x87]);
    }
}

#[test]
fn codes_an_acknowledgement_cannot_carry_become_ones_it_can() {
    for refusal in Refusal::ALL {
        let mut pair = Pair::open(Version::V5);
        let first = ticket(&pair.send(&draft(Version::V5, QOS_1, 1)));
        pair.answer(first, Answer::Refused(refusal.into()));
        let [Seen::PubAck(1, code)] = pair.seen()[..] else {
            panic!("no PUBACK")
        };
        assert!(
            [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99].contains(&code),
            "{refusal:?}: {code:#x}"
        );
    }
}

#[test]
fn retained_publications_end_an_mqtt_5_session_and_are_refused_on_3_1_1() {
    let mut pair = Pair::open(Version::V5);
    assert_eq!(pair.send(&publish(Version::V5, "im/ann/outbox", QOS_1, 1, 1)), []);
    assert_eq!(pair.seen(), [Seen::Disconnect(0x9A)]);
    assert_eq!(pair.session.end(), Some(End::RetainNotSupported));

    let mut pair = Pair::open(Version::V311);
    let asked = pair.send(&publish(Version::V311, "im/ann/outbox", QOS_1, 1, 1));
    assert!(
        matches!(
            &asked[..],
            [Asked::Publish {
                objection: Some(Refusal::Unsupported),
                ..
            }]
        ),
        "{asked:?}"
    );
}

#[test]
fn more_than_the_receive_maximum_ends_an_mqtt_5_session() {
    let limits = Limits {
        publications_max: 2,
        ..Limits::default()
    };
    for qos in [QOS_1, QOS_2] {
        let mut pair = Pair::open_with(Version::V5, limits.clone(), &Connect::default());
        pair.send(&draft(Version::V5, qos, 1));
        pair.send(&draft(Version::V5, qos, 2));
        pair.answer(0, Answer::Accepted);
        if qos == QOS_2 {
            pair.send(&pubrel(1));
        }
        assert_eq!(
            pair.send(&draft(Version::V5, qos, 3)).len(),
            1,
            "an answer frees a place"
        );
        pair.seen();
        assert_eq!(pair.send(&draft(Version::V5, qos, 4)), []);
        assert_eq!(pair.seen(), [Seen::Disconnect(0x93)]);
    }
}

#[test]
fn a_full_queue_stops_the_reading_of_3_1_1_and_an_answer_resumes_it() {
    let limits = Limits {
        publications_max: 2,
        ..Limits::default()
    };
    let mut pair = Pair::open_with(Version::V311, limits, &Connect::default());
    let four: Vec<u8> = (1..=4).flat_map(|id| draft(Version::V311, QOS_1, id)).collect();
    assert_eq!(pair.send(&four).len(), 2);
    assert!(!pair.session.wants_input() && pair.unread() > 0);
    assert_eq!(pair.pump(), []);
    pair.answer(1, Answer::Accepted);
    assert_eq!(pair.pump(), [], "the first one still holds its place");
    pair.answer(0, Answer::Accepted);
    assert_eq!(pair.pump().len(), 2);
    assert_eq!(pair.seen(), [Seen::PubAck(1, 0), Seen::PubAck(2, 0)]);
}

#[test]
fn qos_0_cannot_fill_the_queue_without_bound() {
    let limits = Limits {
        publications_max: 2,
        ..Limits::default()
    };
    for (version, places) in [(Version::V311, 2), (Version::V5, 4)] {
        let mut pair = Pair::open_with(version, limits.clone(), &Connect::default());
        let many: Vec<u8> = (0..10).flat_map(|_| draft(version, QoS::AtMostOnce, 0)).collect();
        assert_eq!(pair.send(&many).len(), places);
        assert!(!pair.session.wants_input());
    }
}

#[test]
fn ids_that_are_never_released_are_bounded_on_3_1_1() {
    let limits = Limits {
        publications_max: 2,
        unreleased_max: 3,
        ..Limits::default()
    };
    let mut pair = Pair::open_with(Version::V311, limits, &Connect::default());
    for id in 1..=5 {
        let ticket = ticket(&pair.send(&draft(Version::V311, QOS_2, id)));
        pair.answer(ticket, Answer::Accepted);
    }
    assert_eq!(pair.send(&draft(Version::V311, QOS_2, 6)), []);
    assert_eq!(pair.session.end(), Some(End::ReceiveMaximumExceeded));
}

#[test]
fn what_an_asking_publication_carries_reaches_the_platform() {
    let mut pair = Pair::open(Version::V5);
    let mut body = b"\x00\x0eim/ann/request\x00\x05".to_vec();
    body.extend(b"\x08\x08\x00\x05reply{}");
    let asked = pair.send(&packet(0x32, &body));
    let [
        Asked::Publish {
            response_topic,
            payload,
            ..
        },
    ] = &asked[..]
    else {
        panic!("{asked:?}")
    };
    assert_eq!((response_topic.as_deref(), &payload[..]), (Some("reply"), &b"{}"[..]));
}

#[test]
fn a_too_large_packet_is_refused_by_its_header() {
    for version in BOTH {
        let mut pair = Pair::open_with(
            version,
            Limits {
                packet_bytes_max: 100,
                ..Limits::default()
            },
            &Connect::default(),
        );
        assert_eq!(pair.send(&[0x30, 0x64]), []);
        let told = if version == Version::V5 {
            vec![Seen::Disconnect(0x95)]
        } else {
            vec![]
        };
        assert_eq!(pair.seen(), told);
        assert!(matches!(pair.session.end(), Some(End::Undecodable(_))));
    }
}
