//! Vendors that fail: what is owed waits and comes with the same id, or by another vendor; nothing else is held up.

use std::time::Duration;

use godwit_push::VendorName;
use godwit_push::simulator::Trouble;
use kit::wait_for;

use crate::house::{House, push};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_failed_comes_later_with_the_same_id() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Apns).await;
    house
        .simulators
        .script(VendorName::Apns)
        .then_times(2, &Trouble::status(503));
    house.simulators.script(VendorName::Apns).then(Trouble::LostAnswer);
    house.say("ann", "bob", "hi").await;
    house.expect_line("bob", "accepted", "").await;
    assert_eq!(house.rung(&bob).len(), 1, "shown once");
    let ledger = house.ledger("bob").await;
    let ids: std::collections::BTreeSet<_> = ledger.iter().filter_map(|line| line["pushId"].as_str()).collect();
    assert!(ledger.len() >= 3 && ids.len() == 1, "{ledger:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_asks_to_wait_is_left_alone_and_others_go_on() {
    let house = House::new().await;
    house.desktop("ann").await;
    let (bob, eve) = (
        house.owner("bob", VendorName::Apns).await,
        house.owner("eve", VendorName::Fcm).await,
    );
    house.simulators.script(VendorName::Apns).then(Trouble::too_many(2));
    let began = std::time::Instant::now();
    house.say("ann", "bob", "hi").await;
    house.expect_line("bob", "retry", "").await;
    house.say("ann", "eve", "hi").await;
    house.expect_rung(&eve, 1).await;
    assert!(house.rung(&bob).is_empty(), "two seconds are not over");
    house.expect_rung(&bob, 1).await;
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_with_two_vendors_is_reached_by_the_second_when_the_first_will_not() {
    let house = House::new().await;
    house.desktop("ann").await;
    let (first, second) = (
        house.simulators.new_device(VendorName::Xiaomi, "bob"),
        house.simulators.new_device(VendorName::Fcm, "bob"),
    );
    let order = serde_json::json!([push(VendorName::Xiaomi, &first), push(VendorName::Fcm, &second)]);
    house.register("bob", "phone", "en", order).await;
    house.simulators.script(VendorName::Xiaomi).always(Trouble::body(
        200,
        r#"{"result":"error","code":200001,"description":"quota","reason":"quota","info":"","trace_id":"t"}"#,
    ));
    house.say("ann", "bob", "hi").await;
    wait_for("the second vendor", async || {
        let phone = house.simulators.phone(VendorName::Fcm, &second);
        (phone.history.len() == 1).then_some(())
    })
    .await;
    house.expect_verdicts("bob", &["vendorAccepted"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_flow_while_every_vendor_is_silent() {
    let house = House::new().await;
    house.desktop("ann").await;
    let mut owners = Vec::new();
    for at in 0..50 {
        owners.push(house.owner(&format!("bob{at}"), VendorName::Fcm).await);
    }
    house.simulators.script(VendorName::Fcm).always(Trouble::Silence);
    let desktop = house.desktop("eve").await;
    let mut eve = house.connect(&desktop).await;
    for owner in &owners {
        house.say("ann", &owner.device.user, "hi").await;
    }
    for at in 0..20 {
        let began = std::time::Instant::now();
        house.say("ann", "eve", &at.to_string()).await;
        eve.delivery().await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    house.expect_verdicts("bob0", &["ourFault"]).await;
}
