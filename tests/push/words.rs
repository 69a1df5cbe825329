//! What a notification says: languages, templates, privacy, and the words an app sends along.

use godwit_push::VendorName;
use reqwest::Method;
use serde_json::json;

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn words_are_in_the_devices_language_and_an_app_sets_its_own() {
    let house = House::new().await;
    house.desktop("ann").await;
    let (li, bob) = (
        house.owner_of("li", VendorName::Fcm, "zh-CN").await,
        house.owner_of("bob", VendorName::Fcm, "en-GB").await,
    );
    let image = |to: &str| json!({"from": "ann", "to": to, "type": "image", "content": {"storageId": "1"}});
    house.send(image("li")).await;
    house.send(image("bob")).await;
    assert_eq!(house.expect_rung(&li, 1).await[0].body, "[图片]");
    assert_eq!(house.expect_rung(&bob, 1).await[0].body, "[Photo]");
    let words = json!({"title": "Leave: {title}", "body": "{content.appName} from {sender}", "tap": "app://leave/{content.appid}"});
    let path = "/v1/push-templates/appCard/en";
    let (status, answer) = house.app.call(Method::PUT, path, Some(&words)).await;
    assert!(status.is_success(), "{answer}");
    let card = json!({"title": "Bob, July", "appName": "Desk", "appid": 12});
    house
        .send(json!({"from": "ann", "to": "bob", "type": "appCard", "content": card}))
        .await;
    let shown = house.expect_rung(&bob, 2).await.remove(1);
    assert_eq!(
        (shown.title.as_str(), shown.body.as_str()),
        ("Leave: Bob, July", "Desk from ann")
    );
    let (status, _) = house
        .app
        .call(Method::PUT, path, Some(&json!({"title": "", "body": ""})))
        .await;
    assert_eq!(status.as_u16(), 422);
    for expected in [204, 404] {
        let (status, _) = house.app.call(Method::DELETE, path, None).await;
        assert_eq!(status.as_u16(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_app_of_a_tenant_has_words_of_its_own_and_they_are_listed() {
    let house = House::new().await;
    house.desktop("ann").await;
    let vendor = VendorName::External;
    let work = house.simulators.new_device(vendor, "bob-work");
    let mut push = crate::house::push(vendor, &work);
    push["package"] = json!("org.example.work");
    house.register("bob", "bob-work", "en-GB", push).await;
    let home = house.owner_of("bob", VendorName::Fcm, "fr").await;
    let set = async |path: &str, title: &str| {
        let words = json!({"title": title, "body": "{text}"});
        let (status, answer) = house.app.call(Method::PUT, path, Some(&words)).await;
        assert!(status.is_success(), "{answer}");
    };
    set("/v1/push-templates/text/*", "All: {sender}").await;
    set("/v1/push-templates/text/en?package=org.example.work", "Work: {sender}").await;
    house.say("ann", "bob", "hi").await;
    let shown = house.expect_rung(&home, 1).await.remove(0);
    assert_eq!((shown.title.as_str(), shown.body.as_str()), ("All: ann", "hi"));
    let title = kit::wait_for("the push to the other app", async || {
        let phone = house.simulators.phone(vendor, &work);
        phone.history.front().map(|shown| shown.title.clone())
    })
    .await;
    assert_eq!(title, "Work: ann");
    let (_, list) = house.app.call(Method::GET, "/v1/push-templates", None).await;
    let expected = json!([
        {"type": "text", "language": "*", "title": "All: {sender}", "body": "{text}"},
        {"package": "org.example.work", "type": "text", "language": "en", "title": "Work: {sender}", "body": "{text}"},
    ]);
    assert_eq!(list["items"], expected);
    for (path, expected) in [
        ("/v1/push-templates/text/en", 404),
        ("/v1/push-templates/text/en?package=org.example.work", 204),
        ("/v1/push-templates/text/*", 204),
    ] {
        let (status, _) = house.app.call(Method::DELETE, path, None).await;
        assert_eq!(status.as_u16(), expected, "{path}");
    }
    let (_, list) = house.app.call(Method::GET, "/v1/push-templates", None).await;
    assert_eq!(list["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn privacy_hides_what_is_said_and_then_who_says_it() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner_of("bob", VendorName::Fcm, "en").await;
    let mut seen = Vec::new();
    for (at, privacy) in ["sender", "neutral"].into_iter().enumerate() {
        house
            .ask(
                &bob.device,
                Method::PUT,
                "push-wishes",
                Some(json!({"privacy": privacy})),
            )
            .await;
        house.say("ann", "bob", "the secret").await;
        let shown = house.expect_rung(&bob, at + 1).await.remove(at);
        assert!(!format!("{shown:?}").contains("secret"), "{shown:?}");
        seen.push(shown.title);
    }
    assert_eq!(seen, ["ann", "New message"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_chinese_and_emoji_text_is_cut_whole_under_every_vendors_limit() {
    let house = House::new().await;
    house.desktop("ann").await;
    let long = "晚安👨‍👩‍👧‍👦👍🏽".repeat(900);
    let mut owners = Vec::new();
    for vendor in VendorName::ALL {
        owners.push(house.owner(&format!("bob-{vendor}"), vendor).await);
    }
    for owner in &owners {
        house.say("ann", &owner.device.user, &long).await;
    }
    for owner in &owners {
        let shown = house.expect_rung(owner, 1).await.remove(0);
        assert!(shown.body.starts_with("晚安👨‍👩‍👧‍👦"), "{}: {}", owner.vendor, shown.body);
    }
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_brings_words_of_its_own_and_a_device_may_not() {
    let house = House::new().await;
    let ann = house.desktop("ann").await;
    let bob = house.owner_of("bob", VendorName::Fcm, "en").await;
    let mut client = house.connect(&ann).await;
    let words = json!({"title": "Your bank", "body": "call us"});
    let draft = json!({"id": "1", "to": "bob", "type": 0, "content": {"text": "hi"}, "push": words});
    client
        .publish(&ann.topic("outbox"), draft.to_string().as_bytes(), 1)
        .await
        .unwrap();
    assert_eq!(house.expect_rung(&bob, 1).await[0].title, "ann");
    house
        .send(json!({"to": "bob", "type": 0, "content": {"text": "hi"}, "push": words}))
        .await;
    let shown = house.expect_rung(&bob, 2).await.remove(1);
    assert_eq!((shown.title.as_str(), shown.body.as_str()), ("Your bank", "call us"));
}
