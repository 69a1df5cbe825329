//! MQTT 5's No Local: what a device published stays away from it, and the acknowledgement says where it stands.

use bytes::BytesMut;
use godwit_broker::codec::Version;
use rumqttc::v5::mqttbytes::v5;

use crate::house::{Client, House, Phone, seq, words};
use crate::packets::{Seen, puback, subscribe};

const NO_LOCAL: u8 = 1 << 2;

/// A device on MQTT 5 that subscribes to its inbox with No Local.
async fn listen(house: &House, phone: &Phone, qos: u8) -> Client {
    let (mut client, _) = house.enter(Version::V5, phone, false).await;
    let filter = format!("im/{}/inbox", phone.account);
    client
        .send(&subscribe(Version::V5, 9, &[(&filter, qos | NO_LOCAL)]))
        .await;
    assert_eq!(client.next().await, Seen::SubAck(9, vec![qos]));
    client
}

/// What comes next, as another implementation reads it.
async fn packet(client: &mut Client) -> v5::Packet {
    let bytes = client.bytes_or_end().await.expect("a packet, not the end");
    v5::Packet::read(&mut BytesMut::from(&bytes[..]), None).expect("a packet")
}

/// The value of a user property of an acknowledgement.
fn property(ack: &v5::PubAck, name: &str) -> String {
    let properties = ack.properties.as_ref().expect("properties");
    let found = properties.user_properties.iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no {name} in {ack:?}")).1.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_and_entries_together_number_the_inbox_without_gaps() {
    const EACH: u16 = 30;
    let house = House::new().await;
    let (ann, bob) = (house.phone("ann", "1").await, house.phone("bob", "1").await);
    let tablet = house.phone("ann", "2").await;
    let mut at_ann = listen(&house, &ann, 1).await;
    let mut at_tablet = listen(&house, &tablet, 1).await;
    let mut at_bob = house.enter(Version::V5, &bob, true).await.0;
    for id in 1..=EACH {
        at_ann.send(&ann.text(Version::V5, "bob", id, "from ann")).await;
        at_bob.send(&bob.text(Version::V5, "ann", id, "from bob")).await;
    }
    let (mut own, mut others) = (Vec::new(), Vec::new());
    while own.len() + others.len() < usize::from(2 * EACH) {
        match packet(&mut at_ann).await {
            v5::Packet::PubAck(ack) => {
                own.push(property(&ack, "seq").parse::<u64>().unwrap());
                assert!(property(&ack, "conv").starts_with("s-"));
                assert!(!property(&ack, "convSeq").is_empty() && !property(&ack, "serverTime").is_empty());
            }
            v5::Packet::Publish(publish) => {
                let entry = String::from_utf8(publish.payload.to_vec()).unwrap();
                assert_eq!(words(&entry), "from bob");
                others.push(seq(&entry));
                at_ann.send(&puback(publish.pkid)).await;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((own.len(), others.len()), (usize::from(EACH), usize::from(EACH)));
    assert!(own.is_sorted() && others.is_sorted());
    let mut all = [own, others].concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(1..=u64::from(2 * EACH)));

    // It is local to the device that published: the account's other device has everything.
    for at in 1..=u64::from(2 * EACH) {
        assert_eq!(seq(&at_tablet.entry().await), at);
    }

    // And it is acknowledged by that: nothing of it comes again.
    at_ann.leave().await;
    let mut at_ann = house.enter(Version::V5, &ann, false).await.0;
    at_bob.send(&bob.text(Version::V5, "ann", 99, "welcome back")).await;
    assert_eq!(words(&at_ann.entry().await), "welcome back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_told_the_same_number_and_a_live_view_leaves_out_its_own() {
    let house = House::new().await;
    let (ann, bob) = (house.phone("ann", "1").await, house.phone("bob", "1").await);
    let mut at_ann = listen(&house, &ann, 0).await;
    let mut at_bob = house.enter(Version::V5, &bob, true).await.0;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        at_ann.send(&ann.text(Version::V5, "bob", 1, "once")).await;
        let v5::Packet::PubAck(ack) = packet(&mut at_ann).await else {
            panic!("something else than the acknowledgement");
        };
        numbers.push((property(&ack, "seq"), property(&ack, "serverId")));
    }
    assert_eq!(numbers[0].0, "1");
    assert_eq!(numbers[0], numbers[1]);
    at_bob.send(&bob.text(Version::V5, "ann", 1, "hello")).await;
    let Seen::Publish { qos: 0, payload, .. } = at_ann.next().await else {
        panic!("something else than bob's words");
    };
    assert_eq!(words(&String::from_utf8(payload).unwrap()), "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_on_with_3_1_1_gets_everything_again() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    listen(&house, &ann, 1).await.leave().await;
    let (mut at_ann, _) = house.enter(Version::V311, &ann, false).await;
    at_ann.send(&ann.text(Version::V311, "ann", 1, "note to self")).await;
    let mut seen = vec![at_ann.next().await, at_ann.next().await];
    seen.retain(|packet| matches!(packet, Seen::Publish { .. }));
    assert_eq!(seen.len(), 1, "3.1.1 has no No Local");
}
