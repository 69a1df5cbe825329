//! What the specifications call malformed, with the code that says so.

use godwit_broker::codec::{DecodeError, Reason, Version, decode, frame};

fn refused(bytes: &[u8], version: Version) -> DecodeError {
    match frame::split(bytes, 1_000) {
        Ok(Some(whole)) => decode(whole, version).expect_err("must be refused"),
        Ok(None) => panic!("not a whole packet: {bytes:02x?}"),
        Err(error) => error,
    }
}

#[test]
fn malformed_packets_of_both_versions_are_refused() {
    let table: [(&str, &[u8]); 12] = [
        ("reserved flags of SUBSCRIBE", b"\x80\x08\x00\x01\x00\x03a/b\x00"),
        ("reserved flags of PINGREQ", b"\xc1\x00"),
        ("a body of PINGREQ", b"\xc0\x01\x00"),
        ("QoS 3", b"\x36\x07\x00\x03a/b\x00\x01"),
        ("a duplicate of QoS 0", b"\x38\x06\x00\x03a/b\x00"),
        ("a topic that is longer than the packet", b"\x30\x04\x00\x09ab"),
        ("a topic that is not UTF-8", b"\x30\x05\x00\x02\xff\xfe\x00"),
        ("a surrogate in a topic", b"\x30\x06\x00\x03\xed\xa0\x80\x00"),
        ("U+0000 in a topic", b"\x30\x05\x00\x02a\x00\x00"),
        (
            "a protocol that is not MQTT",
            b"\x10\x0c\x00\x04HTTP\x04\x02\x00\x00\x00\x00",
        ),
        (
            "the reserved flag of CONNECT",
            b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x00\x00\x00",
        ),
        (
            "will flags without a will",
            b"\x10\x0c\x00\x04MQTT\x04\x0a\x00\x00\x00\x00",
        ),
    ];
    for (what, bytes) in table {
        for version in [Version::V311, Version::V5] {
            assert_eq!(refused(bytes, version).reason(), Reason::MALFORMED_PACKET, "{what}");
        }
    }
}

/// What is readable but not allowed.
const NOT_ALLOWED: [(&str, &[u8], Version, Reason); 13] = [
    (
        "packet id 0",
        b"\x32\x07\x00\x03a/b\x00\x00",
        Version::V311,
        Reason::PROTOCOL_ERROR,
    ),
    ("no filter", b"\x82\x02\x00\x01", Version::V311, Reason::PROTOCOL_ERROR),
    (
        "a packet of servers",
        b"\x20\x02\x00\x00",
        Version::V311,
        Reason::PROTOCOL_ERROR,
    ),
    ("AUTH on 3.1.1", b"\xf0\x00", Version::V311, Reason::PROTOCOL_ERROR),
    (
        "subscription options on 3.1.1",
        b"\x82\x08\x00\x01\x00\x03a/b\x04",
        Version::V311,
        Reason::MALFORMED_PACKET,
    ),
    (
        "a wildcard in a topic",
        b"\x30\x05\x00\x03a/#",
        Version::V311,
        Reason::TOPIC_NAME_INVALID,
    ),
    (
        "neither a topic nor an alias (OASIS MQTT 5.0, 3.3.2.1)",
        b"\x30\x03\x00\x00\x00",
        Version::V5,
        Reason::PROTOCOL_ERROR,
    ),
    (
        "topic alias 0",
        b"\x30\x06\x00\x00\x03\x23\x00\x00",
        Version::V5,
        Reason::TOPIC_ALIAS_INVALID,
    ),
    (
        "a property twice",
        b"\x30\x0a\x00\x01a\x04\x01\x01\x01\x01xx",
        Version::V5,
        Reason::PROTOCOL_ERROR,
    ),
    (
        "a property of another packet",
        b"\x30\x09\x00\x01a\x03\x21\x00\x01xx",
        Version::V5,
        Reason::PROTOCOL_ERROR,
    ),
    (
        "an unknown property",
        b"\x30\x06\x00\x01a\x02\x7f\x00",
        Version::V5,
        Reason::MALFORMED_PACKET,
    ),
    (
        "an overlong property length",
        b"\x30\x05\x00\x01a\x80\x00",
        Version::V5,
        Reason::MALFORMED_PACKET,
    ),
    (
        "MQTT 3.1",
        b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x00\x00\x00",
        Version::V311,
        Reason::UNSUPPORTED_PROTOCOL_VERSION,
    ),
];

#[test]
fn what_is_readable_but_not_allowed_has_its_own_code() {
    for (what, bytes, version, reason) in NOT_ALLOWED {
        assert_eq!(refused(bytes, version).reason(), reason, "{what}");
    }
    assert_eq!(refused(b"\x30\xff\x7f", Version::V5).reason(), Reason::PACKET_TOO_LARGE);
}
