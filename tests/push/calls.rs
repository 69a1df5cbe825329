//! Calls ring at once and stop ringing when they are over, whatever the app is told for the background.

use godwit_push::VendorName;
use kit::wait_for;
use serde_json::{Value, json};

use crate::house::House;

pub(crate) fn signal(from: &str, to: &str, status: &str, room: &str) -> Value {
    let call = json!({"type": "call", "content": {"status": status, "roomId": room, "avType": 1}});
    json!({"from": from, "to": to, "type": "background", "isBackground": true, "content": call})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_rings_at_once_although_the_desktop_is_online_and_a_cancel_takes_it_back() {
    let house = House::with(|settings| settings.push.grace = std::time::Duration::from_secs(20)).await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    let desktop = house.desktop("bob").await;
    let _here = house.connect(&desktop).await;
    house.send(signal("ann", "bob", "invite", "77")).await;
    let shown = house.expect_rung(&bob, 1).await.remove(0);
    assert_eq!(shown.data.get("caller").map(String::as_str), Some("ann"), "{shown:?}");
    house.expect_line("bob", "accepted", "").await;
    house.send(signal("ann", "bob", "cancel", "77")).await;
    wait_for("the call to be withdrawn", async || {
        let lines = house.ledger("bob").await;
        lines
            .iter()
            .any(|line| line["kind"] == "withdraw" && line["outcome"] == "accepted")
            .then_some(())
    })
    .await;
    assert_eq!(house.rung(&bob).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_iphone_rings_by_its_token_for_calls() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Apns).await;
    house.send(signal("ann", "bob", "invite", "77")).await;
    let line = house.expect_line("bob", "accepted", "").await;
    assert_eq!(line["kind"], "call");
    let rung = house.simulators.phones().all();
    assert!(
        rung.iter()
            .any(|(_, _, phone)| phone.history.iter().any(|shown| shown.rings)),
        "{rung:?}"
    );
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
    drop(bob);
}
