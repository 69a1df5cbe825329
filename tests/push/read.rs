//! What is read on one device is true for all: counts, badges, and what other phones show.

use godwit_push::VendorName;
use kit::{Event, wait_for};
use reqwest::Method;
use serde_json::json;

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn reading_on_the_desktop_within_the_grace_saves_the_phone_the_noise() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    let desktop = house.desktop("bob").await;
    let mut client = house.connect(&desktop).await;
    let sent = house.say("ann", "bob", "hi").await;
    client.delivery().await;
    let read = json!({"conv": sent["conv"], "upTo": sent["convSeq"]});
    house.ask(&desktop, Method::POST, "read", Some(read)).await;
    house.expect_silence(&bob, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_elsewhere_is_withdrawn_and_the_badge_follows() {
    let house = House::new().await;
    house.desktop("ann").await;
    house.desktop("cat").await;
    let bob = house.owner("bob", VendorName::Apns).await;
    house.say("cat", "bob", "hello").await;
    let sent = house.say("ann", "bob", "hi").await;
    house.expect_rung(&bob, 2).await;
    assert_eq!(house.phone(&bob).badge, Some(2));
    let desktop = house.desktop("bob").await;
    let read = json!({"conv": sent["conv"], "upTo": sent["convSeq"]});
    let unread = house.ask(&desktop, Method::POST, "read", Some(read)).await;
    assert_eq!(unread["total"], 1);
    wait_for("the withdrawal", async || {
        (house.phone(&bob).badge == Some(1)).then_some(())
    })
    .await;
    house.expect_line("bob", "accepted", "").await;
    assert_eq!(house.rung(&bob).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_is_counted_per_conversation_without_what_is_muted_and_told_to_the_other_devices() {
    let house = House::new().await;
    for user in ["ann", "cat"] {
        house.desktop(user).await;
    }
    let (phone, desktop) = (house.app.register("bob", "phone").await, house.desktop("bob").await);
    let mut other = house.connect(&desktop).await;
    let mut newest = json!(null);
    for text in ["1", "2", "3"] {
        newest = house.say("ann", "bob", text).await;
        other.delivery().await;
    }
    let loud = house.say("cat", "bob", "x").await;
    other.delivery().await;
    house.say("bob", "ann", "mine does not count").await;
    other.delivery().await;
    let unread = house.ask(&phone, Method::GET, "unread", None).await;
    assert_eq!(unread["total"], 4);
    let mute = format!("mutes/{}", loud["conv"].as_str().unwrap());
    house.ask(&phone, Method::PUT, &mute, Some(json!({}))).await;
    assert_eq!(house.ask(&phone, Method::GET, "unread", None).await["total"], 3);
    let read = json!({"conv": newest["conv"], "upTo": 2});
    assert_eq!(
        house.ask(&phone, Method::POST, "read", Some(read.clone())).await["total"],
        1
    );
    let Some(Event::Publish { topic, payload, .. }) = other.next().await else {
        panic!("an event is told")
    };
    assert!(topic.ends_with("/event"), "{topic}");
    let event: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(
        (&event["event"], &event["upTo"], &event["total"]),
        (&json!("read"), &json!(2), &json!(1))
    );
    // What was read stays read, and what was taken back counts no more.
    assert_eq!(
        house
            .ask(
                &phone,
                Method::POST,
                "read",
                Some(json!({"conv": newest["conv"], "upTo": 1}))
            )
            .await["total"],
        1
    );
    let path = format!("/v1/messages/{}", newest["serverId"].as_str().unwrap());
    house.app.call(Method::DELETE, &path, None).await;
    assert_eq!(house.ask(&phone, Method::GET, "unread", None).await["total"], 0);
    house.ask(&phone, Method::DELETE, &mute, None).await;
    assert_eq!(house.ask(&phone, Method::GET, "unread", None).await["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_of_a_conversation_by_reading_it() {
    let house = House::new().await;
    house.desktop("ann").await;
    let (bob, eve) = (house.desktop("bob").await, house.desktop("eve").await);
    let sent = house.say("ann", "bob", "hi").await;
    let read = json!({"conv": sent["conv"], "upTo": 1});
    let path = |device: &kit::Device| format!("/v1/accounts/{}/read", device.account);
    let (status, answer) = house
        .app
        .call_as(&eve.token, Method::POST, &path(&eve), Some(&read))
        .await;
    assert_eq!((status.as_u16(), answer["code"].as_str()), (404, Some("not_found")));
    let (status, _) = house
        .app
        .call_as(&eve.token, Method::POST, &path(&bob), Some(&read))
        .await;
    assert_eq!(status.as_u16(), 403);
    let above = json!({"conv": sent["conv"], "upTo": 2});
    let (status, answer) = house
        .app
        .call_as(&bob.token, Method::POST, &path(&bob), Some(&above))
        .await;
    assert_eq!((status.as_u16(), answer["code"].as_str()), (422, Some("invalid_field")));
}
