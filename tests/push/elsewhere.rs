//! What another device of the account does: it reads, and the number on the phone follows in silence; it is a desktop that
//! is here, and the phone waits; and a sender takes a message back.

use godwit_push::VendorName;
use kit::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;

fn up_to(sent: &Value) -> Value {
    json!({"conv": sent["conv"], "upTo": sent["convSeq"]})
}

/// Waits until a phone shows nothing any more.
async fn expect_cleared(house: &House, owner: &crate::house::Owner) {
    wait_for("the shade to be cleared", async || {
        house.phone(owner).shade.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_on_a_phone_follows_in_silence_what_is_read_on_the_desktop() {
    let house = House::new().await;
    house.desktop("ann").await;
    house.desktop("cat").await;
    let bob = house.owner("bob", VendorName::Apns).await;
    let desktop = house.desktop("bob").await;
    // This one came to the phone itself, so no push is shown for it.
    let mut phone = house.connect(&bob.device).await;
    let seen = house.say("cat", "bob", "hello").await;
    phone.delivery().await;
    let before = house.ask(&desktop, Method::GET, "inbox", None).await;
    wait_for("the phone's acknowledgement", async || {
        let verdicts = house.verdicts("bob").await;
        (verdicts[0] == "notDue" && before["head"] == 1).then_some(())
    })
    .await;
    drop(phone);
    house.say("ann", "bob", "hi").await;
    house.expect_rung(&bob, 1).await;
    assert_eq!(house.phone(&bob).badge, Some(2));
    house.ask(&desktop, Method::POST, "read", Some(up_to(&seen))).await;
    wait_for("the silent push", async || {
        (house.phone(&bob).badge == Some(1)).then_some(())
    })
    .await;
    assert_eq!(house.rung(&bob).len(), 1, "nothing rang");
    assert_eq!(house.phone(&bob).shade.len(), 1, "what is unread is still shown");
    let lines = house.ledger("bob").await;
    assert!(
        lines
            .iter()
            .any(|line| line["kind"] == "background" && line["conv"] == "badge"),
        "{lines:#?}"
    );
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_that_is_here_holds_the_phones_push_and_reading_there_saves_it() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    let desktop = house.app.register_as("bob", "bob-web", "web").await;
    let hold = |seconds: u32| Some(json!({"desktopHold": seconds}));
    let kept = house.ask(&bob.device, Method::PUT, "push-wishes", hold(3_600)).await;
    assert_eq!(kept["desktopHold"], 3_600);
    let mut client = house.connect(&desktop).await;
    let sent = house.say("ann", "bob", "hi").await;
    client.delivery().await;
    // The job is there and waits for the desktop.
    wait_for("the job", async || {
        let path = "/v1/pushes/why?user=bob";
        let (_, why) = house.app.call(Method::GET, path, None).await;
        let whys = why["items"].as_array().unwrap();
        let text = format!("{whys:?}");
        text.contains("a job for fcm waits").then_some(())
    })
    .await;
    assert!(house.rung(&bob).is_empty());
    // A call does not wait.
    house.send(crate::calls::signal("ann", "bob", "invite", "7")).await;
    house.expect_rung(&bob, 1).await;
    house.ask(&desktop, Method::POST, "read", Some(up_to(&sent))).await;
    let path = "/v1/pushes/why?user=bob&message=".to_owned() + sent["serverId"].as_str().unwrap();
    let (_, why) = house.app.call(Method::GET, &path, None).await;
    assert_eq!(why["items"][0]["verdict"], "notDue", "{why:#}");
    // Held for a second only, it rings although the desktop is here.
    house.ask(&bob.device, Method::PUT, "push-wishes", hold(1)).await;
    house.say("ann", "bob", "are you there?").await;
    client.delivery().await;
    house.expect_rung(&bob, 2).await;
    // By default each device is for itself.
    let default = house
        .ask(&bob.device, Method::PUT, "push-wishes", Some(json!({})))
        .await;
    assert_eq!(default["desktopHold"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_taken_back_leaves_the_phone_and_what_else_is_unread_stays() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner_of("bob", VendorName::Fcm, "en").await;
    let recall = async |sent: &Value| {
        let path = format!("/v1/messages/{}", sent["serverId"].as_str().unwrap());
        let (status, answer) = house.app.call(Method::DELETE, &path, None).await;
        assert!(status.is_success(), "{answer}");
    };
    let wrong = house.say("ann", "bob", "meant for somebody else").await;
    house.expect_rung(&bob, 1).await;
    house.expect_line("bob", "accepted", "").await;
    recall(&wrong).await;
    expect_cleared(&house, &bob).await;
    assert_eq!(house.rung(&bob).len(), 1);

    house.say("ann", "bob", "good").await;
    wait_for("the push", async || (house.rung(&bob).len() >= 2).then_some(())).await;
    let bad = house.say("ann", "bob", "the secret").await;
    wait_for("the next push", async || {
        let shade = house.phone(&bob).shade;
        shade
            .last()
            .is_some_and(|shown| shown.body.contains("secret"))
            .then_some(())
    })
    .await;
    recall(&bad).await;
    wait_for("other words", async || {
        let shade = house.phone(&bob).shade;
        (shade.len() == 1 && shade[0].body == "You have a new message").then_some(())
    })
    .await;
    assert_eq!(house.phone(&bob).shade.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_taken_back_other_words_are_shown() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner_of("bob", VendorName::Oppo, "en").await;
    let sent = house.say("ann", "bob", "meant for somebody else").await;
    house.expect_rung(&bob, 1).await;
    house.expect_line("bob", "accepted", "").await;
    let path = format!("/v1/messages/{}", sent["serverId"].as_str().unwrap());
    house.app.call(Method::DELETE, &path, None).await;
    wait_for("other words", async || {
        let shade = house.phone(&bob).shade;
        (shade.len() == 1 && shade[0].body == "A message was taken back").then_some(())
    })
    .await;
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_gave_no_sign_of_life_for_long_is_passed_over_and_the_next_vendor_tried() {
    let day_ms = 24 * 3_600_000;
    let mut house = House::new().await;
    house.desktop("ann").await;
    let vendors = [VendorName::Xiaomi, VendorName::Fcm];
    let targets = vendors.map(|vendor| house.simulators.new_device(vendor, "bob"));
    let push = json!([
        crate::house::push(vendors[0], &targets[0]),
        crate::house::push(vendors[1], &targets[1])
    ]);
    house.register("bob", "bob", "en", push).await;
    house
        .register(
            "eve",
            "eve",
            "en",
            crate::house::push(vendors[0], &house.simulators.new_device(vendors[0], "eve")),
        )
        .await;
    house.later(31 * day_ms).await;
    house.say("ann", "bob", "hi").await;
    house.say("ann", "eve", "hi").await;
    wait_for("the other vendor's push", async || {
        let phone = house.simulators.phone(vendors[1], &targets[1]);
        (phone.history.len() == 1).then_some(())
    })
    .await;
    assert!(house.simulators.phone(vendors[0], &targets[0]).history.is_empty());
    house.expect_line("eve", "not_due", "idle").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_go_by_the_zone_of_the_reader_who_travels() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Fcm).await;
    // Six hours around now, as Shanghai's clocks show it: across midnight or not, whenever this runs.
    let minutes = house.now_ms() / 60_000 % 1_440;
    let at = |minute: u64| format!("{:02}:{:02}", minute % 1_440 / 60, minute % 60);
    let shanghai = minutes + 8 * 60;
    let night = |zone: &str| {
        json!({"quietHours": {
            "from": at(shanghai + 1_440 - 180), "until": at(shanghai + 180), "zone": zone, "calls": true}})
    };
    let kept = house
        .ask(&bob.device, Method::PUT, "push-wishes", Some(night("asia/shanghai")))
        .await;
    assert_eq!(kept["quietHours"]["zone"], "Asia/Shanghai");
    house.say("ann", "bob", "in the night").await;
    house.expect_line("bob", "not_due", "quiet_hours").await;
    house.send(crate::calls::signal("ann", "bob", "invite", "7")).await;
    house.expect_rung(&bob, 1).await;
    // The phone lands where it is day: five hours west of UTC, it is eleven to fourteen hours earlier.
    house
        .ask(&bob.device, Method::PUT, "push-wishes", Some(night("America/Bogota")))
        .await;
    house.say("ann", "bob", "in the day").await;
    let shown = house.expect_rung(&bob, 2).await.remove(1);
    assert!(shown.body.contains("in the day"), "{shown:?}");
    let path = format!("/v1/accounts/{}/push-wishes", bob.device.account);
    let (status, _) = house.app.call(Method::PUT, &path, Some(&night("Mars/Olympus"))).await;
    assert_eq!(status.as_u16(), 422);
}
