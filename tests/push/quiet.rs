//! What a reader does not want to hear: muted conversations and users, quiet hours, push switched off.

use godwit_push::VendorName;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;

fn to_group(text: &str, mentions: &Value) -> Value {
    json!({"from": "ann", "to": "g:team", "type": 0, "content": {"text": text}, "mentions": mentions})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_group_is_silent_except_for_whom_it_names() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner_of("bob", VendorName::Fcm, "en").await;
    house.app.create_group("team", &["ann", "bob"]).await;
    let sent = house.send(to_group("hi all", &json!(null))).await;
    let shown = house.expect_rung(&bob, 1).await.remove(0);
    assert_eq!((shown.title.as_str(), shown.body.as_str()), ("team", "ann: hi all"));
    let mute = format!("mutes/{}", sent["conv"].as_str().unwrap());
    house
        .ask(&bob.device, Method::PUT, &mute, Some(json!({"mentions": true})))
        .await;
    house.send(to_group("noise", &json!(["ann"]))).await;
    house.expect_line("bob", "not_due", "conversation_muted").await;
    house.send(to_group("bob, please", &json!(["bob"]))).await;
    let rung = house.expect_rung(&bob, 2).await;
    assert!(rung[1].body.ends_with("ann: bob, please"), "{:?}", rung[1]);
    house.expect_verdicts("bob", &["vendorAccepted"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_hold_messages_back_and_let_calls_through() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    let all_day = json!({"quietHours": {"from": "00:00", "until": "00:00", "zone": "+08:00"}});
    let kept = house.ask(&bob.device, Method::PUT, "push-wishes", Some(all_day)).await;
    assert_eq!(kept["quietHours"]["calls"], true);
    house.say("ann", "bob", "hi").await;
    house.expect_line("bob", "not_due", "quiet_hours").await;
    house.expect_verdicts("bob", &["notDue"]).await;
    house.send(crate::calls::signal("ann", "bob", "invite", "7")).await;
    let shown = house.expect_rung(&bob, 1).await.remove(0);
    assert_eq!(shown.data.get("roomId").map(String::as_str), Some("7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn push_that_is_off_keeps_its_token_and_owes_nothing_from_then() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    let switch = async |enabled: bool| {
        let path = format!("/v1/devices/{}/push", bob.device.id);
        let (status, _) = house
            .app
            .call(Method::PUT, &path, Some(&json!({"enabled": enabled})))
            .await;
        assert!(status.is_success());
    };
    switch(false).await;
    house.say("ann", "bob", "into the void").await;
    house.expect_silence(&bob, 0).await;
    house.expect_verdicts("bob", &["notDue"]).await;
    switch(true).await;
    house.say("ann", "bob", "hello again").await;
    let shown = house.expect_rung(&bob, 1).await.remove(0);
    assert_eq!(shown.body, "hello again", "one message, not two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_user_and_a_sender_who_asks_for_no_push_do_not_ring() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    let quiet = json!({"from": "ann", "to": "bob", "type": 0, "content": {"text": "x"}, "push": {"off": true}});
    house.send(quiet).await;
    house.expect_line("bob", "not_due", "sender_off").await;
    let mut client = house.connect(&bob.device).await;
    client.delivery().await;
    let mute = json!({"jsonrpc": "2.0", "id": 1, "method": "conversation.mute",
        "params": {"userId": "ann", "muted": true}});
    client
        .publish(&bob.device.topic("request"), mute.to_string().as_bytes(), 1)
        .await
        .unwrap();
    let answer = client.delivery().await;
    assert_eq!(answer["result"], json!({}), "{answer}");
    drop(client);
    house.say("ann", "bob", "hi").await;
    house.expect_line("bob", "not_due", "sender_muted").await;
    assert!(house.rung(&bob).is_empty());
}
