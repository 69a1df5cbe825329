//! Messages that are kept back, from an app and from a device.

use serde_json::{Value, json};

use crate::house::{Answer, House, NOW_MS};

impl House {
    async fn entries(&self, account: &str) -> Vec<Value> {
        let path = format!("/v1/accounts/{account}/inbox?after=0");
        let read = self.get(&self.token, &path).await.expect(200);
        read.json["items"].as_array().expect("items").clone()
    }

    /// Waits until a schedule has become what is expected.
    async fn becomes(&self, id: &str, state: &str) -> Answer {
        loop {
            let read = self.get(&self.token, &format!("/v1/schedules/{id}")).await.expect(200);
            if read.field("state") == state {
                return read;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

fn later(id: &str, seconds: u64) -> Value {
    json!({"id": id, "to": "ann", "type": "text", "content": {"text": id}, "deliverAfter": seconds})
}

#[tokio::test]
async fn a_message_is_sent_when_its_time_has_come_and_not_before() {
    let house = House::start().await;
    let ann = house.phone("ann").await;
    let asked = house.message(&later("m1", 60)).await.expect(202);
    assert_eq!(
        (asked.field("id"), &asked.json["deliverAt"]),
        ("m1".to_owned(), &json!(NOW_MS + 60_000))
    );
    let again = house.message(&later("m1", 99)).await.expect(202);
    assert_eq!(
        (&again.json, again.header("idempotent-replayed")),
        (&asked.json, "true")
    );
    let mut other = later("m1", 60);
    other["content"]["text"] = json!("other");
    assert_eq!(house.message(&other).await.problem(), (409, "id_conflict"));
    house.clock.set(NOW_MS + 59_999);
    // Another one, due by then, shows that what is due is sent.
    let early = house.message(&later("m0", 1)).await.expect(202).field("scheduleId");
    assert!(house.entries(&ann.account).await.is_empty());
    house.clock.set(NOW_MS + 60_999);
    house.becomes(&early, "sent").await;
    let sent = house.becomes(&asked.field("scheduleId"), "sent").await;
    let entries = house.entries(&ann.account).await;
    let ids: Vec<_> = entries
        .iter()
        .map(|entry| entry["id"].as_str().expect("text"))
        .collect();
    assert_eq!(ids, ["m1", "m0"], "in the order of their times");
    assert_eq!(entries[0]["serverId"], sent.json["serverId"]);
    assert_eq!(entries[0].get("ext"), None, "how long it waited is not told");
    house.message(&later("m1", 60)).await.expect(202);
    let direct = json!({"id": "m1", "to": "ann", "type": "text", "content": {"text": "m1"}});
    let direct = house.message(&direct).await.expect(200);
    assert_eq!(direct.json["serverId"], sent.json["serverId"], "the same message");
    assert_eq!(house.entries(&ann.account).await.len(), 2);
}

#[tokio::test]
async fn what_waits_is_listed_changed_and_cancelled() {
    let house = House::start().await;
    let ann = house.phone("ann").await;
    let mut ids = Vec::new();
    for (id, seconds) in [("m1", 60), ("m2", 120), ("m3", 864_000)] {
        ids.push(house.message(&later(id, seconds)).await.expect(202).field("scheduleId"));
        house.clock.set(house.clock_ms() + 1);
    }
    let page = house
        .get(&house.token, "/v1/schedules?limit=2&state=pending")
        .await
        .expect(200);
    assert_eq!(page.json["items"].as_array().expect("items").len(), 2);
    assert_eq!(page.json["items"][0]["message"]["content"]["text"], "m1");
    let rest = house.get(&house.token, &page.field("next")).await.expect(200);
    assert_eq!(
        (&rest.json["items"][0]["scheduleId"], rest.json.get("next")),
        (&json!(ids[2]), None)
    );

    let path = |at: usize| format!("/v1/schedules/{}", ids[at]);
    let change = json!({"deliverAfter": 30, "content": {"text": "changed"}});
    let changed = house.put(&house.token, &path(2), &change).await.expect(200);
    assert_eq!(changed.header("etag"), "\"v2\"");
    assert_eq!(changed.json["deliverAt"], house.clock_ms() + 30_000);
    let bad = json!({"content": {"words": "no text"}});
    assert_eq!(
        house.put(&house.token, &path(2), &bad).await.problem(),
        (422, "invalid_field")
    );
    let late = json!({"deliverAfter": 864_001});
    assert_eq!(
        house.put(&house.token, &path(2), &late).await.problem(),
        (422, "invalid_field")
    );
    house.delete(&house.token, &path(0)).await.expect(204);
    house.delete(&house.token, &path(0)).await.expect(204);
    let cancelled = house.put(&house.token, &path(0), &change).await;
    assert_eq!(cancelled.problem(), (409, "too_late"));

    house.clock.set(house.clock_ms() + 200_000);
    house.becomes(&ids[1], "sent").await;
    house.becomes(&ids[2], "sent").await;
    let texts: Vec<_> = house
        .entries(&ann.account)
        .await
        .iter()
        .map(|entry| entry["content"]["text"].clone())
        .collect();
    assert_eq!(texts, [json!("changed"), json!("m2")]);
    assert_eq!(house.delete(&house.token, &path(1)).await.problem(), (409, "too_late"));
    for too_long in [json!(864_001), json!(-1), json!("60"), json!(1.5)] {
        let mut draft = later("m9", 0);
        draft["deliverAfter"] = too_long.clone();
        assert!([400, 422].contains(&house.message(&draft).await.status), "{too_long}");
    }
}

#[tokio::test]
async fn a_device_sees_its_users_schedules_and_an_app_its_tenants() {
    let house = House::start().await;
    let (ann, bob) = (house.phone("ann").await, house.phone("bob").await);
    let mut of_bob = later("b1", 60);
    of_bob["from"] = json!("bob");
    let own = house.message(&of_bob).await.expect(202).field("scheduleId");
    house.message(&later("a1", 60)).await.expect(202);
    let count = |answer: Answer| answer.expect(200).json["items"].as_array().expect("items").len();
    assert_eq!(count(house.get(&house.token, "/v1/schedules").await), 2);
    assert_eq!(count(house.get(&bob.token, "/v1/schedules").await), 1);
    assert_eq!(count(house.get(&ann.token, "/v1/schedules").await), 0);
    assert_eq!(count(house.get(&house.stranger().await, "/v1/schedules").await), 0);
    let path = format!("/v1/schedules/{own}");
    let stranger = house.stranger().await;
    for token in [&ann.token, &stranger] {
        assert_eq!(house.get(token, &path).await.problem(), (404, "not_found"));
        assert_eq!(house.delete(token, &path).await.problem(), (404, "not_found"));
        let change = house.put(token, &path, &json!({"deliverAfter": 1})).await;
        assert_eq!(change.problem(), (404, "not_found"));
    }
    house.delete(&bob.token, &path).await.expect(204);
}

#[tokio::test]
async fn what_is_refused_at_its_time_says_why() {
    let house = House::start().await;
    house.phone("ann").await;
    house.phone("bob").await;
    let to_ann = house.message(&later("m1", 60)).await.expect(202).field("scheduleId");
    let mut of_bob = later("m2", 60);
    (of_bob["from"], of_bob["to"]) = (json!("bob"), json!("bob"));
    let of_bob = house.message(&of_bob).await.expect(202).field("scheduleId");
    let mut to_nobody = later("m3", 60);
    to_nobody["to"] = json!("nobody");
    assert_eq!(
        house.message(&to_nobody).await.problem(),
        (404, "user_not_found"),
        "judged when it is asked"
    );
    house.delete(&house.token, "/v1/users/ann").await.expect(204);
    house
        .put(&house.token, "/v1/users/bob/block", &json!({}))
        .await
        .expect(200);
    house.clock.set(NOW_MS + 60_000);
    assert_eq!(house.becomes(&to_ann, "refused").await.field("code"), "user_not_found");
    assert_eq!(house.becomes(&of_bob, "refused").await.field("code"), "user_blocked");
}

#[tokio::test]
async fn a_message_is_shown_for_so_long_from_when_it_is_sent() {
    let house = House::start().await;
    let ann = house.phone("ann").await;
    let mut now = later("m1", 0);
    now["ttlSeconds"] = json!(100);
    house.message(&now).await.expect(201);
    let mut then = later("m2", 60);
    then["ttlSeconds"] = json!(100);
    let then = house.message(&then).await.expect(202).field("scheduleId");
    house.clock.set(NOW_MS + 60_000);
    house.becomes(&then, "sent").await;
    house.clock.set(NOW_MS + 101_000);
    let entries = house.entries(&ann.account).await;
    assert_eq!(entries[0], json!({"seq": 1, "gone": "expired"}));
    assert_eq!(entries[1]["id"], "m2");
    house.clock.set(NOW_MS + 161_000);
    assert_eq!(
        house.entries(&ann.account).await[1],
        json!({"seq": 2, "gone": "expired"})
    );
    let mut bad = later("m3", 0);
    bad["ttlSeconds"] = json!(0);
    assert_eq!(house.message(&bad).await.problem(), (422, "invalid_field"));
}

#[tokio::test]
async fn a_draft_that_is_sent_at_once_while_it_waits_is_the_one_that_waits() {
    let mut house = House::start().await;
    let ann = house.phone("ann").await;
    let asked = house.message(&later("m1", 864_000)).await.expect(202);
    let direct = json!({"id": "m1", "to": "ann", "type": "text", "content": {"text": "m1"}});
    let same = house.message(&direct).await.expect(202);
    assert_eq!((&same.json, same.header("idempotent-replayed")), (&asked.json, "true"));
    let mut other = direct.clone();
    other["content"]["text"] = json!("other");
    assert_eq!(house.message(&other).await.problem(), (409, "id_conflict"));
    assert!(house.entries(&ann.account).await.is_empty());
    // Later than the log remembers, and than access tokens live.
    house.clock.set(NOW_MS + 864_000_000);
    house.token = house.token_of(&house.app).await;
    house.becomes(&asked.field("scheduleId"), "sent").await;
    assert_eq!(house.entries(&ann.account).await.len(), 1);
    let cancelled = house.message(&later("m2", 60)).await.expect(202).field("scheduleId");
    house
        .delete(&house.token, &format!("/v1/schedules/{cancelled}"))
        .await
        .expect(204);
    let direct = json!({"id": "m2", "to": "ann", "type": "text", "content": {"text": "m2"}});
    house.message(&direct).await.expect(201);
}

#[tokio::test]
async fn a_draft_that_was_sent_is_not_kept_back_once_more() {
    let house = House::start().await;
    let ann = house.phone("ann").await;
    let direct = json!({"id": "m1", "to": "ann", "type": "text", "content": {"text": "m1"}});
    let sent = house.message(&direct).await.expect(201);
    // The log would have forgotten it by then.
    let again = house.message(&later("m1", 864_000)).await.expect(200);
    assert_eq!(again.json["serverId"], sent.json["serverId"]);
    let mut other = later("m1", 864_000);
    other["content"]["text"] = json!("other");
    assert_eq!(house.message(&other).await.problem(), (409, "id_conflict"));
    let none = house.get(&house.token, "/v1/schedules").await.expect(200);
    assert_eq!(none.json["items"], json!([]));
    assert_eq!(house.entries(&ann.account).await.len(), 1);
}
