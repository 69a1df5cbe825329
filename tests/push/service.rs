//! A push service that somebody else runs: it gets the finished notification, signed, and hears of devices.

use godwit_push::VendorName;
use godwit_push::simulator::{Device, Trouble};
use kit::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;

fn calls_of(house: &House, user: &str) -> Vec<Value> {
    let calls = house.simulators.external.calls().into_iter();
    calls.filter(|call| call["device"]["userId"] == user).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_service_is_a_vendor_that_retries_end_with_one_notification() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner_of("bob", VendorName::External, "en").await;
    let script = house.simulators.external.script();
    script.then(Trouble::too_many(1));
    script.then(Trouble::LostAnswer);
    house.say("ann", "bob", "hi").await;
    let shown = house.expect_rung(&bob, 1).await.remove(0);
    assert_eq!((shown.title.as_str(), shown.body.as_str()), ("ann", "hi"));
    assert_eq!(shown.badge, Some(1));
    house.expect_line("bob", "accepted", "").await;
    house.expect_verdicts("bob", &["vendorAccepted"]).await;
    let lines = house.ledger("bob").await;
    let ids: std::collections::BTreeSet<&str> = lines
        .iter()
        .filter(|line| line["kind"] == "alert")
        .filter_map(|line| line["pushId"].as_str())
        .collect();
    assert_eq!(ids.len(), 1, "every repeat is the same push: {lines:#?}");
    assert_eq!(
        house.phone(&bob).repeats,
        1,
        "the lost answer came again and was shown once"
    );
    house.simulators.set_device(
        VendorName::External,
        &bob.target,
        Device::Gone { since_ms: u64::MAX / 4 },
    );
    house.say("ann", "bob", "again").await;
    house.expect_line("bob", "token_invalid", "gone").await;
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_service_stands_in_for_vendors_that_are_not_set_and_only_for_them() {
    let house = House::with(|settings| {
        let external = settings.vendors.external.as_mut().unwrap();
        external.instead_of = vec![VendorName::Xiaomi, VendorName::Fcm];
        settings.vendors.xiaomi = None;
    })
    .await;
    house.desktop("ann").await;
    let (bob, eve) = (
        house.owner("bob", VendorName::Xiaomi).await,
        house.owner("eve", VendorName::Fcm).await,
    );
    house.say("ann", "bob", "hi").await;
    house.say("ann", "eve", "hi").await;
    house.expect_rung(&bob, 1).await;
    house.expect_rung(&eve, 1).await;
    let pushes = house.simulators.external.script().requests().into_iter();
    let pushes = pushes.filter_map(|asked| serde_json::from_slice::<Value>(&asked.body).ok());
    let vendors: Vec<Value> = pushes
        .filter(|push| push["type"] == "push")
        .map(|push| push["device"]["vendor"].clone())
        .collect();
    assert_eq!(vendors, ["xiaomi"]);
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_service_hears_the_four_calls_in_order_and_again_until_it_takes_them() {
    let house = House::new().await;
    house.simulators.external.script().each(3, vec![Trouble::status(503)]);
    let bob = house.owner("bob", VendorName::Fcm).await;
    let client = house.connect(&bob.device).await;
    drop(client);
    let heard = |count: usize| {
        let house = &house;
        async move {
            wait_for("the calls", async || {
                let calls = calls_of(house, "bob");
                (calls.len() >= count).then_some(calls)
            })
            .await
        }
    };
    let calls = heard(5).await;
    let words: Vec<(String, Value)> = calls
        .iter()
        .map(|call| (call["type"].as_str().unwrap().to_owned(), call["online"].clone()))
        .collect();
    let expected = [
        ("deviceRegister", Value::Null),
        ("deviceStatusChanged", json!(true)),
        ("userStatusChanged", json!(true)),
        ("deviceStatusChanged", json!(false)),
        ("userStatusChanged", json!(false)),
    ];
    assert_eq!(words, expected.map(|(word, online)| (word.to_owned(), online)));
    assert_eq!(calls[0]["device"]["push"][0]["token"], json!(bob.target.token));
    assert_eq!(calls[0]["device"]["deviceId"], json!(bob.device.id));
    let path = format!("/v1/devices/{}", bob.device.id);
    let (status, _) = house.app.call(Method::DELETE, &path, None).await;
    assert!(status.is_success());
    let calls = heard(6).await;
    assert_eq!(calls[5]["type"], "deviceUnregister", "{calls:#?}");
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_last_device_leaves_within_the_grace_the_phone_rings_at_once() {
    let house = House::with(|settings| settings.push.grace = std::time::Duration::from_mins(10)).await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    let desktop = house.desktop("bob").await;
    let mut here = house.connect(&desktop).await;
    house.say("ann", "bob", "hi").await;
    here.delivery().await;
    assert!(house.rung(&bob).is_empty());
    drop(here);
    house.expect_rung(&bob, 1).await;
}
