//! The life of a token: retired by its vendor's word only, silent after a logout, and never for another user's messages.

use godwit_push::VendorName;
use godwit_push::simulator::{Device, Trouble};
use kit::wait_for;
use reqwest::Method;

use crate::house::{House, push};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_gone_since_before_it_was_told_stays_and_one_that_went_later_is_retired() {
    let house = House::new().await;
    house.desktop("ann").await;
    let (old, new) = (
        house.owner("old", VendorName::Apns).await,
        house.owner("new", VendorName::Apns).await,
    );
    house
        .simulators
        .set_device(VendorName::Apns, &old.target, Device::Gone { since_ms: 1_000 });
    let later_ms = u64::MAX / 4;
    house
        .simulators
        .set_device(VendorName::Apns, &new.target, Device::Gone { since_ms: later_ms });
    house.say("ann", "old", "hi").await;
    house.say("ann", "new", "hi").await;
    house.expect_line("old", "token_invalid", "").await;
    house.expect_line("new", "token_invalid", "").await;
    house.simulators.set_device(VendorName::Apns, &old.target, Device::Good);
    house.simulators.set_device(VendorName::Apns, &new.target, Device::Good);
    wait_for("the token to be retired", async || {
        let (_, why) = house.app.call(Method::GET, "/v1/pushes/why?user=new", None).await;
        let checks = why["items"][0]["checks"].as_array()?.clone();
        checks
            .iter()
            .any(|check| check["check"] == "token" && check["ok"] == false)
            .then_some(())
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(3_100)).await;
    house.say("ann", "old", "again").await;
    house.say("ann", "new", "again").await;
    house.expect_rung(&old, 1).await;
    house.expect_silence(&new, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_invalid_tokens_at_once_are_a_wrong_key_and_retire_no_more() {
    let house = House::new().await;
    house.desktop("ann").await;
    let mut owners = Vec::new();
    for at in 0..130 {
        let owner = house.owner(&format!("bob{at}"), VendorName::Apns).await;
        house
            .simulators
            .set_device(VendorName::Apns, &owner.target, Device::Gone { since_ms: u64::MAX / 4 });
        owners.push(owner);
    }
    for owner in &owners {
        house.say("ann", &owner.device.user, "hi").await;
    }
    for owner in &owners {
        house.expect_line(&owner.device.user, "token_invalid", "").await;
    }
    let mut kept = 0;
    for owner in &owners {
        let (_, why) = house
            .app
            .call(Method::GET, &format!("/v1/pushes/why?user={}", owner.device.user), None)
            .await;
        let checks = why["items"][0]["checks"].as_array().unwrap();
        kept += usize::from(
            checks
                .iter()
                .any(|check| check["check"] == "token" && check["ok"] == true),
        );
    }
    assert!((30..=31).contains(&kept), "{kept} of 130 are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_logout_nothing_comes_not_even_what_was_queued() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    house.simulators.script(VendorName::Fcm).then(Trouble::too_many(3));
    house.say("ann", "bob", "queued").await;
    house.expect_line("bob", "retry", "").await;
    let path = format!("/v1/devices/{}", bob.device.id);
    let (status, _) = house.app.call(Method::DELETE, &path, None).await;
    assert!(status.is_success());
    house.say("ann", "bob", "later").await;
    house.expect_silence(&bob, 0).await;
    tokio::time::sleep(crate::house::SILENCE).await;
    assert!(house.rung(&bob).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_changes_hands_never_shows_the_former_users_messages() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    house.simulators.script(VendorName::Fcm).then(Trouble::too_many(3));
    house.say("ann", "bob", "for bob only").await;
    house.expect_line("bob", "retry", "").await;
    // The same phone under another user, reinstalled: another code, the same token.
    house
        .register("eve", "reinstalled", "en", push(VendorName::Fcm, &bob.target))
        .await;
    house.say("ann", "bob", "for bob again").await;
    house.say("ann", "eve", "for eve").await;
    let rung = house.expect_rung(&bob, 1).await;
    assert_eq!(rung[0].body, "for eve");
    tokio::time::sleep(crate::house::SILENCE).await;
    let all = format!("{:?}", house.phone(&bob).history);
    assert!(!all.contains("for bob"), "{all}");
    // And under the same code, which retires the former record.
    house
        .register("cat", "reinstalled", "en", push(VendorName::Fcm, &bob.target))
        .await;
    house.say("ann", "eve", "for eve again").await;
    house.say("ann", "cat", "for cat").await;
    wait_for("the third user's push", async || {
        (house.rung(&bob).len() == 2).then_some(())
    })
    .await;
    tokio::time::sleep(crate::house::SILENCE).await;
    let bodies: Vec<_> = house.rung(&bob).into_iter().map(|shown| shown.body).collect();
    assert_eq!(bodies, ["for eve", "for cat"]);
}
