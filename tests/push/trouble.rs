//! Vendors that fail: what is owed waits and comes with the same id, or by another vendor; nothing else is held up.

use std::time::Duration;

use godwit_push::simulator::Trouble;
use godwit_push::{Secret, VendorName};
use kit::{Client, wait_for};

use crate::crowd::Crowd;
use crate::house::{House, push};

/// Pushes under way at once to a vendor that is in trouble.
const IN_FLIGHT: usize = 16;
const FOR_EVER_MS: u64 = 3_600_000;

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

/// Messages from ann to eve's desktop, one by one: each comes.
async fn talk(house: &House, eve: &mut Client, messages: usize) {
    for at in 0..messages {
        house.say("ann", "eve", &at.to_string()).await;
        eve.delivery().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_flow_while_no_vendor_ever_answers() {
    // No push can end before the test does: what waited for one would wait for ever.
    let house = House::with(|settings| {
        settings.push.in_flight = IN_FLIGHT;
        let vendors = &mut settings.vendors;
        vendors.fcm.as_mut().unwrap().connection.timeout_ms = FOR_EVER_MS;
        vendors.apns.as_mut().unwrap().connection.timeout_ms = FOR_EVER_MS;
        vendors.meizu.as_mut().unwrap().connection.timeout_ms = FOR_EVER_MS;
    })
    .await;
    house.desktop("ann").await;
    let silent = [VendorName::Fcm, VendorName::Apns, VendorName::Meizu];
    for vendor in silent {
        house.simulators.script(vendor).always(Trouble::Silence);
        for at in 0..2 * IN_FLIGHT {
            let owner = house.owner(&format!("bob{at}-{vendor}"), vendor).await;
            house.say("ann", &owner.device.user, "hi").await;
        }
    }
    let desktop = house.desktop("eve").await;
    let mut eve = house.connect(&desktop).await;
    talk(&house, &mut eve, 50).await;
    house.expect_verdicts("bob0-fcm", &["ourFault"]).await;
    let fcm = house.simulators.script(VendorName::Fcm);
    wait_for("as many as may be under way", async || {
        (fcm.open() == IN_FLIGHT).then_some(())
    })
    .await;
    talk(&house, &mut eve, 50).await;
    assert_eq!(fcm.most_open(), IN_FLIGHT, "the rest waits in the store");
    assert!(house.ledger("bob0-fcm").await.is_empty(), "nothing became of it yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_down_for_an_hour_is_probed_and_then_has_everything_and_messages_flow() {
    const PHONES: usize = 60;
    let house = House::with(|settings| {
        settings.credentials.access_token_lifetime = Duration::from_hours(48);
        settings.push.in_flight = IN_FLIGHT;
    })
    .await;
    house.desktop("ann").await;
    let crowd = Crowd::of(&house).await;
    let fcm = house.simulators.script(VendorName::Fcm);
    fcm.always(Trouble::status(503));
    let mut targets = Vec::new();
    let mut users = Vec::new();
    for at in 0..PHONES {
        let target = house.simulators.new_device(VendorName::Fcm, &format!("phone{at}"));
        crowd.phone(&format!("user{at}"), VendorName::Fcm, &target).await;
        targets.push(target);
        users.push(format!("user{at}"));
    }
    house
        .send(serde_json::json!({"from": "ann", "to": users, "type": 0, "content": {"text": "hi"}}))
        .await;
    house.expect_line("user0", "retry", "").await;
    let desktop = house.desktop("eve").await;
    let mut eve = house.connect(&desktop).await;
    for _ in 0..12 {
        house.forward(Duration::from_mins(5));
        talk(&house, &mut eve, 5).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(fcm.most_open() <= IN_FLIGHT, "{}", fcm.most_open());
    let down = house.ledger("user0").await;
    assert!(down.iter().all(|line| line["outcome"] == "retry"), "{down:#?}");
    house.expect_verdicts("user0", &["vendorRefused"]).await;
    fcm.calm();
    house.forward(Duration::from_mins(10));
    for target in &targets {
        wait_for("the push after the hour", async || {
            let phone = house.simulators.phone(VendorName::Fcm, target);
            house.forward(Duration::from_secs(1));
            (!phone.history.is_empty()).then_some(())
        })
        .await;
    }
    house.expect_verdicts("user0", &["vendorAccepted"]).await;
    talk(&house, &mut eve, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_told_in_the_ledger_cost_no_token_and_hold_up_nobody() {
    let house = House::with(|settings| {
        settings.vendors.apns.as_mut().unwrap().key_id = Some("SOMEOTHER1".to_owned());
        settings.vendors.xiaomi.as_mut().unwrap().app_secret = Secret::new("wrong");
        settings
            .vendors
            .huawei
            .as_mut()
            .unwrap()
            .v1
            .as_mut()
            .unwrap()
            .client_secret = Secret::new("wrong");
        settings.vendors.vivo.as_mut().unwrap().app_secret = Secret::new("wrong");
    })
    .await;
    house.desktop("ann").await;
    let wrong = [
        VendorName::Apns,
        VendorName::Xiaomi,
        VendorName::Huawei,
        VendorName::Vivo,
    ];
    for vendor in wrong {
        let user = format!("bob-{vendor}");
        house.owner(&user, vendor).await;
        house.say("ann", &user, "hi").await;
    }
    let fcm = house.owner("fcm", VendorName::Fcm).await;
    house.say("ann", "fcm", "hi").await;
    house.expect_rung(&fcm, 1).await;
    for vendor in wrong {
        let user = format!("bob-{vendor}");
        house.expect_line(&user, "misconfigured", "").await;
        house.expect_verdicts(&user, &["ourFault"]).await;
    }
    let desktop = house.desktop("eve").await;
    let mut eve = house.connect(&desktop).await;
    talk(&house, &mut eve, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_no_vendor_gives_are_asked_again_and_cost_no_token() {
    let house = House::with(|settings| settings.credentials.access_token_lifetime = Duration::from_hours(48)).await;
    house.desktop("ann").await;
    let mut owners = Vec::new();
    for vendor in [
        VendorName::Fcm,
        VendorName::Xiaomi,
        VendorName::Huawei,
        VendorName::Honor,
        VendorName::Oppo,
        VendorName::Vivo,
        VendorName::Meizu,
    ] {
        let owner = house.owner(&format!("bob-{vendor}"), vendor).await;
        for trouble in [
            Trouble::html(),
            Trouble::half_json(),
            Trouble::body(502, "<h1>Bad gateway</h1>"),
        ] {
            house.simulators.script(vendor).then(trouble);
        }
        house.say("ann", &owner.device.user, "你好").await;
        owners.push(owner);
    }
    for owner in &owners {
        house.expect_line(&owner.device.user, "retry", "").await;
        wait_for("the fourth attempt", async || {
            house.forward(Duration::from_secs(2));
            (!house.rung(owner).is_empty()).then_some(())
        })
        .await;
        house.expect_line(&owner.device.user, "accepted", "").await;
        assert_eq!(house.rung(owner).len(), 1, "{}", owner.vendor);
    }
}
