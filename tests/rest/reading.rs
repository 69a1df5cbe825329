//! Conversations and inboxes: windows, cursors, and who may look.

use godwit_registry::Scope;
use serde_json::{Value, json};

use crate::house::{Answer, House, NOW_MS, Phone};

/// Alice with seven messages from the app; the conversation's name.
async fn seven(house: &House) -> (Phone, String) {
    let phone = house.phone("alice").await;
    let mut conv = String::new();
    for number in 1..=7_u64 {
        house.clock.set(NOW_MS + number * 1_000);
        let body = json!({"id": format!("m{number}"), "to": "alice", "type": "reading", "content": number});
        conv = house.message(&body).await.expect(201).field("conv");
    }
    (phone, conv)
}

fn contents(answer: &Answer) -> Vec<u64> {
    let items = answer.json["items"].as_array().expect("items");
    items
        .iter()
        .map(|item| item["content"].as_u64().expect("a number"))
        .collect()
}

/// Follows `next` to the end.
async fn pages(house: &House, token: &str, path: &str) -> Vec<Vec<u64>> {
    let mut pages = Vec::new();
    let mut path = Some(path.to_owned());
    while let Some(at) = path {
        let answer = house.get(token, &at).await.expect(200);
        pages.push(contents(&answer));
        path = answer.json["next"].as_str().map(str::to_owned);
    }
    pages
}

#[tokio::test]
async fn a_conversation_is_read_in_windows_from_both_ends() {
    let house = House::start().await;
    let (_, conv) = seven(&house).await;
    let since = NOW_MS + 5_000;
    for (query, expected) in [
        (
            "?after=0&limit=3".to_owned(),
            vec![vec![1, 2, 3], vec![4, 5, 6], vec![7]],
        ),
        ("?limit=3".to_owned(), vec![vec![5, 6, 7], vec![2, 3, 4], vec![1]]),
        ("?before=4&limit=2".to_owned(), vec![vec![2, 3], vec![1]]),
        (format!("?since={since}&limit=2"), vec![vec![5, 6], vec![7]]),
        ("?after=2&before=6".to_owned(), vec![vec![3, 4, 5]]),
        ("?after=7".to_owned(), vec![vec![]]),
    ] {
        let path = format!("/v1/conversations/{conv}/messages{query}");
        let read = pages(&house, &house.token, &path).await;
        assert_eq!(read.concat(), expected.concat(), "{query}");
        assert_eq!(read[0], expected[0], "{query}");
    }
    let one = house
        .get(&house.token, &format!("/v1/conversations/{conv}/messages?limit=1"))
        .await;
    let item = &one.json["items"][0];
    assert_eq!((item["convSeq"].as_u64(), item.get("seq")), (Some(7), None));
}

#[tokio::test]
async fn a_conversation_of_another_tenant_looks_like_none() {
    let house = House::start().await;
    let (phone, conv) = seven(&house).await;
    let stranger = house.stranger().await;
    for conv in [conv.as_str(), "g-0-1", "s-1-1", "a-1-1"] {
        let path = format!("/v1/conversations/{conv}/messages?after=0");
        let seen = house.get(&stranger, &path).await.expect(200);
        assert_eq!(seen.json, json!({"items": []}), "{conv}");
    }
    let path = format!("/v1/conversations/{conv}/messages");
    let scopeless = house.app_with(&[Scope::Messages]).await;
    assert_eq!(house.get(&scopeless, &path).await.problem(), (403, "forbidden"));
    assert_eq!(house.get(&phone.token, &path).await.problem(), (403, "forbidden"));
    let nonsense = house.get(&house.token, "/v1/conversations/q-1/messages").await;
    assert_eq!(nonsense.problem(), (422, "invalid_field"));
}

#[tokio::test]
async fn an_inbox_is_read_by_its_devices_and_by_apps_with_the_scope() {
    let house = House::start().await;
    let (phone, _) = seven(&house).await;
    let path = format!("/v1/accounts/{}/inbox", phone.account);
    for token in [&phone.token, &house.token] {
        let read = pages(&house, token, &format!("{path}?after=0&limit=3")).await;
        assert_eq!(read, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
        let backwards = pages(&house, token, &format!("{path}?limit=4")).await;
        assert_eq!(backwards, [vec![4, 5, 6, 7], vec![1, 2, 3]]);
    }
    let page = house.get(&phone.token, &format!("{path}?after=5")).await.expect(200);
    assert_eq!(
        (page.json["head"].as_u64(), page.json["floor"].as_u64()),
        (Some(7), Some(1))
    );
    let seqs: Vec<&Value> = page.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| &item["seq"])
        .collect();
    assert_eq!(seqs, [6, 7]);
    assert_eq!(page.json.get("next"), None);
}

#[tokio::test]
async fn nobody_else_reads_an_inbox() {
    let house = House::start().await;
    let (phone, _) = seven(&house).await;
    let path = format!("/v1/accounts/{}/inbox", phone.account);
    let bob = house.phone("bob").await;
    for (token, expected) in [
        (bob.token, (403, "forbidden")),
        (house.app_with(&[Scope::MessagesRead]).await, (403, "forbidden")),
        (house.stranger().await, (404, "not_found")),
        ("nonsense".to_owned(), (401, "unauthenticated")),
    ] {
        let answer = house.get(&token, &path).await;
        assert_eq!(answer.problem(), expected);
        assert_eq!(answer.json.get("items"), None);
    }
    assert_eq!(
        house.get(&house.token, "/v1/accounts/nobody/inbox").await.problem(),
        (404, "not_found")
    );
}
