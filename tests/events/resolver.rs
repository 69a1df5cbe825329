//! The business system as the source of groups and of who blocks whom: asked, kept, told of changes, and missed.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use kit::wait_for;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::house::House;

/// What the business system knows, and how it does.
#[derive(Default)]
struct Knows {
    answers: HashMap<String, Value>,
    asked: Vec<String>,
    hangs: bool,
}

struct Business {
    address: SocketAddr,
    knows: Arc<Mutex<Knows>>,
    serving: JoinHandle<()>,
}

impl Drop for Business {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(knows): State<Arc<Mutex<Knows>>>, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let id = |name: &str| asked["data"][name].as_str().unwrap().to_owned();
    let subject = match asked["type"].as_str().unwrap() {
        "resolver.queryGroup" => format!("g:{}", id("groupId")),
        "resolver.queryBlockRules" => format!("u:{}", id("userId")),
        other => unreachable!("{other}"),
    };
    let (hangs, found) = {
        let mut knows = knows.lock().unwrap();
        knows.asked.push(subject.clone());
        (knows.hangs, knows.answers.get(&subject).cloned())
    };
    if hangs {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    match found {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Business {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let knows: Arc<Mutex<Knows>> = Arc::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&knows));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            knows,
            serving,
        }
    }

    fn says(&self, subject: &str, answer: Value) {
        self.knows.lock().unwrap().answers.insert(subject.to_owned(), answer);
    }

    fn hangs(&self, hangs: bool) {
        self.knows.lock().unwrap().hangs = hangs;
    }

    fn asked(&self, subject: &str) -> usize {
        self.knows
            .lock()
            .unwrap()
            .asked
            .iter()
            .filter(|asked| *asked == subject)
            .count()
    }
}

async fn resolver(house: &House, business: &Business, stale_s: u64) {
    let says = json!({"url": format!("http://{}/", business.address), "onFailure": "refuse", "timeLimitMs": 800,
        "staleSeconds": stale_s});
    house.must(Method::PUT, "/v1/hooks/resolver", Some(&says)).await;
}

fn to_group(text: &str) -> Value {
    json!({"from": "ann", "to": "g:team", "type": 0, "content": {"text": text}})
}

async fn notice(house: &House, name: &str, body: Value) {
    house
        .must(Method::POST, &format!("/v1/resolver/{name}"), Some(&body))
        .await;
}

async fn texts(house: &House, device: &kit::Device) -> Vec<String> {
    let inbox = house.app.inbox(device).await;
    let text = |entry: &Value| entry["content"]["text"].as_str().map(str::to_owned);
    inbox.iter().filter_map(text).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_as_the_business_system_says_and_changes_with_it() {
    let mut house = House::new().await;
    let business = Business::start().await;
    let (bob, carl) = (
        house.app.register("bob", "b").await,
        house.app.register("carl", "c").await,
    );
    house.app.ticket("ann").await;
    business.says("g:team", json!({"name": "Team", "members": ["ann", "bob", "dora"]}));
    resolver(&house, &business, 3_600).await;
    house.app.send(&to_group("one")).await;
    house.app.send(&to_group("two")).await;
    assert_eq!(business.asked("g:team"), 1, "the second message asks nobody");
    assert_eq!(texts(&house, &bob).await, ["one", "two"]);
    let group = house.must(Method::GET, "/v1/groups/team", None).await;
    assert_eq!(group["name"], "Team");
    assert_eq!(house.must(Method::GET, "/v1/users/dora", None).await["userId"], "dora");
    business.says("g:team", json!({"name": "Team", "members": ["ann", "carl"]}));
    notice(&house, "group-changed", json!({"groupId": "team"})).await;
    house.app.send(&to_group("three")).await;
    assert_eq!(texts(&house, &bob).await, ["one", "two"]);
    assert_eq!(texts(&house, &carl).await, ["three"]);
    // What was said is there after a restart.
    let asked = business.asked("g:team");
    house.restart().await;
    house.app.send(&to_group("four")).await;
    assert_eq!(business.asked("g:team"), asked);
    notice(&house, "group-removed", json!({"groupId": "team"})).await;
    let (status, answer) = house
        .refused(Method::POST, "/v1/messages", Some(&to_group("five")))
        .await;
    assert_eq!((status.as_u16(), &answer["code"]), (404, &json!("group_not_found")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_answer_the_last_one_counts_for_a_while_and_nothing_is_guessed() {
    let house = House::new().await;
    let business = Business::start().await;
    let bob = house.app.register("bob", "b").await;
    house.app.ticket("ann").await;
    business.says("g:team", json!({"members": ["ann", "bob"]}));
    resolver(&house, &business, 3_600).await;
    house.app.send(&to_group("one")).await;
    business.hangs(true);
    notice(&house, "group-changed", json!({"groupId": "team"})).await;
    house.app.send(&to_group("two")).await;
    assert_eq!(texts(&house, &bob).await, ["one", "two"], "as it was said last");
    let mut other = to_group("three");
    other["to"] = json!("g:never-heard-of");
    let (status, answer) = house.refused(Method::POST, "/v1/messages", Some(&other)).await;
    assert_eq!(
        (status.as_u16(), &answer["code"]),
        (503, &json!("resolver_unavailable"))
    );
    assert_eq!(answer["retryable"], true);
    // An answer that is too old is none.
    resolver(&house, &business, 0).await;
    assert_eq!(
        house
            .refused(Method::POST, "/v1/messages", Some(&to_group("four")))
            .await
            .0,
        503
    );
    business.hangs(false);
    wait_for("the business system to be asked again", async || {
        let (status, _) = house
            .app
            .call(Method::POST, "/v1/messages", Some(&to_group("five")))
            .await;
        status.is_success().then_some(())
    })
    .await;
    assert_eq!(texts(&house, &bob).await, ["one", "two", "five"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_senders_do_not_get_through() {
    let house = House::new().await;
    let business = Business::start().await;
    let (ann, bob) = (
        house.app.register("ann", "a").await,
        house.app.register("bob", "b").await,
    );
    business.says("u:bob", json!({"rules": [{"from": "ann", "action": "discard"}]}));
    resolver(&house, &business, 3_600).await;
    house.say("ann", "bob", "let me in").await;
    assert_eq!(texts(&house, &bob).await, Vec::<String>::new());
    assert_eq!(texts(&house, &ann).await, ["let me in"], "who is blocked is not told");
    house.app.ticket("carl").await;
    house.say("carl", "bob", "hello").await;
    business.says("u:bob", json!({"rules": [{"from": "ann", "action": "silence"}]}));
    notice(&house, "block-rule-changed", json!({"userId": "bob"})).await;
    house.say("ann", "bob", "once more").await;
    assert_eq!(texts(&house, &bob).await, ["hello", "once more"]);
    assert_eq!(business.asked("u:bob"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_resolver_there_is_nothing_to_be_told_of() {
    let house = House::new().await;
    for (name, body) in [
        ("group-changed", json!({"groupId": "team"})),
        ("group-removed", json!({"groupId": "team"})),
        ("block-rule-changed", json!({"userId": "ann"})),
    ] {
        let (status, _) = house
            .refused(Method::POST, &format!("/v1/resolver/{name}"), Some(&body))
            .await;
        assert_eq!(status, 404, "{name}");
    }
}
