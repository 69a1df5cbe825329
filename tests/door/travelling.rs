//! Messages between devices: acknowledged, numbered, in order, and kept for who is away.

use godwit_broker::codec::Version;
use godwit_model::limits::DRAFT_BYTES_MAX;

use crate::house::{House, seq, words};
use crate::packets::{BOTH, Seen, subscribe};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_the_peer_and_every_own_device() {
    let house = House::new().await;
    for version in BOTH {
        let name = format!("{version:?}");
        let ann = house.phone(&format!("ann-{name}"), "1").await;
        let desktop = house.phone(&format!("ann-{name}"), "2").await;
        let bob = house.phone(&format!("bob-{name}"), "1").await;
        let mut at_ann = house.listen(version, &ann).await;
        let mut at_desktop = house.listen(version, &desktop).await;
        let mut at_bob = house.listen(version, &bob).await;
        at_ann
            .send(&ann.text(version, &format!("bob-{name}"), 1, "hello"))
            .await;
        let mut acknowledged = false;
        let mut own = None;
        while !acknowledged || own.is_none() {
            match at_ann.next().await {
                Seen::PubAck(1, 0) => acknowledged = true,
                Seen::Publish { payload, .. } => own = Some(String::from_utf8(payload).unwrap()),
                other => panic!("{other:?}"),
            }
        }
        for entry in [at_desktop.entry().await, at_bob.entry().await, own.unwrap()] {
            assert_eq!((words(&entry), seq(&entry)), ("hello", 1));
            assert!(entry.contains(&format!(r#""from":"ann-{name}""#)), "{entry}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_gets_everything_in_order_from_where_it_stopped() {
    const MESSAGES: u16 = 400;
    let house = House::new().await;
    for version in BOTH {
        let ann = house.phone(&format!("ann-{version:?}"), "1").await;
        let peer = format!("bob-{version:?}");
        let bob = house.phone(&peer, "1").await;
        house.listen(version, &bob).await.leave().await;

        let (mut at_ann, _) = house.enter(version, &ann, true).await;
        for first in (1..=MESSAGES).step_by(50) {
            for id in first..first + 50 {
                at_ann
                    .send(&ann.text(version, &peer, id, &format!("number {id}")))
                    .await;
            }
            for id in first..first + 50 {
                assert_eq!(at_ann.next().await, Seen::PubAck(id, 0));
            }
        }

        let (mut at_bob, present) = house.enter(version, &bob, false).await;
        assert!(present);
        // The first half is taken, then the connection breaks, then the rest comes without a gap.
        for id in 1..=MESSAGES / 2 {
            let entry = at_bob.entry().await;
            assert_eq!(
                (words(&entry), seq(&entry)),
                (format!("number {id}").as_str(), u64::from(id))
            );
        }
        // An answered ping shows that the acknowledgements before it were taken.
        at_bob.send(&crate::packets::PINGREQ).await;
        while at_bob.next().await != Seen::PingResp {}
        drop(at_bob);
        let (mut at_bob, _) = house.enter(version, &bob, false).await;
        for id in MESSAGES / 2 + 1..=MESSAGES {
            assert_eq!(seq(&at_bob.entry().await), u64::from(id));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_start_begins_at_the_head() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    for version in BOTH {
        let (mut at_ann, _) = house.enter(version, &ann, true).await;
        at_ann.send(&ann.text(version, "bob", 1, "before")).await;
        assert_eq!(at_ann.next().await, Seen::PubAck(1, 0));
        let (mut at_bob, present) = house.enter(version, &bob, true).await;
        assert!(!present);
        at_bob
            .send(&subscribe(version, 1, &[(&format!("im/{}/inbox", bob.account), 1)]))
            .await;
        assert_eq!(at_bob.next().await, Seen::SubAck(1, vec![1]));
        let draft = format!(r#"{{"id":"after-{version:?}","to":"bob","type":0,"content":{{"text":"after"}}}}"#);
        at_ann.send(&ann.publish(version, "outbox", 2, draft.as_bytes())).await;
        assert_eq!(words(&at_bob.entry().await), "after");
        at_bob.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_never_reads_holds_nobody_up_and_misses_nothing() {
    const MESSAGES: u16 = 3_000;
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    let mut at_bob = house.listen(Version::V311, &bob).await;
    let (mut at_ann, _) = house.enter(Version::V311, &ann, true).await;
    let long = "x".repeat(2_000);
    for first in (1..=MESSAGES).step_by(50) {
        for id in first..first + 50 {
            at_ann.send(&ann.text(Version::V311, "bob", id, &long)).await;
        }
        for id in first..first + 50 {
            assert_eq!(at_ann.next().await, Seen::PubAck(id, 0));
        }
    }
    for id in 1..=MESSAGES {
        assert_eq!(seq(&at_bob.entry().await), u64::from(id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_to_the_asking_session() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    for version in BOTH {
        let mut client = house.listen(version, &ann).await;
        client
            .send(&ann.publish(version, "request", 5, br#"{"jsonrpc":"2.0","id":7,"method":"inbox"}"#))
            .await;
        let Seen::Publish {
            topic, qos: 0, payload, ..
        } = client.next().await
        else {
            panic!("no reply")
        };
        assert_eq!(topic, format!("im/{}/reply", ann.account));
        let reply = String::from_utf8(payload).unwrap();
        assert!(reply.contains(r#""id":7"#) && reply.contains(r#""result""#), "{reply}");
        assert_eq!(client.next().await, Seen::PubAck(5, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_deregisters_gets_its_answer_and_then_the_end() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let mut client = house.listen(Version::V5, &ann).await;
    client
        .send(&ann.publish(
            Version::V5,
            "request",
            5,
            br#"{"jsonrpc":"2.0","id":1,"method":"device.deregister"}"#,
        ))
        .await;
    assert!(matches!(client.next().await, Seen::Publish { .. }));
    assert_eq!(client.next().await, Seen::PubAck(5, 0));
    assert_eq!(client.next().await, Seen::Disconnect(0x98));
    assert_eq!(client.next_or_end().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_taken_up_again_hears_what_comes_without_saying_anything() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    for (at, version) in (1..).zip(BOTH) {
        house.listen(version, &bob).await.leave().await;
        let (mut at_bob, present) = house.enter(version, &bob, false).await;
        assert!(present);
        let (mut at_ann, _) = house.enter(version, &ann, true).await;
        at_ann.send(&ann.text(version, "bob", at, "are you there")).await;
        assert_eq!(words(&at_bob.entry().await), "are you there");
        at_bob.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_not_acknowledged_comes_again_marked_with_the_same_id() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let mut client = house.listen(Version::V311, &ann).await;
    client.send(&ann.text(Version::V311, "ann", 1, "once more")).await;
    let first = loop {
        if let Seen::Publish { id, dup, .. } = client.next().await {
            break (id, dup);
        }
    };
    drop(client);
    house.only(0).await;
    let (mut client, _) = house.enter(Version::V311, &ann, false).await;
    let Seen::Publish { id, dup, .. } = client.next().await else {
        panic!("no delivery")
    };
    assert_eq!((first, (id, dup)), ((1, false), (1, true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_long_to_be_hinted_reaches_who_listens_in_silence() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    for (at, version) in (1..).zip(BOTH) {
        let mut at_bob = house.listen(version, &bob).await;
        let (mut at_ann, _) = house.enter(version, &ann, true).await;
        // The largest there is: with what the platform adds, more than a mailbox keeps.
        let short = format!(r#"{{"id":"long-{at}","to":"bob","type":0,"content":{{"text":""}}}}"#);
        let words = "x".repeat(DRAFT_BYTES_MAX - short.len());
        let draft = short.replace(r#""text":"""#, &format!(r#""text":"{words}""#));
        at_ann.send(&ann.publish(version, "outbox", at, draft.as_bytes())).await;
        assert_eq!(at_ann.next().await, Seen::PubAck(at, 0));
        assert_eq!(seq(&at_bob.entry().await), u64::from(at));
        // Gone without a goodbye, it might be asked again for the acknowledgement that the server had not read.
        at_bob.leave().await;
    }
}
