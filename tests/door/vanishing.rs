//! What a client leaves behind when it vanishes: its will, and what was on its way to it.

use std::time::Duration;

use godwit_broker::Settings;
use godwit_broker::codec::Version;
use godwit_dispatcher::history::Window;

use crate::house::{Client, House, Phone, patient, seq, words};
use crate::packets::{BOTH, Seen, packet, puback, put, subscribe, unsubscribe};

/// How a client with a will connects.
struct WithWill<'a> {
    clean_start: bool,
    draft: &'a str,
    /// On MQTT 5.
    delay_s: u32,
}

fn connect(version: Version, phone: &Phone, with: &WithWill<'_>) -> Vec<u8> {
    let five = version == Version::V5;
    let mut body = b"\x00\x04MQTT".to_vec();
    body.push(if five { 5 } else { 4 });
    // QoS 1, which is as good as any other.
    body.extend([0xCC | u8::from(with.clean_start) << 1, 0, 60]);
    if five {
        body.extend(b"\x05\x11\x00\x01\x00\x00");
    }
    put(&mut body, phone.device_id.as_bytes());
    if five {
        body.extend([5, 0x18]);
        body.extend(with.delay_s.to_be_bytes());
    }
    put(&mut body, format!("im/{}/outbox", phone.account).as_bytes());
    put(&mut body, with.draft.as_bytes());
    put(&mut body, phone.account.as_bytes());
    put(&mut body, phone.token.as_bytes());
    packet(0x10, &body)
}

async fn enter(house: &House, version: Version, phone: &Phone, with: &WithWill<'_>) -> Client {
    let mut client = house.dial(version).await;
    client.send(&connect(version, phone, with)).await;
    assert!(matches!(client.next().await, Seen::ConnAck { code: 0, .. }));
    client
}

fn draft(id: &str, to: &str) -> String {
    format!(r#"{{"id":"{id}","to":"{to}","type":0,"content":{{"text":"{id} is gone"}}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_vanishes_leaves_its_will_and_who_says_goodbye_takes_it_along() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    let mut at_bob = house.listen(Version::V311, &bob).await;
    for version in BOTH {
        let with = |draft| WithWill {
            clean_start: false,
            draft,
            delay_s: 0,
        };
        let (polite, rude) = (format!("polite {version:?}"), format!("rude {version:?}"));
        let draft_of_the_polite = draft(&polite, "bob");
        let client = enter(&house, version, &ann, &with(&draft_of_the_polite)).await;
        client.leave().await;
        let draft_of_the_rude = draft(&rude, "bob");
        drop(enter(&house, version, &ann, &with(&draft_of_the_rude)).await);
        assert_eq!(words(&at_bob.entry().await), format!("{rude} is gone"));

        // Taken over: without a delay the will of the older connection is due.
        let taken = draft(&format!("taken {version:?}"), "bob");
        let _older = enter(&house, version, &ann, &with(&taken)).await;
        let (newer, _) = house.enter(version, &ann, false).await;
        assert_eq!(words(&at_bob.entry().await), format!("taken {version:?} is gone"));
        newer.leave().await;
    }
    let mut client = enter(
        &house,
        Version::V5,
        &ann,
        &WithWill {
            clean_start: false,
            draft: &draft("asked for", "bob"),
            delay_s: 0,
        },
    )
    .await;
    client.send(&packet(0xE0, &[4])).await;
    assert_eq!(words(&at_bob.entry().await), "asked for is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_will_waits_for_the_device_to_come_back() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    let mut at_bob = house.listen(Version::V5, &bob).await;
    let with = |draft, delay_s| WithWill {
        clean_start: false,
        draft,
        delay_s,
    };
    // Back in time, by a takeover and after a break: not a word. The delay is what a busy machine has for coming back.
    let never = draft("never", "bob");
    let first = enter(&house, Version::V5, &ann, &with(&never, 3)).await;
    let second = enter(&house, Version::V5, &ann, &with(&never, 3)).await;
    drop((first, second));
    house.only(1).await;
    let back = house.enter(Version::V5, &ann, false).await;
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    drop(back);
    // Back clean: the session has ended, so the will is due at once.
    let clean = draft("clean", "bob");
    drop(enter(&house, Version::V5, &ann, &with(&clean, 3_600)).await);
    house.only(1).await;
    drop(house.enter(Version::V5, &ann, true).await);
    assert_eq!(words(&at_bob.entry().await), "clean is gone");
    // Not back: after the delay.
    let late = draft("late", "bob");
    drop(enter(&house, Version::V5, &ann, &with(&late, 1)).await);
    assert_eq!(words(&at_bob.entry().await), "late is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_will_that_may_not_be_sent_becomes_a_refused_entry_and_a_stop_publishes_what_waits() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let desktop = house.phone("ann", "2").await;
    let mut at_desktop = house.listen(Version::V5, &desktop).await;
    let with = |draft, delay_s| WithWill {
        clean_start: false,
        draft,
        delay_s,
    };
    let nowhere = draft("nowhere", "nobody");
    drop(enter(&house, Version::V5, &ann, &with(&nowhere, 0)).await);
    let entry = at_desktop.entry().await;
    assert!(
        entry.contains(r#""refused":{"id":"nowhere","code":"user_not_found""#),
        "{entry}"
    );

    let waiting = draft("waiting", "ann");
    drop(enter(&house, Version::V5, &ann, &with(&waiting, 3_600)).await);
    house.only(1).await;
    drop(at_desktop);
    house.broker.shutdown().await;
    let device = house
        .registry
        .authenticate_device(&ann.account, &ann.token, None)
        .await
        .unwrap();
    let page = house
        .dispatcher
        .inbox(&device.account, None, Window::default())
        .await
        .unwrap();
    let last = page.items.last().expect("an entry").1.get();
    assert_eq!(words(last), "waiting is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_its_way_comes_again_marked_after_a_takeover_and_after_a_connection_that_sent_nothing() {
    let house = House::new().await;
    for version in BOTH {
        let name = format!("ann-{version:?}");
        let ann = house.phone(&name, "1").await;
        let inbox = format!("im/{}/inbox", ann.account);
        let mut first = house.listen(version, &ann).await;
        first.send(&ann.text(version, &name, 1, "on its way")).await;
        while !matches!(first.next().await, Seen::Publish { dup: false, .. }) {}
        let (mut second, present) = house.enter(version, &ann, false).await;
        assert!(present);
        assert!(matches!(second.next().await, Seen::Publish { dup: true, .. }));
        // One that leaves the inbox, and the next one that has it again.
        second
            .send(&unsubscribe(version, 2, &[&format!("im/{}/#", ann.account)]))
            .await;
        assert_eq!(
            second.next().await,
            Seen::UnsubAck(2, if version == Version::V5 { vec![0] } else { vec![] })
        );
        let (third, _) = house.enter(version, &ann, false).await;
        drop(third);
        let (mut fourth, _) = house.enter(version, &ann, false).await;
        fourth.send(&subscribe(version, 3, &[(&inbox, 1)])).await;
        assert_eq!(fourth.next().await, Seen::SubAck(3, vec![1]));
        let Seen::Publish { dup, payload, .. } = fourth.next().await else {
            panic!("no delivery")
        };
        assert!(dup);
        fourth
            .send(&puback(
                u16::try_from(seq(&String::from_utf8(payload).unwrap())).unwrap(),
            ))
            .await;
        fourth.send(&ann.text(version, &name, 2, "new")).await;
        while !matches!(fourth.next().await, Seen::Publish { dup: false, .. }) {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_for_which_there_is_no_room_closes_nobody() {
    let house = House::with(Settings {
        connections_per_account_max: 1,
        ..patient()
    })
    .await;
    let ann = house.phone("ann", "1").await;
    let desktop = house.phone("ann", "2").await;
    let mut at_ann = house.listen(Version::V5, &ann).await;
    let mut at_desktop = house.dial(Version::V5).await;
    at_desktop.send(&desktop.connect(false).bytes(Version::V5)).await;
    assert_eq!(
        at_desktop.next().await,
        Seen::ConnAck {
            present: false,
            code: 0x97
        }
    );
    at_ann.send(&crate::packets::PINGREQ).await;
    assert_eq!(at_ann.next().await, Seen::PingResp);
    let (_, present) = house.enter(Version::V5, &ann, false).await;
    assert!(present, "its own earlier connection makes room");
}

/// Subscribes and unsubscribes until there is no room for that any more.
async fn fill_up(client: &mut Client, inbox: &str) {
    for id in (1..u16::MAX - 1).step_by(2) {
        client.send(&subscribe(Version::V5, id, &[(inbox, 1)])).await;
        let subscribed = client.next().await;
        client.send(&unsubscribe(Version::V5, id + 1, &[inbox])).await;
        let unsubscribed = client.next().await;
        if subscribed != Seen::SubAck(id, vec![1]) || unsubscribed != Seen::UnsubAck(id + 1, vec![0]) {
            return;
        }
    }
    panic!("the disk never filled up");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_a_full_disk_refused_are_not_there_when_it_has_room_again() {
    let house = House::new().await;
    for version in BOTH {
        let name = |user: &str| format!("{user}-{version:?}");
        let ann = house.phone(&name("ann"), "1").await;
        let bob = house.phone(&name("bob"), "1").await;
        let tablet = house.phone(&name("bob"), "2").await;
        let inbox = format!("im/{}/inbox", bob.account);
        let (mut at_bob, _) = house.enter(version, &bob, false).await;
        let (mut at_tablet, _) = house.enter(Version::V5, &tablet, false).await;
        let (mut at_ann, _) = house.enter(Version::V5, &ann, true).await;
        house.disk.set_space(Some(house.disk.used()));
        // First the bulk of what is preallocated, then the rest of it.
        let long = "x".repeat(60_000);
        for id in 1.. {
            at_ann.send(&ann.text(Version::V5, &name("ann"), id, &long)).await;
            if at_ann.next().await != Seen::PubAck(id, 0) {
                break;
            }
        }
        fill_up(&mut at_tablet, &inbox).await;
        at_bob.send(&subscribe(version, 1, &[(&inbox, 1)])).await;
        let refusal = if version == Version::V5 { 0x97 } else { 0x80 };
        assert_eq!(at_bob.next().await, Seen::SubAck(1, vec![refusal]));
        house.disk.set_space(None);
        drop((at_bob, at_tablet));

        let (mut at_bob, _) = house.enter(version, &bob, false).await;
        let hello = format!(r#"{{"id":"hello","to":"{}","type":-1}}"#, name("bob"));
        while {
            at_ann
                .send(&ann.publish(Version::V5, "outbox", 9, hello.as_bytes()))
                .await;
            at_ann.next().await != Seen::PubAck(9, 0)
        } {}
        assert_eq!(at_bob.next_soon().await, None, "{version:?}");
        // Nor did the refused SUBSCRIBE lose anything.
        at_bob.send(&subscribe(version, 2, &[(&inbox, 1)])).await;
        assert_eq!(at_bob.next().await, Seen::SubAck(2, vec![1]));
        assert_eq!(seq(&at_bob.entry().await), 1);
    }
}
