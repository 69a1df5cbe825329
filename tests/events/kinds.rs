//! Events of every kind reach a webhook that wants them, and no other.

use kit::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::receiver::Receiver;

async fn expect(receiver: &Receiver, kind: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let what = format!("an event {kind}");
    wait_for(&what, async || {
        let got = receiver
            .got()
            .into_iter()
            .find(|got| got.body["type"] == kind && is_it(&got.body["data"]));
        got.map(|got| got.body["data"].clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_event_is_told_to_who_wants_it() {
    let house = House::new().await;
    let (all, groups) = (Receiver::start().await, Receiver::start().await);
    house.webhook(&all.url(), &[]).await;
    house.webhook(&groups.url(), &["group.changed"]).await;
    let bob = house.app.register("bob", "b").await;
    let registered = expect(&all, "device.registered", |data| data["userId"] == "bob").await;
    assert_eq!(
        (&registered["deviceId"], &registered["os"]),
        (&json!(bob.id), &json!("android"))
    );
    house.app.ticket("ann").await;
    let mut phone = house.connect(&bob).await;
    expect(&all, "presence.changed", |data| {
        data["deviceId"] == bob.id && data["online"] == true
    })
    .await;
    let sent = house.say("ann", "bob", "hello").await;
    phone.delivery().await;
    let delivered = expect(&all, "receipt.delivered", |data| {
        data["userId"] == "bob" && data["upTo"] == 1
    })
    .await;
    assert_eq!(
        (&delivered["serverId"], &delivered["conv"]),
        (&sent["serverId"], &sent["conv"])
    );
    let read = format!("/v1/accounts/{}/read", bob.account);
    house
        .must(Method::POST, &read, Some(&json!({"conv": sent["conv"], "upTo": 1})))
        .await;
    let read = expect(&all, "receipt.read", |data| data["userId"] == "bob").await;
    assert_eq!((&read["conv"], &read["upTo"]), (&sent["conv"], &json!(1)));
    house.app.create_group("team", &["ann", "bob"]).await;
    let changed = expect(&groups, "group.changed", |data| data["event"] == "created").await;
    assert_eq!((&changed["groupId"], &changed["convSeq"]), (&json!("team"), &json!(1)));
    let message = format!("/v1/messages/{}", sent["serverId"].as_str().unwrap());
    house.must(Method::DELETE, &message, None).await;
    let withdrawn = expect(&all, "message.withdrawn", |_| true).await;
    assert_eq!(withdrawn["message"]["content"]["serverId"], sent["serverId"]);
    let broadcast = json!({"message": {"to": "all", "type": "text", "content": {"text": "to all"}}});
    let broadcast = house.must(Method::POST, "/v1/broadcasts", Some(&broadcast)).await;
    let ended = expect(&all, "broadcast.finished", |_| true).await;
    assert_eq!(
        (&ended["broadcastId"], &ended["state"]),
        (&broadcast["broadcastId"], &json!("finished"))
    );
    expect(&all, "broadcast.started", |data| {
        data["broadcastId"] == broadcast["broadcastId"]
    })
    .await;
    drop(phone);
    expect(&all, "presence.changed", |data| data["online"] == false).await;
    house
        .must(Method::DELETE, &format!("/v1/devices/{}", bob.id), None)
        .await;
    expect(&all, "device.retired", |data| data["deviceId"] == bob.id).await;
    expect(&all, "group.changed", |data| data["groupId"] == "team").await;
    assert!(groups.got().iter().all(|got| got.body["type"] == "group.changed"));
    for got in all.got() {
        assert!(got.body["timestamp"].as_str().unwrap().ends_with('Z'));
    }
}
