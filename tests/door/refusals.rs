//! What is refused: an MQTT 5 client is told at once, a 3.1.1 client finds it in its inbox.

use godwit_broker::codec::{QoS, Version};

use crate::house::{Client, House, Phone, seq};
use crate::packets::{self, Seen};

#[tokio::test(flavor = "multi_thread")]
async fn an_mqtt_5_client_is_told_the_reason() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let (mut client, _) = house.enter(Version::V5, &ann, true).await;
    client.send(&ann.text(Version::V5, "nobody", 1, "hello")).await;
    assert_eq!(client.next().await, Seen::PubAck(1, 0x80));
    client.send(&ann.publish(Version::V5, "outbox", 2, b"not json")).await;
    assert_eq!(client.next().await, Seen::PubAck(2, 0x99));
    client
        .send(&packets::publish(
            Version::V5,
            "im/other/outbox",
            QoS::AtLeastOnce,
            3,
            0,
        ))
        .await;
    assert_eq!(client.next().await, Seen::PubAck(3, 0x87));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_3_1_1_client_finds_refusals_as_numbered_entries() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let mut client = house.listen(Version::V311, &ann).await;
    let foreign = br#"{"id":"foreign","to":"ann","type":0,"content":{"text":""}}"#;
    let mut elsewhere = ann.publish(Version::V311, "outbox", 3, foreign);
    // The same packet to a topic of the same length that belongs to somebody else.
    elsewhere[8] ^= 1;
    let table = [
        (
            1,
            ann.text(Version::V311, "nobody", 1, "hello"),
            "draft-1",
            "user_not_found",
        ),
        (2, ann.publish(Version::V311, "outbox", 2, b"not json"), "", "malformed"),
        (3, elsewhere, "foreign", "topic_forbidden"),
    ];
    for (id, packet, draft_id, code) in table {
        client.send(&packet).await;
        let (mut entry, mut acknowledged) = (None, false);
        while entry.is_none() || !acknowledged {
            match client.next().await {
                Seen::PubAck(acknowledged_id, 0) if acknowledged_id == id => acknowledged = true,
                Seen::Publish { id, payload, .. } => {
                    client.send(&packets::puback(id)).await;
                    entry = Some(String::from_utf8(payload).unwrap());
                }
                other => panic!("{other:?}"),
            }
        }
        let entry = entry.unwrap();
        assert!(
            entry.contains(&format!(r#""refused":{{"id":"{draft_id}","code":"{code}""#)),
            "{entry}"
        );
        assert_eq!(seq(&entry), u64::from(id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_another_body_is_a_conflict_on_both_versions() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    house.phone("bob", "1").await;
    let (mut client, _) = house.enter(Version::V5, &ann, true).await;
    client.send(&ann.text(Version::V5, "bob", 1, "one")).await;
    assert_eq!(client.next().await, Seen::PubAck(1, 0));
    client.send(&ann.text(Version::V5, "bob", 1, "one")).await;
    assert_eq!(client.next().await, Seen::PubAck(1, 0), "the same again is the same");
    client.send(&ann.text(Version::V5, "bob", 1, "two")).await;
    assert_eq!(client.next().await, Seen::PubAck(1, 0x80));

    // Its own message is number 1 of the inbox; the refusal of the conflict is number 2.
    let mut client = house.listen(Version::V311, &ann).await;
    client.entry().await;
    client.send(&ann.text(Version::V311, "bob", 1, "two")).await;
    let mut seen = [client.next().await, client.next().await];
    seen.sort_by_key(|seen| matches!(seen, Seen::PubAck(..)));
    let [Seen::Publish { payload, .. }, Seen::PubAck(1, 0)] = &seen else {
        panic!("{seen:?}")
    };
    let entry = String::from_utf8(payload.clone()).unwrap();
    assert!(entry.contains(r#""code":"id_conflict""#), "{entry}");
    assert_eq!(seq(&entry), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_what_is_not_theirs() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let eve = house.phone("eve", "1").await;
    for (version, code) in [(Version::V311, 0x80), (Version::V5, 0x87)] {
        let (mut client, _) = house.enter(version, &eve, true).await;
        let foreign = format!("im/{}/inbox", ann.account);
        client.send(&packets::subscribe(version, 1, &[(&foreign, 1)])).await;
        assert_eq!(client.next().await, Seen::SubAck(1, vec![code]));
    }
}

/// Sends until nothing is acknowledged with success any more; the answer to that one.
async fn fill(house: &House, client: &mut Client, phone: &Phone) -> (u16, Seen) {
    house.disk.set_space(Some(house.disk.used()));
    let long = "x".repeat(60_000);
    for id in 1..1_000 {
        client.send(&phone.text(client.version, "ann", id, &long)).await;
        match client.next().await {
            Seen::PubAck(acknowledged, 0) if acknowledged == id => {}
            other => return (id, other),
        }
    }
    panic!("the disk never filled up");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_5_is_refused_and_3_1_1_is_kept_waiting_unacknowledged() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let (mut client, _) = house.enter(Version::V5, &ann, true).await;
    let (id, answer) = fill(&house, &mut client, &ann).await;
    assert_eq!(answer, Seen::PubAck(id, 0x97));

    let (mut client, _) = house.enter(Version::V311, &ann, false).await;
    let late = ann.text(Version::V311, "ann", 1_007, &"x".repeat(60_000));
    client.send(&late).await;
    assert_eq!(
        client.next_soon().await,
        None,
        "neither acknowledged nor closed at once"
    );

    house.disk.set_space(None);
    let (mut client, _) = house.enter(Version::V311, &ann, false).await;
    client.send(&late).await;
    assert_eq!(client.next().await, Seen::PubAck(1_007, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_users_session_ends_and_it_is_not_let_in_until_it_may() {
    let house = House::new().await;
    for version in packets::BOTH {
        let ann = house.phone("ann", "1").await;
        let (mut client, _) = house.enter(version, &ann, true).await;
        house.block("ann", true).await;
        match client.next_or_end().await {
            Some(Seen::Disconnect(code)) => assert_eq!((version, code), (Version::V5, 0x98)),
            other => assert_eq!((version, other), (Version::V311, None)),
        }
        let mut again = house.dial(version).await;
        again.send(&ann.connect(true).bytes(version)).await;
        let code = if version == Version::V5 { 0x87 } else { 5 };
        assert_eq!(again.next().await, Seen::ConnAck { present: false, code });
        house.block("ann", false).await;
        house.enter(version, &ann, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_logged_out_loses_sessions_and_tokens() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let (mut client, _) = house.enter(Version::V5, &ann, true).await;
    house.log_out("ann").await;
    assert_eq!(client.next_or_end().await, Some(Seen::Disconnect(0x98)));
    let mut again = house.dial(Version::V5).await;
    again.send(&ann.connect(true).bytes(Version::V5)).await;
    assert_eq!(
        again.next().await,
        Seen::ConnAck {
            present: false,
            code: 0x87
        }
    );
    let back = house.phone("ann", "1").await;
    assert_eq!(back.device_id, ann.device_id);
    house.enter(Version::V5, &back, true).await;
}
