//! Who is owed a push: each device for itself, once for each message, and nobody who has it already.

use godwit_push::VendorName;
use kit::wait_for;

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn an_offline_phone_of_every_vendor_rings_once_for_a_message() {
    let house = House::new().await;
    house.desktop("ann").await;
    let mut owners = Vec::new();
    for vendor in VendorName::ALL {
        owners.push(house.owner(&format!("bob-{vendor}"), vendor).await);
    }
    for owner in &owners {
        house.say("ann", &owner.device.user, "晚上一起吃饭吗").await;
    }
    for owner in &owners {
        let shown = house.expect_rung(owner, 1).await.remove(0);
        assert_eq!(shown.title, "ann", "{}", owner.vendor);
        assert!(shown.body.contains("吃饭"), "{}: {shown:?}", owner.vendor);
    }
    tokio::time::sleep(crate::house::SILENCE).await;
    for owner in &owners {
        assert_eq!(house.phone(owner).repeats, 0);
        assert_eq!(house.rung(owner).len(), 1);
        house.expect_verdicts(&owner.device.user, &["vendorAccepted"]).await;
        let ledger = house.ledger(&owner.device.user).await;
        let accepted: Vec<_> = ledger.iter().filter(|line| line["outcome"] == "accepted").collect();
        assert_eq!(accepted.len(), 1, "{ledger:#?}");
    }
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_acknowledges_is_not_rung_and_one_that_is_silent_is_after_the_grace() {
    let house = House::new().await;
    house.desktop("ann").await;
    let (bob, eve) = (
        house.owner("bob", VendorName::Fcm).await,
        house.owner("eve", VendorName::Fcm).await,
    );
    let (mut awake, _frozen) = (house.connect(&bob.device).await, house.connect(&eve.device).await);
    house.say("ann", "bob", "hi").await;
    assert_eq!(awake.delivery().await["content"]["text"], "hi");
    house.expect_silence(&bob, 0).await;
    house.expect_verdicts("bob", &["notDue"]).await;
    // Eve's app is connected and frozen: it acknowledges nothing. By now the server has long done what a start does.
    let said = std::time::Instant::now();
    house.say("ann", "eve", "hi").await;
    house.expect_rung(&eve, 1).await;
    assert!(said.elapsed() >= crate::house::GRACE, "the grace was not over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_that_is_online_does_not_silence_the_phone_and_the_senders_own_phone_is_not_rung() {
    let house = House::new().await;
    let (ann, bob) = (
        house.owner("ann", VendorName::Fcm).await,
        house.owner("bob", VendorName::Fcm).await,
    );
    let desktop = house.desktop("bob").await;
    let mut desktop = house.connect(&desktop).await;
    house.say("ann", "bob", "hi").await;
    desktop.delivery().await;
    house.expect_rung(&bob, 1).await;
    house.expect_silence(&ann, 0).await;
    house.expect_line("ann", "not_due", "own_message").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_one_push_at_once_and_one_with_the_count_when_the_window_is_over() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    house.say("ann", "bob", "one").await;
    house.expect_rung(&bob, 1).await;
    for text in ["two", "three", "four"] {
        house.say("ann", "bob", text).await;
    }
    let rung = house.expect_rung(&bob, 2).await;
    assert_eq!(rung[1].body, "[3] four");
    assert!(rung[1].badge.is_none_or(|badge| badge == 4), "{:?}", rung[1]);
    assert_eq!(
        house.phone(&bob).shade.len(),
        1,
        "the later took the place of the earlier"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_owed_when_the_server_stopped_is_owed_when_it_starts() {
    let mut house = House::with(|settings| settings.push.grace = std::time::Duration::from_secs(3)).await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    let desktop = house.desktop("bob").await;
    // Somebody of the account is here, so that the phone's grace runs.
    let here = house.connect(&desktop).await;
    house.say("ann", "bob", "hi").await;
    house.restart().await;
    drop(here);
    house.expect_rung(&bob, 1).await;
    // The account has everything decided: another start finds nothing.
    house.restart().await;
    house.expect_silence(&bob, 1).await;
    assert_eq!(house.phone(&bob).repeats, 0);
    wait_for("the job to be settled", async || {
        (house.verdicts("bob").await[0] == "vendorAccepted").then_some(())
    })
    .await;
}
