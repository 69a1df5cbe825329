//! A service is asked before a message is taken, whatever door it comes through: it lets pass, refuses, or rewrites.

use std::time::Duration;

use godwit_push::call::signature;
use kit::{Event, wait_for};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::judge::{Judge, Said};

async fn hook(house: &House, name: &str, judge: &Judge, on_failure: &str) -> Value {
    let says = json!({"url": judge.url(), "onFailure": on_failure, "timeLimitMs": 1_500});
    house.must(Method::PUT, &format!("/v1/hooks/{name}"), Some(&says)).await
}

fn rule(text: &str) -> Said {
    match text {
        "bad" => Said::at_once(json!({"action": "refuse", "reason": "no bad words"})),
        "old" => Said::at_once(json!({"action": "rewrite", "content": {"text": "new"}})),
        _ => Said::at_once(json!({"action": "allow"})),
    }
}

fn draft(id: &str, text: &str) -> Value {
    json!({"id": id, "to": "bob", "type": 0, "content": {"text": text}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_door_asks_before_it_takes_a_message() {
    let house = House::new().await;
    let judge = Judge::start(rule).await;
    let (ann, bob) = (
        house.app.register("ann", "a").await,
        house.app.register("bob", "b").await,
    );
    let made = hook(&house, "before-send", &judge, "refuse").await;
    let (mut sender, mut phone) = (house.connect(&ann).await, house.connect(&bob).await);
    // A device.
    let outbox = ann.topic("outbox");
    let refused = sender
        .publish_and_wait(&outbox, draft("1", "bad").to_string().as_bytes())
        .await;
    assert_eq!(refused, 0x87);
    sender
        .publish(&outbox, draft("2", "old").to_string().as_bytes(), 1)
        .await
        .unwrap();
    assert_eq!(phone.delivery().await["content"]["text"], "new");
    // REST, one and many.
    let (status, answer) = house
        .refused(Method::POST, "/v1/messages", Some(&draft("3", "bad")))
        .await;
    assert_eq!((status.as_u16(), &answer["code"]), (403, &json!("hook_refused")));
    assert_eq!(
        (&answer["detail"], &answer["retryable"]),
        (&json!("no bad words"), &json!(false))
    );
    let batch = json!({"messages": [draft("4", "bad"), draft("5", "good")]});
    let answer = house.must(Method::POST, "/v1/messages/batch", Some(&batch)).await;
    assert!(answer.to_string().contains("hook_refused"), "{answer}");
    assert_eq!(phone.delivery().await["content"]["text"], "good");
    // What is kept back is asked about when it is asked for, and when its content changes.
    let mut later = draft("6", "bad");
    later["deliverAfter"] = 3_600.into();
    assert_eq!(house.refused(Method::POST, "/v1/messages", Some(&later)).await.0, 403);
    later["content"]["text"] = "old".into();
    let kept = house.app.send(&later).await;
    let path = format!("/v1/schedules/{}", kept["scheduleId"].as_str().unwrap());
    let kept = house.must(Method::GET, &path, None).await;
    assert_eq!(kept["message"]["content"]["text"], "new");
    let change = json!({"content": {"text": "bad"}});
    assert_eq!(house.refused(Method::PUT, &path, Some(&change)).await.0, 403);
    let secret = made["secret"].as_str().unwrap();
    for (id, at, signed, body) in judge.asked() {
        assert!(id.starts_with("bfr_") && !at.is_empty() && signed.starts_with("v1,"));
        assert_eq!(
            (&body["type"], &body["data"]["message"]["to"]),
            (&json!("message.before"), &json!(["bob"]))
        );
        // JSON is signed as it was sent; this body was written again, so that only its parts are compared.
        assert!(signature(secret, &id, (at.parse().unwrap(), "")).is_ok());
    }
    let first = &judge.asked()[0].3["data"];
    assert_eq!(
        (&first["message"]["from"], &first["deviceId"]),
        (&json!("ann"), &json!(ann.id))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_rewritten_is_the_same_when_it_is_sent_again() {
    let house = House::new().await;
    let judge = Judge::start(rule).await;
    house.app.ticket("bob").await;
    hook(&house, "before-send", &judge, "refuse").await;
    let first = house.app.send(&draft("1", "old")).await;
    let again = house.app.send(&draft("1", "old")).await;
    assert_eq!(first["serverId"], again["serverId"]);
    assert_eq!(judge.asked().len(), 1, "what is stored is not asked about again");
    let (status, answer) = house
        .refused(Method::POST, "/v1/messages", Some(&draft("1", "other")))
        .await;
    assert_eq!((status.as_u16(), &answer["code"]), (409, &json!("id_conflict")));
    let stored = house
        .must(
            Method::GET,
            &format!("/v1/messages/{}", first["serverId"].as_str().unwrap()),
            None,
        )
        .await;
    assert_eq!(stored["content"]["text"], "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_one_sender_keep_their_order_however_long_each_is_judged() {
    let house = House::new().await;
    let judge = Judge::start(|text| {
        let delay = if text == "text 0" { 400 } else { 0 };
        Said::allow_after(Duration::from_millis(delay))
    })
    .await;
    let (ann, bob) = (
        house.app.register("ann", "a").await,
        house.app.register("bob", "b").await,
    );
    hook(&house, "before-send", &judge, "refuse").await;
    let (mut sender, mut phone) = (house.connect(&ann).await, house.connect(&bob).await);
    let mut ids = Vec::new();
    for at in 0..6 {
        let body = draft(&format!("{at}"), &format!("text {at}"));
        ids.push(
            sender
                .publish(&ann.topic("outbox"), body.to_string().as_bytes(), 1)
                .await
                .unwrap(),
        );
    }
    for at in 0..6 {
        assert_eq!(phone.delivery().await["content"]["text"], format!("text {at}"));
    }
    let mut acknowledged = Vec::new();
    while acknowledged.len() < ids.len() {
        match sender.next().await {
            Some(Event::PubAck { id, reason: 0 }) => acknowledged.push(id),
            Some(Event::Publish { id, .. }) => sender.ack(id).await.unwrap(),
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!(acknowledged, ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_answer_it_is_done_as_was_said_and_the_hook_rests() {
    let house = House::new().await;
    let judge = Judge::start(|text| match text {
        "slow" => Said::allow_after(Duration::from_hours(1)),
        "wrong" => Said(500, json!({"action": "allow"}), Duration::ZERO),
        "garbage" => Said::at_once(json!(["what?"])),
        _ => Said::at_once(json!({"action": "allow"})),
    })
    .await;
    house.app.ticket("bob").await;
    hook(&house, "before-send", &judge, "refuse").await;
    for (at, text) in ["slow", "wrong", "garbage"].iter().enumerate() {
        let body = draft(&format!("r{at}"), text);
        let (status, answer) = house.refused(Method::POST, "/v1/messages", Some(&body)).await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (503, &json!("hook_unavailable")),
            "{text}"
        );
        assert_eq!(answer["retryable"], true);
    }
    house.app.send(&draft("fine", "fine")).await;
    hook(&house, "before-send", &judge, "allow").await;
    for (at, text) in ["slow", "wrong", "garbage"].iter().enumerate() {
        house.app.send(&draft(&format!("a{at}"), text)).await;
    }
    // After several failures in a row nobody waits for it any more.
    for at in 0..6 {
        house.app.send(&draft(&format!("b{at}"), "wrong")).await;
    }
    assert!(judge.asked().len() < 13, "{}", judge.asked().len());
    house.must(Method::DELETE, "/v1/hooks/before-send", None).await;
    let asked = judge.asked().len();
    house.app.send(&draft("unasked", "slow")).await;
    assert_eq!(judge.asked().len(), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_has_a_hook_of_its_own_and_addresses_are_judged() {
    let mut house = House::new().await;
    let (of_tenant, of_app) = (Judge::start(rule).await, Judge::start(rule).await);
    house.app.ticket("bob").await;
    let apps = house.items("/v1/apps").await;
    let name = format!("before-send.{}", apps[0]["clientId"].as_str().unwrap());
    hook(&house, "before-send", &of_tenant, "refuse").await;
    hook(&house, &name, &of_app, "refuse").await;
    house.app.send(&draft("1", "good")).await;
    assert_eq!((of_app.asked().len(), of_tenant.asked().len()), (1, 0));
    house.restart().await;
    house.app.send(&draft("2", "good")).await;
    assert_eq!(of_app.asked().len(), 2, "hooks are there after a restart");
    for (name, says, code) in [
        (
            "before-send.nobody",
            json!({"url": of_app.url(), "onFailure": "allow"}),
            "not_found",
        ),
        (
            "after-send",
            json!({"url": of_app.url(), "onFailure": "allow"}),
            "not_found",
        ),
        (
            "before-send",
            json!({"url": "ftp://x/", "onFailure": "allow"}),
            "invalid_field",
        ),
        (
            "before-send",
            json!({"url": of_app.url(), "onFailure": "maybe"}),
            "invalid_field",
        ),
        ("before-send", json!({"url": of_app.url()}), "invalid_field"),
        (
            "before-send",
            json!({"url": of_app.url(), "onFailure": "allow", "timeLimitMs": 9_000}),
            "invalid_field",
        ),
    ] {
        let (_, answer) = house
            .refused(Method::PUT, &format!("/v1/hooks/{name}"), Some(&says))
            .await;
        assert_eq!(answer["code"], code, "{says}");
    }
    let secrets = house
        .must(Method::POST, "/v1/hooks/before-send/secrets", Some(&json!({})))
        .await;
    house.must(Method::DELETE, &format!("/v1/hooks/{name}"), None).await;
    house.app.send(&draft("3", "good")).await;
    wait_for("two signatures", async || {
        let asked = of_tenant.asked();
        asked
            .first()
            .filter(|asked| asked.2.split(' ').count() == 2)
            .map(|_| ())
    })
    .await;
    assert!(secrets["formerSecretUntil"].as_u64().is_some());
}
