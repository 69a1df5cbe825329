//! Publications: in order, once, bounded, and refused with a code.

use bytes::BytesMut;
use godwit_broker::codec::{QoS, Version};
use godwit_broker::session::{Answer, End, Limits, Place};
use godwit_model::{Refusal, Refused};
use rumqttc::v5::mqttbytes::v5;

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
    let why = (0x87, "not a member of g:team".to_owned(), code_property("not_member"));
    assert_eq!(told(&pair.session.take_outbox()), why);

    let second = ticket(&pair.send(&draft(Version::V5, QOS_2, 2)));
    pair.answer(second, refused.clone());
    let written = pair.session.take_outbox();
    assert_eq!((written[0], told(&written)), (0x50, why));
    assert_eq!(pair.send(&draft(Version::V5, QOS_2, 2)).len(), 1, "the id is free");

    let mut pair = Pair::open(Version::V311);
    let first = ticket(&pair.send(&draft(Version::V311, QOS_2, 1)));
    pair.answer(first, refused);
    assert_eq!(pair.seen(), [Seen::PubRec(1, 0)], "3.1.1 has no way to say no");
}

/// Reason code, reason string and user properties, as an independent codec reads them.
fn told(acknowledgement: &[u8]) -> (u8, String, Vec<(String, String)>) {
    let mut bytes = BytesMut::from(acknowledgement);
    let properties = match v5::Packet::read(&mut bytes, None) {
        Ok(v5::Packet::PubAck(ack)) => ack.properties.map(|p| (p.reason_string, p.user_properties)),
        Ok(v5::Packet::PubRec(rec)) => rec.properties.map(|p| (p.reason_string, p.user_properties)),
        other => panic!("{other:?}"),
    };
    assert!(bytes.is_empty(), "one packet, not {acknowledgement:x?}");
    let (text, user) = properties.unwrap_or_default();
    (acknowledgement[4], text.unwrap_or_default(), user)
}

fn code_property(code: &str) -> Vec<(String, String)> {
    vec![("code".into(), code.into())]
}

fn refused_with(properties: Vec<u8>) -> Vec<u8> {
    let connect = Connect {
        properties,
        ..Connect::default()
    };
    let mut pair = Pair::open_with(Version::V5, Limits::default(), &connect);
    let first = ticket(&pair.send(&draft(Version::V5, QOS_1, 1)));
    pair.answer(first, Answer::Refused(Refused::new(Refusal::NotMember, "not a member")));
    pair.session.take_outbox()
}

#[test]
fn a_client_that_wants_no_problem_information_gets_the_bare_reason() {
    assert_eq!(refused_with(vec![0x17, 0]), [0x40, 3, 0, 1, 0x87]);
}

#[test]
fn what_a_client_cannot_take_is_left_out_the_reason_string_first() {
    let taking = |bytes: u8| refused_with(vec![0x27, 0, 0, 0, bytes]);
    // A frame of 6 bytes, the property of 19, the reason string of 15.
    assert_eq!(
        told(&taking(40)),
        (0x87, "not a member".into(), code_property("not_member"))
    );
    assert_eq!(taking(40).len(), 40);
    assert_eq!(told(&taking(39)), (0x87, String::new(), code_property("not_member")));
    assert_eq!(told(&taking(25)), (0x87, String::new(), code_property("not_member")));
    assert_eq!(taking(24), [0x40, 3, 0, 1, 0x87]);
}

#[test]
fn every_refusal_carries_its_own_code() {
    for refusal in Refusal::ALL {
        let mut pair = Pair::open(Version::V5);
        let first = ticket(&pair.send(&draft(Version::V5, QOS_1, 1)));
        pair.answer(first, Answer::Refused(refusal.into()));
        let (_, _, user) = told(&pair.session.take_outbox());
        assert_eq!(user, code_property(refusal.code()));
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
