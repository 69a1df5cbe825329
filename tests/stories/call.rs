//! Calls: what one device answers or refuses ends the ringing on the account's others.

use kit::{Client, Device, Login, Server, Version};
use serde_json::{Value, json};

use crate::devices;

fn signal(id: &str, to: &str, status: &str) -> Vec<u8> {
    let call = json!({ "status": status, "avType": 1, "uid": "1001", "roomId": "77", "agoraKey": 5 });
    let content = json!({ "type": "call", "content": call });
    let draft = json!({ "id": id, "to": to, "type": "background", "content": content, "isBackground": true });
    draft.to_string().into_bytes()
}

fn told(inbox: &[Value]) -> Vec<&Value> {
    inbox.iter().filter(|item| item["type"] == 256).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_answered_on_one_device_stops_ringing_on_the_others() {
    let server = Server::start().await;
    let app = server.app().await;
    let [alice, phone]: [Device; 2] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let tablet = app.register("bob", "bob-tablet").await;
    let address = &server.addresses().mqtt;
    let (mut caller, _) = Client::connect(address, &Login::of(&alice, Version::V5)).await;
    let invite = signal("call-1", "bob", "invite");
    assert_eq!(caller.publish_and_wait(&alice.topic("outbox"), &invite).await, 0);
    assert!(told(&app.inbox(&tablet).await).is_empty(), "an invitation ends nothing");

    let (mut called, _) = Client::connect(address, &Login::of(&phone, Version::V5)).await;
    for (id, status, other) in [("a-1", "answer", "other_answer"), ("a-2", "refuse", "other_refuse")] {
        let said = signal(id, "alice", status);
        for _ in 0..2 {
            assert_eq!(called.publish_and_wait(&phone.topic("outbox"), &said).await, 0);
        }
        let inbox = app.inbox(&tablet).await;
        let own = inbox.iter().rposition(|item| item["id"] == id).expect("what it said");
        assert_eq!(inbox[own]["from"], "bob", "it is recognised by its own account");
        let notice = &inbox[own + 1];
        assert_eq!(
            (&notice["type"], &notice["from"], &notice["to"], &notice["target"]),
            (&json!(256), &json!("bob"), &json!("bob"), &json!("alice"))
        );
        assert_eq!(notice["conv"], inbox[own]["conv"]);
        let call = &notice["content"]["content"];
        assert_eq!((&call["status"], &call["roomId"]), (&json!(other), &json!("77")));
        assert_eq!(call["deviceId"], phone.id, "the device that spoke knows itself");
    }
    assert_eq!(told(&app.inbox(&tablet).await).len(), 2, "a repeat tells nothing again");
    assert!(
        told(&app.inbox(&alice).await).is_empty(),
        "the caller has the answer itself"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_does_not_fit_its_type_is_refused_through_every_door() {
    let server = Server::start().await;
    let app = server.app().await;
    let [alice, _bob]: [Device; 2] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let address = &server.addresses().mqtt;
    let (mut client, _) = Client::connect(address, &Login::of(&alice, Version::V5)).await;
    for (at, (kind, content, reason)) in [
        (json!(0), json!({}), 0x99),
        (json!("text"), json!({ "text": 1 }), 0x99),
        (json!("image"), json!({ "storageId": "" }), 0x99),
        (json!(256), json!({ "type": "call" }), 0x87),
        (json!("withdrawn"), json!({}), 0x87),
        (json!(7_000), json!({}), 0),
    ]
    .into_iter()
    .enumerate()
    {
        let draft = json!({ "id": at.to_string(), "to": "bob", "type": kind, "content": content });
        let answered = client
            .publish_and_wait(&alice.topic("outbox"), draft.to_string().as_bytes())
            .await;
        assert_eq!(answered, reason, "{draft}");
    }
    let by_name = json!({ "id": "named", "to": "alice", "type": "text", "content": { "text": "hi" } });
    app.send(&by_name).await;
    let inbox = app.inbox(&alice).await;
    let named = inbox.iter().find(|item| item["id"] == "named").expect("it arrived");
    assert_eq!(named["type"], 0, "a name is answered as its number");
}
