//! What time does: the connect timeout, keep-alive, draining; and how a session is ended from outside.

use godwit_broker::codec::{QoS, Version};
use godwit_broker::session::{Admission, Answer, ConnectRefusal, End, Limits};

use crate::client::Pair;
use crate::packets::{BOTH, Connect, PINGREQ, Seen, draft};

#[test]
fn who_does_not_connect_in_time_is_closed() {
    let mut pair = Pair::new(Version::V311, Limits::default());
    assert_eq!(pair.session.next_timeout(), Some(10_000));
    pair.session.tick(9_999);
    assert_eq!(pair.session.end(), None);
    pair.session.tick(10_000);
    assert_eq!(pair.session.end(), Some(End::ConnectTimeout));
    assert_eq!(pair.seen(), []);
}

#[test]
fn a_platform_that_does_not_answer_the_credentials_is_unavailable() {
    for (version, code) in [(Version::V311, 3), (Version::V5, 0x88)] {
        let mut pair = Pair::new(version, Limits::default());
        pair.send(&Connect::default().bytes(version));
        pair.session.tick(10_000);
        assert_eq!(pair.seen(), [Seen::ConnAck { present: false, code }]);
        assert_eq!(pair.session.end(), Some(End::Refused(ConnectRefusal::Unavailable)));
        pair.session.authenticated(10_001, Ok(Admission::default()));
        assert_eq!(pair.seen(), [], "a late answer changes nothing");
    }
}

#[test]
fn silence_of_one_and_a_half_keep_alive_intervals_ends_the_session() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        assert_eq!(pair.session.next_timeout(), Some(90_000));
        pair.now = 80_000;
        pair.send(&PINGREQ);
        assert_eq!(pair.seen(), [Seen::PingResp]);
        assert_eq!(pair.session.next_timeout(), Some(170_000));
        pair.session.tick(169_999);
        assert_eq!(pair.session.end(), None);
        pair.session.tick(170_000);
        assert_eq!(pair.session.end(), Some(End::KeepAliveTimeout));
        let told = if version == Version::V5 {
            vec![Seen::Disconnect(0x8D)]
        } else {
            vec![]
        };
        assert_eq!(pair.seen(), told);
    }
}

#[test]
fn a_client_of_3_1_1_without_keep_alive_may_be_silent() {
    let connect = Connect {
        keep_alive_s: 0,
        ..Connect::default()
    };
    let pair = Pair::open_with(Version::V311, Limits::default(), &connect);
    assert_eq!(pair.session.next_timeout(), None);
}

#[test]
fn who_is_not_read_from_is_not_blamed_for_silence() {
    let limits = Limits {
        publications_max: 1,
        ..Limits::default()
    };
    let mut pair = Pair::open_with(Version::V311, limits, &Connect::default());
    pair.send(&draft(Version::V311, QoS::AtLeastOnce, 1));
    assert_eq!(pair.session.next_timeout(), None);
    pair.session.tick(1_000_000);
    assert_eq!(pair.session.end(), None);
    pair.now = 1_000_000;
    pair.answer(0, Answer::Accepted);
    assert_eq!(pair.session.next_timeout(), Some(1_090_000));
}

#[test]
fn a_session_ended_from_outside_tells_an_mqtt_5_client_why() {
    let ends = [
        (End::TakenOver, 0x8E),
        (End::Retired, 0x98),
        (End::ShuttingDown, 0x8B),
        (End::Failed, 0x80),
    ];
    for (end, code) in ends {
        for version in BOTH {
            let mut pair = Pair::open(version);
            pair.session.finish(end);
            pair.session.finish(End::Lost);
            assert_eq!(pair.session.end(), Some(end), "the first reason stays");
            let told = if version == Version::V5 {
                vec![Seen::Disconnect(code)]
            } else {
                vec![]
            };
            assert_eq!(pair.seen(), told);
            assert!(!pair.session.wants_input());
        }
    }
}

#[test]
fn a_draining_session_reads_no_more_and_waits_for_what_is_pending() {
    for version in BOTH {
        let mut pair = Pair::open(version);
        pair.send(&draft(version, QoS::AtLeastOnce, 1));
        pair.session.drain(500);
        assert!(!pair.session.wants_input());
        assert_eq!((pair.session.end(), pair.session.next_timeout()), (None, Some(500)));
        pair.answer(0, Answer::Accepted);
        assert_eq!(pair.session.end(), Some(End::ShuttingDown));
        let mut told = vec![Seen::PubAck(1, 0)];
        told.extend((version == Version::V5).then_some(Seen::Disconnect(0x8B)));
        assert_eq!(pair.seen(), told);

        let mut pair = Pair::open(version);
        pair.send(&draft(version, QoS::AtLeastOnce, 1));
        pair.session.drain(500);
        pair.session.tick(500);
        assert_eq!(
            pair.session.end(),
            Some(End::ShuttingDown),
            "the deadline ends it unanswered"
        );

        let mut pair = Pair::open(version);
        pair.session.drain(500);
        assert_eq!(pair.session.end(), Some(End::ShuttingDown), "nothing to wait for");
    }
}
