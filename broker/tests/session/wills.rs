//! When a will is due, and what else a session says at its end.

use bytes::BytesMut;
use godwit_broker::codec::Version;
use godwit_broker::session::{Admission, ConnectRefusal, End, Limits};
use godwit_model::Refusal;
use proptest::prelude::*;
use rumqttc::v5::mqttbytes::v5;

use crate::client::Pair;
use crate::packets::{BOTH, Connect, DISCONNECT, PINGREQ, Seen, packet, put, subscribe};

/// A CONNECT of MQTT 5 with a will.
fn connect(topic: &str, retain: bool, delay_s: u32, expiry_s: u32) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x05".to_vec();
    body.push(0xC6 | u8::from(retain) << 5);
    body.extend([0, 60, 5, 0x11]);
    body.extend(expiry_s.to_be_bytes());
    put(&mut body, b"phone");
    body.extend([5, 0x18]);
    body.extend(delay_s.to_be_bytes());
    put(&mut body, topic.as_bytes());
    put(&mut body, b"gone");
    put(&mut body, b"ann");
    put(&mut body, b"token");
    packet(0x10, &body)
}

fn open(delay_s: u32, expiry_s: u32, limits: Limits) -> Pair {
    let mut pair = Pair::new(Version::V5, limits);
    pair.send(&connect("im/ann/outbox", false, delay_s, expiry_s));
    pair.session.authenticated(0, Ok(Admission::default()));
    pair.seen();
    pair
}

#[test]
fn a_will_elsewhere_than_to_the_own_outbox_or_retained_is_refused() {
    for (topic, retain, code) in [
        ("im/bob/outbox", false, 0x87),
        ("im/ann/inbox", false, 0x87),
        ("im/ann/request", false, 0x87),
        ("elsewhere", false, 0x87),
        ("im/ann/outbox", true, 0x9A),
    ] {
        let mut pair = Pair::new(Version::V5, Limits::default());
        assert_eq!(pair.send(&connect(topic, retain, 0, 0)), []);
        assert_eq!(pair.seen(), [Seen::ConnAck { present: false, code }], "{topic}");
        assert_eq!(pair.session.will(), None);
    }
}

#[test]
fn a_will_is_due_after_its_delay_but_not_after_the_session() {
    for (delay_s, expiry_s, max, due) in [
        (0, 0, u32::MAX, 0),
        (30, 0, u32::MAX, 0),
        (30, 60, u32::MAX, 30),
        (90, 60, u32::MAX, 60),
        (90, u32::MAX, u32::MAX, 90),
        (90, u32::MAX, 10, 10),
    ] {
        let limits = Limits {
            session_expiry_max_s: max,
            ..Limits::default()
        };
        let mut pair = open(delay_s, expiry_s, limits);
        pair.session.finish(End::Lost);
        let will = pair.session.take_will().map(|(_, delay_s)| delay_s);
        assert_eq!(will, Some(due), "{delay_s} {expiry_s} {max}");
        assert_eq!(pair.session.take_will(), None, "once");
    }
}

#[test]
fn a_goodbye_that_shortens_the_session_brings_the_will_forward() {
    let mut pair = open(90, 60, Limits::default());
    pair.send(&packet(0xE0, b"\x04\x05\x11\x00\x00\x00\x07"));
    assert_eq!(pair.session.end(), Some(End::Disconnected));
    assert_eq!(pair.session.take_will().map(|(_, delay_s)| delay_s), Some(7));
}

#[test]
fn a_goodbye_cannot_make_a_session_last_longer_than_the_platform_allows() {
    let limits = Limits {
        session_expiry_max_s: 10,
        ..Limits::default()
    };
    let goodbye = packet(0xE0, b"\x00\x05\x11\xff\xff\xff\xff");
    let mut pair = open(0, 5, limits);
    pair.send(&goodbye);
    assert_eq!(pair.session.persistence().map(|kept| kept.expiry_s), Some(10));

    let none = Limits {
        session_expiry_max_s: 0,
        ..Limits::default()
    };
    let mut pair = open(0, 5, none);
    pair.send(&goodbye);
    assert_eq!(pair.seen(), [], "CONNECT asked for one, so this is no error");
    assert_eq!(pair.session.persistence(), None);
}

#[test]
fn the_second_half_of_a_refusal_is_told_unless_the_client_does_not_want_it() {
    for (properties, wanted) in [(vec![], true), (vec![0x17, 0], false)] {
        let connect = Connect {
            properties,
            ..Connect::default()
        };
        let mut pair = Pair::open_with(Version::V5, Limits::default(), &connect);
        pair.send(&subscribe(Version::V5, 1, &[("im/bob/inbox", 1)]));
        let mut bytes = BytesMut::from(&pair.session.take_outbox()[..]);
        let Ok(v5::Packet::SubAck(suback)) = v5::Packet::read(&mut bytes, None) else {
            panic!("no SUBACK")
        };
        let text = suback.properties.and_then(|said| said.reason_string);
        assert_eq!(text.is_some(), wanted);

        pair.send(&subscribe(Version::V5, 2, &[("im/ann/inbox", 1)]));
        pair.session.subscribed(0, Err(Refusal::StorageFull));
        let mut bytes = BytesMut::from(&pair.session.take_outbox()[..]);
        let Ok(v5::Packet::SubAck(suback)) = v5::Packet::read(&mut bytes, None) else {
            panic!("no SUBACK")
        };
        let text = suback.properties.and_then(|said| said.reason_string);
        assert_eq!(text.as_deref(), wanted.then(|| Refusal::StorageFull.text()));

        // A DISCONNECT may always say why.
        pair.session.finish(End::TakenOver);
        let mut bytes = BytesMut::from(&pair.session.take_outbox()[..]);
        let Ok(v5::Packet::Disconnect(goodbye)) = v5::Packet::read(&mut bytes, None) else {
            panic!("no DISCONNECT")
        };
        assert!(goodbye.properties.and_then(|said| said.reason_string).is_some());
    }
}

#[test]
fn nothing_larger_than_the_client_takes_is_written() {
    for most in 1..90_u8 {
        let connect = Connect {
            properties: vec![0x27, 0, 0, 0, most, 0x19, 1],
            ..Connect::default()
        };
        let mut pair = Pair::new(Version::V5, Limits::default());
        let mut written = Vec::new();
        pair.send(&connect.bytes(Version::V5));
        pair.session.authenticated(0, Ok(Admission::default()));
        written.push(pair.session.take_outbox());
        if pair.session.end().is_none() {
            pair.send(&subscribe(Version::V5, 1, &[("im/ann/inbox", 1), ("im/bob/inbox", 1)]));
            pair.session.subscribed(0, Ok(()));
            written.push(pair.session.take_outbox());
            pair.session.deliver(1, &[b"something to say"]);
            written.push(pair.session.take_outbox());
            pair.session.finish(End::KeepAliveTimeout);
            written.push(pair.session.take_outbox());
        }
        // A bare refusal has five bytes, and there is no shorter way to say it.
        let fits = |bytes: &Vec<u8>| bytes.len() <= usize::from(most).max(5);
        assert!(written.iter().all(fits), "{most}: {written:02x?}");
    }
}

#[test]
fn a_server_that_stops_names_another_where_there_is_one() {
    let elsewhere = Limits {
        server_reference: Some("two.example.org:1883".into()),
        ..Limits::default()
    };
    let mut pair = Pair::open_with(Version::V5, elsewhere.clone(), &Connect::default());
    pair.session.drain(500);
    let mut bytes = BytesMut::from(&pair.session.take_outbox()[..]);
    let Ok(v5::Packet::Disconnect(goodbye)) = v5::Packet::read(&mut bytes, None) else {
        panic!("no DISCONNECT")
    };
    assert_eq!(goodbye.reason_code, v5::DisconnectReasonCode::UseAnotherServer);
    let said = goodbye.properties.and_then(|said| said.server_reference);
    assert_eq!(said.as_deref(), Some("two.example.org:1883"));

    for (limits, code) in [(elsewhere.clone(), 0x9C), (Limits::default(), 0x88)] {
        let mut pair = Pair::new(Version::V5, limits);
        pair.send(&Connect::default().bytes(Version::V5));
        pair.session.drain(500);
        assert_eq!(pair.seen(), [Seen::ConnAck { present: false, code }]);
        assert_eq!(pair.session.end(), Some(End::Refused(ConnectRefusal::Closing)));
    }
    // Who has not said who it is may still do so, and is sent on.
    for (version, code) in BOTH.into_iter().zip([3, 0x9C]) {
        let mut pair = Pair::new(version, elsewhere.clone());
        pair.session.drain(500);
        assert_eq!((pair.session.end(), pair.session.next_timeout()), (None, Some(500)));
        pair.send(&Connect::default().bytes(version));
        assert_eq!(pair.seen(), [Seen::ConnAck { present: false, code }]);
    }
}

#[derive(Clone, Debug)]
enum Fate {
    Goodbye,
    GoodbyeWithWill,
    Silence,
    Nonsense,
    Ended(End),
}

fn fate() -> impl Strategy<Value = Fate> {
    let ends = [End::Lost, End::TakenOver, End::Retired, End::ShuttingDown, End::Failed];
    prop_oneof![
        Just(Fate::Goodbye),
        Just(Fate::GoodbyeWithWill),
        Just(Fate::Silence),
        Just(Fate::Nonsense),
        proptest::sample::select(ends.to_vec()).prop_map(Fate::Ended),
    ]
}

proptest! {
    /// However a session goes on and ends: the will is there unless the client took it back, due within the session,
    /// and there once.
    #[test]
    fn a_will_is_left_behind_unless_it_was_taken_back(
        delay_s: u32, expiry_s: u32, most: u32, pings in 0..4_u8, fates in proptest::collection::vec(fate(), 1..4),
    ) {
        let limits = Limits { session_expiry_max_s: most, ..Limits::default() };
        let mut pair = open(delay_s, expiry_s, limits);
        for _ in 0..pings {
            pair.send(&PINGREQ);
        }
        for fate in &fates {
            match fate {
                Fate::Goodbye => drop(pair.send(&DISCONNECT)),
                Fate::GoodbyeWithWill => drop(pair.send(&packet(0xE0, &[4]))),
                Fate::Silence => pair.session.tick(u64::MAX),
                Fate::Nonsense => drop(pair.send(&packet(0xF2, b"?"))),
                Fate::Ended(end) => pair.session.finish(*end),
            }
        }
        let will = pair.session.take_will();
        prop_assert_eq!(will.is_none(), matches!(fates[0], Fate::Goodbye));
        if let Some((will, due)) = will {
            prop_assert_eq!(due, delay_s.min(expiry_s).min(most));
            prop_assert_eq!(&*will.payload, b"gone");
        }
        prop_assert_eq!(pair.session.take_will(), None);
    }
}
