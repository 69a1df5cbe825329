//! A webhook that does well: signed, in order, with secrets that change, at addresses that may be called.

use std::time::Duration;

use godwit_push::call::signature;
use kit::wait_for;
use reqwest::Method;
use serde_json::json;

use crate::house::House;
use crate::receiver::{Manner, Receiver};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_told_signed_and_in_their_order() {
    let house = House::new().await;
    let receiver = Receiver::start().await;
    house.app.ticket("ann").await;
    house.app.ticket("bob").await;
    house.say("ann", "bob", "before there was a webhook").await;
    let made = house.webhook(&receiver.url(), &["message.accepted"]).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    let texts: Vec<String> = (0..30).map(|at| format!("text {at}")).collect();
    for text in &texts {
        house.say("ann", "bob", text).await;
    }
    house.expect_texts(&receiver, &texts).await;
    for got in receiver.got() {
        let at_s = got.timestamp.parse().unwrap();
        assert_eq!(got.signature, signature(&secret, &got.id, (at_s, &got.text)).unwrap());
        assert_eq!(got.body["type"], "message.accepted");
        let message = &got.body["data"]["message"];
        assert_eq!(got.id, format!("msg_{}", message["serverId"].as_str().unwrap()));
        assert_eq!((&message["from"], &message["to"]), (&json!("ann"), &json!("bob")));
        assert_eq!(got.path, "/hook");
    }
    let id = made["webhookId"].as_str().unwrap();
    let log = wait_for("the log of attempts", async || {
        let log = house.items(&format!("/v1/webhooks/{id}/attempts?limit=100")).await;
        (log.len() == 30).then_some(log)
    })
    .await;
    assert!(
        log.iter()
            .all(|line| line["outcome"] == "delivered" && line["status"] == 204)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_signatures_stand_there_while_a_secret_changes() {
    let house = House::new().await;
    let receiver = Receiver::start().await;
    house.app.ticket("ann").await;
    let made = house.webhook(&receiver.url(), &["message.accepted"]).await;
    let path = format!("/v1/webhooks/{}", made["webhookId"].as_str().unwrap());
    let secrets = format!("{path}/secrets");
    let second = house
        .must(Method::POST, &secrets, Some(&json!({"formerValidSeconds": 3_600})))
        .await;
    let test = house.must(Method::POST, &format!("{path}/test"), None).await;
    assert_eq!((&test["delivered"], &test["status"]), (&json!(true), &json!(204)));
    let third = house
        .must(Method::POST, &secrets, Some(&json!({"formerValidSeconds": 0})))
        .await;
    house.must(Method::POST, &format!("{path}/test"), None).await;
    let got = receiver.got();
    let signed = |at: usize, secret: &serde_json::Value| {
        let got = &got[at];
        let secret = secret["secret"].as_str().unwrap();
        signature(secret, &got.id, (got.timestamp.parse().unwrap(), &got.text)).unwrap()
    };
    assert_eq!(got[0].body["type"], "webhook.test");
    assert_eq!(got[0].signature, format!("{} {}", signed(0, &second), signed(0, &made)));
    assert_eq!(got[1].signature, signed(1, &third));
    let shown = house.must(Method::GET, &path, None).await;
    assert!(shown.get("secret").is_none(), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_addresses_are_refused_unless_they_are_allowed() {
    let house = House::with(|settings| settings.webhooks.private_addresses = false).await;
    let receiver = Receiver::start().await;
    for url in [
        receiver.url(),
        format!("https://{}", receiver.address),
        "https://[::1]/".to_owned(),
        "https://169.254.169.254/".to_owned(),
        "http://example.org/".to_owned(),
        "https://me:word@example.org/".to_owned(),
        "nothing".to_owned(),
    ] {
        let (status, answer) = house
            .refused(Method::POST, "/v1/webhooks", Some(&json!({"url": url})))
            .await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (422, &json!("invalid_field")),
            "{url}"
        );
    }
    // What a name leads to is seen when it is called.
    let url = format!("https://localhost:{}/", receiver.address.port());
    let made = house.webhook(&url, &[]).await;
    let path = format!("/v1/webhooks/{}/test", made["webhookId"].as_str().unwrap());
    let test = house.must(Method::POST, &path, None).await;
    assert_eq!(test["delivered"], false);
    assert!(test["detail"].as_str().unwrap().contains("public"), "{test}");
    assert!(receiver.got().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_switched_off_goes_on_where_it_was() {
    let house = House::new().await;
    let receiver = Receiver::start().await;
    house.app.ticket("ann").await;
    house.app.ticket("bob").await;
    let path = format!("/v1/webhooks/{}", house.told(&receiver).await);
    house.say("ann", "bob", "one").await;
    house.expect_texts(&receiver, &["one".to_owned()]).await;
    let off = house.must(Method::PUT, &path, Some(&json!({"enabled": false}))).await;
    assert_eq!(
        (&off["enabled"], &off["types"]),
        (&json!(false), &json!(["message.accepted"]))
    );
    house.say("ann", "bob", "two").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.texts(), ["one"]);
    house.must(Method::PUT, &path, Some(&json!({"enabled": true}))).await;
    house
        .expect_texts(&receiver, &["one".to_owned(), "two".to_owned()])
        .await;
    house.must(Method::DELETE, &path, None).await;
    house.say("ann", "bob", "three").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.texts(), ["one", "two"]);
    assert_eq!(house.refused(Method::GET, &path, None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_says_it_is_gone_is_asked_no_more_until_somebody_says_so() {
    let house = House::new().await;
    let receiver = Receiver::start().await;
    house.app.ticket("ann").await;
    house.app.ticket("bob").await;
    let path = format!("/v1/webhooks/{}", house.told(&receiver).await);
    receiver.behave(Manner::Status(410));
    house.say("ann", "bob", "one").await;
    let shown = wait_for("the webhook to be off", async || {
        let shown = house.must(Method::GET, &path, None).await;
        (shown["enabled"] == false).then_some(shown)
    })
    .await;
    assert!(shown["disabledBecause"].as_str().unwrap().contains("410"));
    house.say("ann", "bob", "two").await;
    receiver.behave(Manner::Takes);
    house.must(Method::PUT, &path, Some(&json!({"enabled": true}))).await;
    house
        .expect_texts(&receiver, &["one".to_owned(), "two".to_owned()])
        .await;
}
