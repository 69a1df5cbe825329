//! From CONNECT to CONNACK: who is let in, who is told what, and what is taken up again.

use godwit_broker::codec::Version;
use godwit_broker::session::{Admission, ConnectRefusal, End, Limits};

use crate::client::{Asked, Pair, stored_inbox};
use crate::packets::{BOTH, Connect, DISCONNECT, Seen, packet, publish};

fn refused(version: Version, connect: &Connect) -> Vec<Seen> {
    let mut pair = Pair::new(version, Limits::default());
    assert_eq!(
        pair.send(&connect.bytes(version)),
        [],
        "nothing is asked of the platform"
    );
    assert!(pair.session.end().is_some());
    pair.seen()
}

fn code(version: Version, on_3_1_1: u8, on_5: u8) -> Vec<Seen> {
    let code = if version == Version::V5 { on_5 } else { on_3_1_1 };
    vec![Seen::ConnAck { present: false, code }]
}

#[test]
fn credentials_are_asked_for_and_nothing_is_read_meanwhile() {
    for version in BOTH {
        let mut pair = Pair::new(version, Limits::default());
        let mut bytes = Connect::default().bytes(version);
        bytes.extend(DISCONNECT);
        let asked = Asked::Authenticate {
            account: "ann".into(),
            token: "token".into(),
            device: "phone".into(),
            clean_start: true,
        };
        assert_eq!(pair.send(&bytes), [asked]);
        assert_eq!(pair.unread(), DISCONNECT.len());
        assert!(!pair.session.wants_input());
        pair.session.authenticated(0, Ok(Admission::default()));
        assert_eq!(
            pair.seen(),
            [Seen::ConnAck {
                present: false,
                code: 0
            }]
        );
        pair.pump();
        assert_eq!(pair.session.end(), Some(End::Disconnected));
    }
}

#[test]
fn every_refusal_of_the_platform_has_its_code() {
    let table = [
        (ConnectRefusal::WrongCredentials, 5, 0x87),
        (ConnectRefusal::WrongClientId, 2, 0x85),
        (ConnectRefusal::Unavailable, 3, 0x88),
        (ConnectRefusal::TooManyConnections, 3, 0x97),
    ];
    for (refusal, on_3_1_1, on_5) in table {
        for version in BOTH {
            let mut pair = Pair::new(version, Limits::default());
            pair.send(&Connect::default().bytes(version));
            pair.session.authenticated(0, Err(refusal));
            assert_eq!(pair.seen(), code(version, on_3_1_1, on_5));
            assert_eq!(pair.session.end(), Some(End::Refused(refusal)));
        }
    }
}

#[test]
fn a_connect_that_cannot_be_right_is_refused_with_a_code() {
    for version in BOTH {
        let anonymous = Connect {
            login: None,
            ..Connect::default()
        };
        assert_eq!(refused(version, &anonymous), code(version, 5, 0x87));
        let binary = Connect {
            login: Some(("ann", b"\xff")),
            ..Connect::default()
        };
        assert_eq!(refused(version, &binary), code(version, 5, 0x87));
        for account in ["", "a/b", "+", "#"] {
            let foul = Connect {
                login: Some((account, b"token")),
                ..Connect::default()
            };
            assert_eq!(refused(version, &foul), code(version, 5, 0x87), "{account}");
        }
        let nameless = Connect {
            client_id: "",
            ..Connect::default()
        };
        assert_eq!(refused(version, &nameless), code(version, 2, 0x85));
    }
    let extended = Connect {
        properties: b"\x15\x00\x05SCRAM".to_vec(),
        ..Connect::default()
    };
    assert_eq!(refused(Version::V5, &extended), code(Version::V5, 0, 0x8C));
}

#[test]
fn other_protocol_levels_are_told_so() {
    for (level, answer) in [(3, &[0x20, 2, 0, 1][..]), (6, &[0x20]), (0, &[0x20, 2, 0, 1])] {
        let mut pair = Pair::new(Version::V311, Limits::default());
        let mut connect = Connect::default().bytes(Version::V311);
        connect[8] = level;
        pair.send(&connect);
        let written = pair.session.take_outbox();
        assert!(written.starts_with(answer), "{level}: {written:02x?}");
        if level == 6 {
            assert_eq!(written[3], 0x84);
        }
        assert_eq!(
            pair.session.end(),
            Some(End::Refused(ConnectRefusal::UnsupportedVersion))
        );
    }
}

#[test]
fn who_does_not_begin_with_connect_is_not_answered() {
    let small = Limits {
        connect_bytes_max: 50,
        ..Limits::default()
    };
    for bytes in [
        publish(Version::V311, "a", godwit_broker::codec::QoS::AtMostOnce, 0, 0),
        packet(0x10, &[0; 60]),
    ] {
        let mut pair = Pair::new(Version::V311, small.clone());
        assert_eq!(pair.send(&bytes), []);
        assert_eq!(pair.seen(), []);
        assert!(matches!(pair.session.end(), Some(End::Undecodable(_))));
    }
}

#[test]
fn a_second_connect_ends_the_session() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        pair.send(&Connect::default().bytes(version));
        let told = if version == Version::V5 {
            vec![Seen::Disconnect(0x82)]
        } else {
            vec![]
        };
        assert_eq!(pair.seen(), told);
        assert!(pair.session.end().is_some());
    }
}

#[test]
fn a_stored_session_is_taken_up_unless_the_start_is_clean() {
    for version in BOTH {
        for clean_start in [false, true] {
            let mut pair = Pair::new(version, Limits::default());
            pair.send(
                &Connect {
                    clean_start,
                    ..Connect::default()
                }
                .bytes(version),
            );
            let admission = Admission {
                stored: Some(stored_inbox()),
                sent_before: 0,
            };
            pair.session.authenticated(0, Ok(admission));
            assert_eq!(
                pair.seen(),
                [Seen::ConnAck {
                    present: !clean_start,
                    code: 0
                }]
            );
            assert_eq!(pair.session.subscriptions().inbox().is_some(), !clean_start);
            assert_eq!(pair.session.room() > 0, !clean_start);
        }
    }
}

#[test]
fn what_outlives_the_connection_follows_from_the_connect() {
    let expiry = |version, clean_start, properties: &[u8]| {
        let connect = Connect {
            clean_start,
            properties: properties.to_vec(),
            ..Connect::default()
        };
        let pair = Pair::open_with(version, Limits::default(), &connect);
        pair.session.persistence().map(|kept| kept.expiry_s)
    };
    assert_eq!(expiry(Version::V311, true, b""), None);
    assert_eq!(expiry(Version::V311, false, b""), Some(u32::MAX));
    assert_eq!(expiry(Version::V5, false, b""), None);
    assert_eq!(expiry(Version::V5, true, b"\x11\x00\x00\x00\x09"), Some(9));
}

#[test]
fn a_goodbye_may_change_the_expiry_but_not_raise_it_from_nothing() {
    let goodbye = packet(0xe0, b"\x00\x05\x11\x00\x00\x00\x07");
    let lasting = Connect {
        properties: b"\x11\x00\x00\x00\x09".to_vec(),
        ..Connect::default()
    };
    let mut pair = Pair::open_with(Version::V5, Limits::default(), &lasting);
    pair.send(&goodbye);
    assert_eq!(pair.session.persistence().map(|kept| kept.expiry_s), Some(7));
    assert_eq!(pair.session.end(), Some(End::Disconnected));

    let mut pair = Pair::open(Version::V5);
    pair.send(&goodbye);
    assert_eq!(pair.seen(), [Seen::Disconnect(0x82)]);
}

#[test]
fn a_will_is_kept_until_a_goodbye() {
    let connect = Connect {
        will: true,
        ..Connect::default()
    };
    for version in BOTH {
        let mut pair = Pair::open_with(version, Limits::default(), &connect);
        assert_eq!(pair.session.will().map(|will| &*will.payload), Some(&b"gone"[..]));
        pair.session.finish(End::Lost);
        assert!(pair.session.will().is_some());

        let mut pair = Pair::open_with(version, Limits::default(), &connect);
        pair.send(&DISCONNECT);
        assert_eq!(pair.session.will(), None);
    }
    let mut pair = Pair::open_with(Version::V5, Limits::default(), &connect);
    pair.send(&packet(0xe0, &[4]));
    assert!(pair.session.will().is_some(), "0x04 asks for the will");
}

#[test]
fn an_mqtt_5_client_is_told_the_limits() {
    let limits = Limits {
        keep_alive_max_s: 100,
        session_expiry_max_s: 50,
        ..Limits::default()
    };
    let connect = Connect {
        keep_alive_s: 0,
        properties: b"\x11\xff\xff\xff\xff".to_vec(),
        ..Connect::default()
    };
    let mut pair = Pair::new(Version::V5, limits);
    pair.send(&connect.bytes(Version::V5));
    pair.session.authenticated(0, Ok(Admission::default()));
    let written = pair.session.take_outbox();
    let holds = |property: &[u8]| written.windows(property.len()).any(|bytes| bytes == property);
    assert!(holds(&[0x13, 0, 100]), "server keep alive");
    assert!(holds(&[0x11, 0, 0, 0, 50]), "session expiry");
    assert!(holds(&[0x21, 0, 64]), "receive maximum");
    assert_eq!(pair.session.persistence().map(|kept| kept.expiry_s), Some(50));
    assert_eq!(pair.session.next_timeout(), Some(150_000));
}
