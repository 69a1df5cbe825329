//! Whoever asks for events gets what a webhook is told, from where it was, or as soon as there is something.

use reqwest::Method;
use serde_json::Value;

use crate::house::House;

fn text(item: &Value) -> &str {
    item["event"]["data"]["message"]["content"]["text"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_read_from_a_cursor_on_and_waited_for() {
    let house = House::new().await;
    house.app.ticket("ann").await;
    house.app.ticket("bob").await;
    house.say("ann", "bob", "before").await;
    let begin = house.must(Method::GET, "/v1/events?types=message.accepted", None).await;
    assert_eq!(begin["items"], serde_json::json!([]));
    let cursor = begin["cursor"].as_str().unwrap().to_owned();
    house.say("ann", "bob", "one").await;
    house.say("ann", "bob", "two").await;
    let path = |cursor: &str, wait: u32| format!("/v1/events?types=message.accepted&after={cursor}&wait={wait}");
    let page = house.must(Method::GET, &path(&cursor, 0), None).await;
    let texts: Vec<&str> = page["items"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(texts, ["one", "two"]);
    let again = house.must(Method::GET, &path(&cursor, 0), None).await;
    assert_eq!(again["items"], page["items"], "the same events under the same ids");
    let next = page["cursor"].as_str().unwrap();
    let path = path(next, 20);
    let waiting = house.must(Method::GET, &path, None);
    let saying = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        house.say("ann", "bob", "three").await;
    };
    let (page, ()) = tokio::join!(waiting, saying);
    assert_eq!(text(&page["items"][0]), "three");
    let (status, _) = house.refused(Method::GET, "/v1/events?after=nonsense", None).await;
    assert_eq!(status, 422);
}
