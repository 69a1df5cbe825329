//! Topic aliases, both ways: numbers for topics while a connection lasts.

use bytes::BytesMut;
use godwit_broker::codec::{QoS, Version};
use godwit_broker::session::{Answer, Delivered, Extras, Limits, Place};
use godwit_model::Refusal;
use rumqttc::v5::mqttbytes::v5;

use crate::client::{Asked, Pair};
use crate::packets::{Connect, Seen, packet, put};

/// A PUBLISH of QoS 1 with an alias.
fn publish(topic: &str, id: u16, alias: u16) -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, topic.as_bytes());
    body.extend(id.to_be_bytes());
    body.extend([3, 0x23]);
    body.extend(alias.to_be_bytes());
    body.extend(b"{}");
    packet(0x30 | QoS::AtLeastOnce.bits() << 1, &body)
}

fn place(asked: &[Asked]) -> Place {
    match asked {
        [Asked::Publish { place, .. }] => *place,
        other => panic!("one publication, not {other:?}"),
    }
}

#[test]
fn an_alias_stands_for_the_topic_it_was_last_given() {
    let mut pair = Pair::open(Version::V5);
    assert_eq!(place(&pair.send(&publish("im/ann/outbox", 1, 8))), Place::Outbox);
    assert_eq!(place(&pair.send(&publish("", 2, 8))), Place::Outbox);
    assert_eq!(place(&pair.send(&publish("im/ann/request", 3, 8))), Place::Request);
    assert_eq!(place(&pair.send(&publish("", 4, 8))), Place::Request);
    for ticket in 0..4 {
        pair.answer(ticket, Answer::Accepted);
    }
    pair.seen();
    // A topic that is refused has its alias all the same.
    for topic in ["im/bob/outbox", ""] {
        assert_eq!(
            pair.send(&publish(topic, 5, 1)),
            [Asked::Refused(Refusal::TopicForbidden)]
        );
        assert_eq!(pair.seen(), [Seen::PubAck(5, 0x87)]);
    }
}

#[test]
fn aliases_outside_the_announced_range_and_aliases_of_nothing_end_the_session() {
    for (topic, alias, code) in [
        ("im/ann/outbox", 0, 0x94),
        ("", 0, 0x94),
        ("im/ann/outbox", 9, 0x94),
        ("", u16::MAX, 0x94),
        ("", 1, 0x82),
        ("", 8, 0x82),
    ] {
        let mut pair = Pair::open(Version::V5);
        assert_eq!(pair.send(&publish(topic, 1, alias)), []);
        assert_eq!(pair.seen(), [Seen::Disconnect(code)], "{topic:?} {alias}");
    }
    let mut pair = Pair::open(Version::V5);
    pair.send(b"\x30\x03\x00\x00\x00");
    assert_eq!(pair.seen(), [Seen::Disconnect(0x82)], "neither topic nor alias");
}

fn delivery(bytes: &[u8]) -> v5::Publish {
    match v5::Packet::read(&mut BytesMut::from(bytes), None) {
        Ok(v5::Packet::Publish(publish)) => publish,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_inbox_topic_is_named_once_to_a_client_that_takes_aliases() {
    for (most, named) in [(None, 3), (Some(0), 3), (Some(1), 1), (Some(500), 1)] {
        let connect = Connect {
            properties: most.map_or_else(Vec::new, |most: u16| {
                let [high, low] = most.to_be_bytes();
                vec![0x22, high, low]
            }),
            ..Connect::default()
        };
        let mut pair = Pair::subscribed(Version::V5, Limits::default(), &connect, 1);
        let mut topics = Vec::new();
        for seq in 1..=3 {
            assert_eq!(pair.session.deliver(seq, &[b"x"]), Delivered::Sent);
            let publish = delivery(&pair.session.take_outbox());
            let alias = publish.properties.as_ref().and_then(|said| said.topic_alias);
            assert_eq!(alias, (named == 1).then_some(1), "{most:?}");
            topics.push(publish.topic);
        }
        assert_eq!(
            topics.iter().filter(|topic| topic.as_ref() == b"im/ann/inbox").count(),
            named
        );
        assert_eq!(topics.iter().filter(|topic| topic.is_empty()).count(), 3 - named);
    }
}

#[test]
fn an_entry_too_large_for_the_client_does_not_use_the_alias_up() {
    let connect = Connect {
        properties: vec![0x22, 0, 1, 0x27, 0, 0, 0, 40],
        ..Connect::default()
    };
    let mut pair = Pair::subscribed(Version::V5, Limits::default(), &connect, 1);
    assert_eq!(pair.session.deliver(1, &[&[b'x'; 60]]), Delivered::TooLarge);
    assert_eq!(pair.session.deliver(1, &[b"x"]), Delivered::Sent);
    assert_eq!(delivery(&pair.session.take_outbox()).topic.as_ref(), b"im/ann/inbox");
    // What the name took is now there for the payload.
    assert_eq!(pair.session.deliver(2, &[&[b'x'; 30]]), Delivered::Sent);
    assert!(pair.session.take_outbox().len() <= 40);
}

#[test]
fn user_properties_are_left_out_where_only_they_do_not_fit() {
    let connect = Connect {
        properties: vec![0x27, 0, 0, 0, 60],
        ..Connect::default()
    };
    let mut pair = Pair::subscribed(Version::V5, Limits::default(), &connect, 1);
    for (seq, value, kept) in [(1, "v", true), (2, "a value that is too long for this client", false)] {
        let user_properties = [("k".to_owned(), value.to_owned())];
        let extras = Extras {
            message_expiry_s: Some(7),
            user_properties: &user_properties,
        };
        assert_eq!(pair.session.deliver_with(seq, &[b"{}"], extras), Delivered::Sent);
        let said = delivery(&pair.session.take_outbox()).properties.expect("an expiry");
        assert_eq!(said.message_expiry_interval, Some(7));
        assert_eq!(said.user_properties.len(), usize::from(kept));
    }
}
