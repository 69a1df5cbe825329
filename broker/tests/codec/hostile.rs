//! Bytes nobody should send: never a panic, never a byte beyond the packet, and no laxer than the other implementation.

use bytes::BytesMut;
use godwit_broker::codec::{Packet, Version, decode, frame};
use proptest::prelude::*;
use proptest::sample::Index;
use rumqttc::v5::mqttbytes::v5;

const LIMIT: usize = 4_096;

/// Valid packets of both versions, to be spoilt.
const SEEDS: [&[u8]; 13] = [
    b"\x10\x18\x00\x04MQTT\x04\xc2\x00\x3c\x00\x02ab\x00\x03ann\x00\x03tok",
    b"\x10\x2b\x00\x04MQTT\x05\xc6\x00\x3c\x0b\x11\x00\x00\x00\x05\x21\x00\x0a\x26\x00\x00\x00\x01d\x00\x00\x01t\x00\x01p\x00\x03ann\x00\x01t",
    b"\x32\x0b\x00\x03a/b\x00\x01body",
    b"\x32\x12\x00\x03a/b\x00\x01\x06\x09\x00\x03cor{\"a\"}",
    b"\x30\x0a\x00\x03a/b\x00body",
    b"\x62\x02\x00\x07",
    b"\x40\x06\x00\x07\x97\x02\x1f\x00",
    b"\x82\x09\x00\x01\x00\x00\x03a/b\x01",
    b"\xa2\x08\x00\x01\x00\x00\x03a/b",
    b"\xe0\x07\x00\x05\x11\x00\x00\x00\x09",
    // A topic alias beside a topic and alone, user properties, an expiry.
    b"\x32\x14\x00\x03a/b\x00\x01\x0a\x23\x00\x02\x26\x00\x01k\x00\x01v{}",
    b"\x30\x0d\x00\x00\x08\x23\x00\x02\x02\x00\x00\x00\x09{}",
    // A will with a delay and a user property.
    b"\x10\x31\x00\x04MQTT\x05\xc6\x00\x3c\x06\x19\x01\x22\x00\x05\x17\x00\x00\x01d\x0c\x18\x00\x00\x00\x03\x26\x00\x01k\x00\x01v\x00\x01t\x00\x01p\x00\x01a\x00\x01t",
];

#[derive(Clone, Debug)]
enum Spoil {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Spoil::Set(at, byte)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Spoil::Insert(at, byte)),
        any::<Index>().prop_map(Spoil::Remove),
        any::<Index>().prop_map(Spoil::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, spoil: &Spoil) {
    let length = bytes.len();
    if length == 0 {
        return;
    }
    match spoil {
        Spoil::Set(at, byte) => bytes[at.index(length)] = *byte,
        Spoil::Insert(at, byte) => bytes.insert(at.index(length), *byte),
        Spoil::Remove(at) => drop(bytes.remove(at.index(length))),
        Spoil::Cut(at) => bytes.truncate(at.index(length)),
    }
}

fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    (
        proptest::sample::select(SEEDS.to_vec()),
        proptest::collection::vec(spoil(), 0..5),
    )
        .prop_map(|(seed, spoils)| {
            let mut bytes = seed.to_vec();
            for spoil in &spoils {
                apply(&mut bytes, spoil);
            }

            bytes
        })
}

/// Reads all packets there are, as both versions.
fn walk(bytes: &[u8]) {
    for version in [Version::V311, Version::V5] {
        let mut rest = bytes;
        while let Ok(Some(whole)) = frame::split(rest, LIMIT) {
            assert!(whole.size <= rest.len() && whole.size >= 2 && whole.size <= LIMIT);
            match decode(whole, version) {
                Ok(Packet::Subscribe(subscribe)) => assert!(subscribe.filters().count() > 0),
                Ok(Packet::Unsubscribe(unsubscribe)) => assert!(unsubscribe.filters().count() > 0),
                Ok(Packet::Publish(publish)) => {
                    assert!(publish.payload.len() < whole.size);
                    assert!(!publish.topic.is_empty() || publish.properties.topic_alias.is_some());
                    let user: usize = publish
                        .properties
                        .user_properties
                        .iter()
                        .map(|(name, value)| name.len() + value.len())
                        .sum();
                    assert!(user < whole.size);
                }
                Ok(Packet::Connect(connect)) => {
                    if let Some(will) = connect.will {
                        assert!(will.user_properties.iter().count() < whole.size);
                    }
                }
                Ok(_) => {}
                Err(error) => assert!(error.reason().is_error(), "{error}"),
            }
            rest = &rest[whole.size..];
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn spoilt_packets_never_panic(packets in proptest::collection::vec(spoilt(), 1..4)) {
        walk(&packets.concat());
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        walk(&bytes);
    }

    #[test]
    fn a_packet_is_whole_at_its_last_byte_and_not_before(bytes in spoilt()) {
        if let Ok(Some(whole)) = frame::split(&bytes, LIMIT) {
            for end in 0..whole.size {
                prop_assert_eq!(frame::split(&bytes[..end], LIMIT), Ok(None));
            }
            let mut longer = bytes.clone();
            longer.extend_from_slice(b"more");
            prop_assert_eq!(frame::split(&longer, LIMIT), frame::split(&bytes, LIMIT));
        }
    }

    #[test]
    fn a_spoilt_publication_that_is_taken_means_the_same_to_the_oracle(bytes in spoilt()) {
        let Ok(Some(whole)) = frame::split(&bytes, LIMIT) else { return Ok(()) };
        let Ok(Packet::Publish(ours)) = decode(whole, Version::V5) else { return Ok(()) };
        let mut stream = BytesMut::from(&bytes[..]);
        let Ok(v5::Packet::Publish(theirs)) = v5::Packet::read(&mut stream, None) else {
            panic!("taken here, refused by the oracle: {bytes:02x?}");
        };
        prop_assert_eq!(ours.topic.as_bytes(), theirs.topic.as_ref());
        prop_assert_eq!(ours.payload, theirs.payload.as_ref());
        prop_assert_eq!((ours.packet_id, ours.qos.bits()), (theirs.pkid, theirs.qos as u8));
    }
}
