//! Cases of the way from a message to a phone: quotas of a day, tokens told again, connections that go away.

use std::time::Duration;

use godwit_push::VendorName;
use godwit_push::settings::Pace;
use godwit_push::simulator::{ApnsTrouble, Device, Trouble};
use kit::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use crate::calls::signal;
use crate::crowd::Crowd;
use crate::house::{House, push};

const DAY: Duration = Duration::from_hours(24);

/// Long enough for what the tests do with the clock.
fn patient(settings: &mut godwit_server::settings::Settings) {
    settings.credentials.access_token_lifetime = 30 * DAY;
    settings.push.message_time = 3 * DAY;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_days_quota_is_used_up_messages_wait_for_midnight_in_china_and_calls_go_on() {
    let house = House::with(patient).await;
    house.desktop("ann").await;
    house.simulators.xiaomi.set_day_quota(1);
    let bob = house.owner("bob", VendorName::Xiaomi).await;
    let eve = house.owner("eve", VendorName::Xiaomi).await;
    house.say("ann", "bob", "one").await;
    house.expect_rung(&bob, 1).await;
    house.say("ann", "eve", "two").await;
    house.expect_line("eve", "quota_day", "200001").await;
    house.simulators.xiaomi.set_day_quota(100);
    house.send(signal("ann", "eve", "invite", "7")).await;
    let line = house.expect_line("eve", "accepted", "").await;
    assert_eq!(line["kind"], "call", "{line}");
    assert_eq!(house.rung(&eve).len(), 1, "the message waits");
    // Midnight is at most a day away, and the message is of use for three.
    house.forward(DAY);
    wait_for("the message after midnight", async || {
        (house.rung(&eve).len() == 2).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_settings_allow_in_a_day_keeps_a_reserve_for_calls() {
    let house = House::with(|settings| {
        patient(settings);
        settings.vendors.oppo.as_mut().unwrap().pace = Pace {
            per_day: Some(2),
            reserve: 1,
            ..Pace::default()
        };
    })
    .await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Oppo).await;
    let eve = house.owner("eve", VendorName::Oppo).await;
    house.say("ann", "bob", "one").await;
    house.expect_rung(&bob, 1).await;
    house.say("ann", "eve", "two").await;
    house.expect_line("eve", "quota_day", "per_day").await;
    house.send(signal("ann", "eve", "invite", "7")).await;
    house.expect_rung(&eve, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_told_again_while_its_vendor_calls_it_gone_stays() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Apns).await;
    // Gone since now, told again before the answer comes.
    let gone = Device::Gone {
        since_ms: house.now_ms(),
    };
    house.simulators.set_device(VendorName::Apns, &bob.target, gone);
    let apns = house.simulators.script(VendorName::Apns);
    apns.then(Trouble::Late(Duration::from_secs(2)));
    house.say("ann", "bob", "hi").await;
    wait_for("the request", async || (!apns.requests().is_empty()).then_some(())).await;
    house
        .register(
            "bob",
            &bob.device.unique_code,
            "en",
            push(VendorName::Apns, &bob.target),
        )
        .await;
    house.expect_line("bob", "token_invalid", "").await;
    house.simulators.set_device(VendorName::Apns, &bob.target, Device::Good);
    house.forward(Duration::from_mins(1));
    house.say("ann", "bob", "again").await;
    wait_for("a push by the same token", async || {
        (!house.rung(&bob).is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_goes_away_under_load_loses_nothing_and_is_made_once_more() {
    const PHONES: usize = 300;
    let house = House::new().await;
    house.desktop("ann").await;
    let crowd = Crowd::of(&house).await;
    let mut targets = Vec::new();
    let mut users: Vec<Value> = Vec::new();
    for at in 0..PHONES {
        let target = house.simulators.new_device(VendorName::Apns, &format!("phone{at}"));
        let user = format!("user{at}");
        crowd.phone(&user, VendorName::Apns, &target).await;
        targets.push(target);
        users.push(json!(user));
    }
    let first = house.owner("first", VendorName::Apns).await;
    house.say("ann", "first", "hi").await;
    house.expect_rung(&first, 1).await;
    let apns = &house.simulators.apns;
    let before = apns.connections();
    // Each takes a while, so that many are under way when it happens.
    house
        .simulators
        .script(VendorName::Apns)
        .always(Trouble::Late(Duration::from_millis(300)));
    house
        .send(json!({"from": "ann", "to": users, "type": 0, "content": {"text": "hi"}}))
        .await;
    wait_for("many under way", async || {
        (house.simulators.script(VendorName::Apns).seen() >= 30).then_some(())
    })
    .await;
    apns.trouble(ApnsTrouble::GoAway);
    house.simulators.script(VendorName::Apns).calm();
    wait_for("every phone to have its push", async || {
        let without = targets
            .iter()
            .filter(|target| house.simulators.phone(VendorName::Apns, target).history.is_empty());
        (without.count() == 0).then_some(())
    })
    .await;
    for target in &targets {
        let phone = house.simulators.phone(VendorName::Apns, target);
        assert_eq!(phone.history.len(), 1, "shown once");
    }
    assert_eq!(apns.connections(), before + 1);
    let (_, answer) = house.app.call(Method::GET, "/v1/pushes?limit=500", None).await;
    let lost = answer["items"].as_array().unwrap().iter();
    let lost: Vec<_> = lost
        .filter(|line| line["outcome"] == "refused" || line["outcome"] == "dropped")
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
