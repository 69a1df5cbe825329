//! A group of five, two of them on two devices, one offline.

use kit::{Client, Device, Event, Login, Server, Version};
use serde_json::{Value, json};

use crate::{devices, gap_free, publish_all, seqs, text};

const SAID: [&str; 3] = ["hello", "who is there", "bye"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_member_gets_the_groups_messages_rebuilt_for_it_on_every_device() {
    let server = Server::start().await;
    let app = server.app().await;
    let users = ["ann", "ben", "cat", "dan", "eve"];
    let mut phones = devices(&app, &users).await;
    for user in ["dan", "eve"] {
        phones.push(app.register(user, &format!("{user}-desktop")).await);
    }
    let address = &server.addresses().mqtt;
    let mut online = Vec::new();
    for (at, device) in phones.iter().enumerate().filter(|(_, device)| device.user != "cat") {
        let version = if at.is_multiple_of(2) { Version::V4 } else { Version::V5 };
        let (mut client, _) = Client::connect(address, &Login::of(device, version)).await;
        assert_eq!(client.subscribe(&device.topic("inbox"), 1).await, 1);
        online.push((device, client));
    }
    app.create_group("team", &users).await;

    let ann = &phones[0];
    // A second connection of the same device would take over: Ann writes from another device.
    let tablet = app.register("ann", "ann-tablet").await;
    let (mut writer, _) = Client::connect(address, &Login::of(&tablet, Version::V5)).await;
    let drafts = SAID.iter().map(|said| text(said, "g:team", said));
    publish_all(&mut writer, &ann.topic("outbox"), drafts).await;

    for (device, client) in &mut online {
        let mut items = Vec::new();
        for _ in 0..=SAID.len() {
            items.push(client.delivery().await);
        }
        check(device, &items);
        assert_eq!(app.inbox(device).await, items, "inbox and delivery of {}", device.user);
        assert_eq!(
            history(client, device).await,
            items,
            "history and delivery of {}",
            device.user
        );
    }

    let cat = phones.iter().find(|device| device.user == "cat").unwrap();
    let (mut client, present) = Client::connect(address, &Login::of(cat, Version::V4)).await;
    assert!(!present, "it never subscribed before");
    client.subscribe(&cat.topic("inbox"), 1).await;
    let mut items = Vec::new();
    for _ in 0..=SAID.len() {
        items.push(client.delivery().await);
    }
    check(cat, &items);
}

fn check(device: &Device, items: &[Value]) {
    assert!(gap_free(&seqs(items)), "{}: {:?}", device.user, seqs(items));
    assert_eq!(items[0]["type"], "groupChange");
    for (item, said) in items[1..].iter().zip(SAID) {
        assert_eq!(item["content"]["text"], said);
        assert_eq!(item["from"], "g:team");
        assert_eq!(item["to"], device.user);
        assert_eq!(item["target"], "ann");
        assert_eq!(item["id"], said);
    }
    let conv_seqs: Vec<u64> = items.iter().map(|item| item["convSeq"].as_u64().unwrap()).collect();
    assert!(gap_free(&conv_seqs));
}

/// What the account reads back of the group by JSON-RPC.
async fn history(client: &mut Client, device: &Device) -> Vec<Value> {
    assert_eq!(client.subscribe(&device.topic("reply"), 0).await, 0);
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "history", "params": { "target": "g:team", "since": 0 } });
    client
        .publish(&device.topic("request"), request.to_string().as_bytes(), 0)
        .await
        .unwrap();
    match client.next().await {
        Some(Event::Publish { topic, payload, .. }) => {
            assert_eq!(topic, device.topic("reply"));
            let reply: Value = serde_json::from_slice(&payload).unwrap();
            reply["result"]["items"]
                .as_array()
                .unwrap_or_else(|| panic!("{reply}"))
                .clone()
        }
        other => panic!("a reply expected, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_narrows_a_group_message_to_those_named_and_the_sender() {
    let server = Server::start().await;
    let app = server.app().await;
    let phones = devices(&app, &["ann", "ben", "cat"]).await;
    app.create_group("team", &["ann", "ben", "cat"]).await;
    let (mut ann, _) = Client::connect(&server.addresses().mqtt, &Login::of(&phones[0], Version::V5)).await;
    let draft = json!({ "id": "1", "to": "team@qun", "target": "ben", "type": "text", "content": { "text": "psst" } });
    assert_eq!(
        ann.publish_and_wait(&phones[0].topic("outbox"), draft.to_string().as_bytes())
            .await,
        0
    );
    let mut lengths = Vec::new();
    for phone in &phones {
        lengths.push(app.inbox(phone).await.len());
    }
    assert_eq!(lengths, [2, 2, 1]);
    let outsider = json!({ "id": "2", "to": "g:team", "target": "zoe", "type": 0 });
    assert_eq!(
        ann.publish_and_wait(&phones[0].topic("outbox"), outsider.to_string().as_bytes())
            .await,
        0x80
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_a_group_sent_again_under_its_random_id_finds_the_group_it_made() {
    let server = Server::start().await;
    let app = server.app().await;
    let [ann, _] = devices(&app, &["ann", "ben"]).await.try_into().unwrap();
    let (mut client, _) = Client::connect(&server.addresses().mqtt, &Login::of(&ann, Version::V4)).await;
    client.subscribe(&ann.topic("reply"), 0).await;
    let mut replies = Vec::new();
    for (id, name) in [
        (json!("4c1e6f0a-88b1-4a53"), "trip"),
        (json!("4c1e6f0a-88b1-4a53"), "trip"),
        (json!("4c1e6f0a-88b1-4a53"), "other"),
        (json!(1), "trip"),
        (json!(1), "trip"),
    ] {
        let params = json!({ "name": name, "members": ["ben"] });
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": "group.create", "params": params });
        client
            .publish(&ann.topic("request"), request.to_string().as_bytes(), 0)
            .await
            .unwrap();
        replies.push(client.delivery().await);
    }
    let group = |at: usize| replies[at]["result"]["groupId"].as_str();
    assert!(group(0).is_some(), "{replies:?}");
    assert_eq!(group(0), group(1));
    assert_eq!(replies[2]["error"]["data"]["code"], "id_conflict");
    assert!(group(3).is_some() && group(3) != group(4), "a counter names no group");
}
