//! What MQTT 5 carries beside a payload, and what it cannot carry.

use bytes::BytesMut;
use godwit_broker::codec::Version;
use rumqttc::v5::mqttbytes::v5;

use crate::house::{Client, House, seq, words};
use crate::packets::{Connect, Seen, packet, puback, put};

/// A draft with user properties.
fn publish(account: &str, id: u16, draft: &str, pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut properties = Vec::new();
    for (name, value) in pairs {
        properties.push(0x26);
        put(&mut properties, name.as_bytes());
        put(&mut properties, value.as_bytes());
    }
    let mut body = Vec::new();
    put(&mut body, format!("im/{account}/outbox").as_bytes());
    body.extend(id.to_be_bytes());
    body.push(u8::try_from(properties.len()).unwrap());
    body.extend(properties);
    body.extend(draft.as_bytes());
    packet(0x32, &body)
}

/// The next delivery as another implementation reads it.
async fn delivery(client: &mut Client) -> v5::Publish {
    let bytes = client.bytes_or_end().await.expect("a packet, not the end");
    match v5::Packet::read(&mut BytesMut::from(&bytes[..]), None) {
        Ok(v5::Packet::Publish(publish)) => publish,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn user_properties_come_with_the_message_and_stand_in_it_for_everybody() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    let tablet = house.phone("bob", "2").await;
    let (mut at_ann, _) = house.enter(Version::V5, &ann, true).await;
    let mut at_bob = house.listen(Version::V5, &bob).await;
    let mut at_tablet = house.listen(Version::V311, &tablet).await;
    let pairs = [("trace", "7"), ("trace", "8"), ("", "\u{2603}")];
    let draft = r#"{"id":"1","to":"bob","type":-1,"color":"red"}"#;
    at_ann.send(&publish(&ann.account, 1, draft, &pairs)).await;
    assert_eq!(at_ann.next().await, Seen::PubAck(1, 0));
    let expected = r#""ext":{"properties":[["trace","7"],["trace","8"],["","☃"]],"color":"red"}"#;
    let entry = at_tablet.entry().await;
    assert!(entry.contains(expected), "{entry}");
    let published = delivery(&mut at_bob).await;
    assert!(String::from_utf8_lossy(&published.payload).contains(expected));
    let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(published.properties.expect("user properties").user_properties, owned);
    at_bob.send(&puback(published.pkid)).await;

    // They are part of what the draft means, and bounded.
    at_ann.send(&publish(&ann.account, 2, draft, &pairs)).await;
    assert_eq!(at_ann.next().await, Seen::PubAck(2, 0), "a repeat");
    at_ann.send(&publish(&ann.account, 3, draft, &pairs[..1])).await;
    assert_eq!(at_ann.next().await, Seen::PubAck(3, 0x80), "another message");
    let other = r#"{"id":"2","to":"bob","type":-1}"#;
    let mut bytes = Vec::new();
    put(&mut bytes, format!("im/{}/outbox", ann.account).as_bytes());
    // 33 of them, each of five bytes.
    bytes.extend([0, 4, 0xA5, 1]);
    bytes.extend([0x26, 0, 0, 0, 0].repeat(33));
    bytes.extend(other.as_bytes());
    at_ann.send(&packet(0x32, &bytes)).await;
    assert_eq!(at_ann.next().await, Seen::PubAck(4, 0x99));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_too_small_for_an_entry_is_told_so_under_its_number() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    let (mut at_ann, _) = house.enter(Version::V311, &ann, true).await;
    house.listen(Version::V5, &bob).await.leave().await;
    for (id, words) in [(1, "short"), (2, "long"), (3, "short again")] {
        let words = words.repeat(if id == 2 { 200 } else { 1 });
        at_ann.send(&ann.text(Version::V311, "bob", id, &words)).await;
        assert_eq!(at_ann.next().await, Seen::PubAck(id, 0));
    }
    let small = Connect {
        properties: b"\x11\x00\x01\x00\x00\x27\x00\x00\x02\x00".to_vec(),
        ..bob.connect(false)
    };
    let mut at_bob = house.dial(Version::V5).await;
    at_bob.send(&small.bytes(Version::V5)).await;
    assert!(matches!(at_bob.next().await, Seen::ConnAck { present: true, code: 0 }));
    assert_eq!(words(&at_bob.entry().await), "short");
    let notice = at_bob.entry().await;
    assert!(notice.starts_with(r#"{"seq":2,"tooLarge":{"bytes":"#), "{notice}");
    assert_eq!(words(&at_bob.entry().await), "short again");
    at_bob.send(&crate::packets::PINGREQ).await;
    assert_eq!(at_bob.next().await, Seen::PingResp);
    // The acknowledged notice moved the cursor.
    at_ann.send(&ann.text(Version::V311, "bob", 4, "next")).await;
    let (mut at_bob, _) = house.enter(Version::V5, &bob, false).await;
    assert_eq!(seq(&at_bob.entry().await), 4);

    // Too small even for the notice: told so, and nothing is lost.
    at_ann.send(&ann.text(Version::V311, "bob", 5, "not lost")).await;
    assert_eq!(seq(&at_bob.entry().await), 5);
    at_bob.leave().await;
    at_ann.send(&ann.text(Version::V311, "bob", 6, "kept")).await;
    let tiny = Connect {
        properties: b"\x11\x00\x01\x00\x00\x27\x00\x00\x00\x30".to_vec(),
        ..bob.connect(false)
    };
    let mut at_bob = house.dial(Version::V5).await;
    at_bob.send(&tiny.bytes(Version::V5)).await;
    assert!(matches!(at_bob.next().await, Seen::ConnAck { present: true, code: 0 }));
    assert_eq!(at_bob.next().await, Seen::Disconnect(0x95));
    let (mut at_bob, _) = house.enter(Version::V5, &bob, false).await;
    assert_eq!(words(&at_bob.entry().await), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_expires_and_deliveries_carry_what_is_left_of_its_time() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    let (mut at_ann, _) = house.enter(Version::V5, &ann, true).await;
    let mut at_bob = house.listen(Version::V5, &bob).await;
    let with_expiry = |id: u16, seconds: u32| {
        let mut body = Vec::new();
        put(&mut body, format!("im/{}/outbox", ann.account).as_bytes());
        body.extend(id.to_be_bytes());
        body.extend([5, 0x02]);
        body.extend(seconds.to_be_bytes());
        body.extend(format!(r#"{{"id":"{id}","to":"bob","type":-1}}"#).bytes());
        packet(0x32, &body)
    };
    at_ann.send(&with_expiry(1, 1_000)).await;
    assert_eq!(at_ann.next().await, Seen::PubAck(1, 0));
    let published = delivery(&mut at_bob).await;
    let left = published.properties.and_then(|said| said.message_expiry_interval);
    assert!(left.is_some_and(|left| (990..=1_000).contains(&left)), "{left:?}");
    at_bob.send(&puback(published.pkid)).await;
    // The same draft with less time left is the same message.
    let mut again = with_expiry(1, 900);
    again[0] |= 8;
    at_ann.send(&again).await;
    assert_eq!(at_ann.next().await, Seen::PubAck(1, 0));
    // No time at all: only its number is left.
    at_ann.send(&with_expiry(2, 0)).await;
    assert_eq!(at_ann.next().await, Seen::PubAck(2, 0));
    let entry = at_bob.entry().await;
    assert_eq!(entry, r#"{"seq":2,"gone":"expired"}"#);
}
