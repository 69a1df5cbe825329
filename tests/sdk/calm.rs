//! What an app does on an ordinary day, over each version and transport.

use godwit_sdk::{
    Backlog, Config, ConnectionState, Content, Draft, Event, Kind, MqttVersion, OutgoingState, Registration, Transport,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::house::{House, connect, settled};
use crate::{heard, inbox, open, table};

#[tokio::test]
async fn two_users_talk_over_every_version_and_transport() {
    let house = House::new().await;
    for (protocol, transport) in [
        (MqttVersion::V5, Transport::Tcp),
        (MqttVersion::V311, Transport::Auto),
        (MqttVersion::V5, Transport::WebSocket),
        (MqttVersion::V311, Transport::WebSocket),
    ] {
        let (ann, ben) = (
            format!("ann{protocol:?}{transport:?}"),
            format!("ben{protocol:?}{transport:?}"),
        );
        let change = |config: &mut Config| {
            config.protocol = protocol;
            config.transport = transport;
        };
        let (a, b) = (house.online(&ann, change).await, house.online(&ben, change).await);
        let mut events = b.events();
        let state = settled(&a, Draft::text(&ben, "hi").with_field("color", json!("red"))).await;
        let OutgoingState::Accepted { seq, conv, .. } = state else {
            panic!("{state:?}")
        };
        assert_eq!(seq, 1);
        let message = heard(&mut events, "the message", |event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        })
        .await;
        assert_eq!(
            (message.sender.as_str(), message.content.clone()),
            (ann.as_str(), Content::text("hi"))
        );
        assert_eq!(message.ext, Some(json!({"color": "red"})));
        let list = b.conversations().await.unwrap();
        assert_eq!(
            (list[0].address.as_str(), list[0].unread, list[0].conv.clone()),
            (ann.as_str(), 1, conv)
        );
        b.mark_read(&message.conv, message.seq).await.unwrap();
        assert_eq!(b.conversations().await.unwrap()[0].unread, 0);
        let refused = settled(&a, Draft::text("nobody", "x")).await;
        assert!(matches!(refused, OutgoingState::Refused { code, .. } if code == "user_not_found"));
        assert_eq!(table(&b).await, inbox(&house.app, &b.profile().unwrap().account).await);
        for client in [a, b] {
            client.disconnect().await;
            assert_eq!(client.connection(), ConnectionState::Offline);
        }
    }
}

#[tokio::test]
async fn what_was_written_offline_goes_out_in_order_and_once() {
    let house = House::new().await;
    let (a, b) = (house.online("ann", |_| {}).await, house.online("ben", |_| {}).await);
    a.disconnect().await;
    for n in 0..20 {
        a.send(Draft::text("u:ben", n.to_string())).await.unwrap();
    }
    assert_eq!(a.unsettled(Some("ben")).await.unwrap().len(), 20);
    let mut events = b.events();
    a.connect().unwrap();
    for n in 0..20 {
        let text = heard(&mut events, "the next message", |event| match event {
            Event::Message(message) => Some(message.content),
            _ => None,
        })
        .await;
        assert_eq!(text, Content::text(n.to_string()));
    }
    let account = b.profile().unwrap().account;
    assert_eq!(inbox(&house.app, &account).await.len(), 20);
}

#[tokio::test]
async fn a_new_device_begins_where_it_was_told_and_fetches_older_messages() {
    let house = House::new().await;
    let a = house.online("ann", |_| {}).await;
    for n in 0..30 {
        settled(&a, Draft::text("ann", n.to_string())).await;
    }
    let second = open(house.path("second"), &house.http(), |config| {
        config.backlog = Backlog::Latest(10);
    })
    .await;
    second
        .register(Registration::with_ticket(house.app.ticket("ann").await))
        .await
        .unwrap();
    connect(&second).await;
    let conv = second.conversations().await.unwrap()[0].conv.clone();
    let newest = second.messages(&conv, None, 100).await.unwrap();
    assert_eq!(
        newest.iter().map(|one| one.seq).collect::<Vec<_>>(),
        (21..=30).collect::<Vec<_>>()
    );
    assert_eq!(second.fetch_older(&conv, 21, 15).await.unwrap(), 15);
    assert_eq!(second.fetch_since(0, Some("ann"), None).await.unwrap(), Some(30));
    let all = second.messages(&conv, None, 100).await.unwrap();
    assert_eq!(
        all.iter().map(|one| one.seq).collect::<Vec<_>>(),
        (1..=30).collect::<Vec<_>>()
    );
    let third = open(house.path("third"), &house.http(), |_| {}).await;
    third
        .register(Registration::with_ticket(house.app.ticket("ann").await))
        .await
        .unwrap();
    connect(&third).await;
    assert_eq!(
        table(&third).await,
        table(&a).await,
        "everything, unless it is told otherwise"
    );
}

#[tokio::test]
async fn groups_are_made_and_changed_and_their_messages_name_the_writer() {
    let house = House::new().await;
    let (a, b) = (house.online("ann", |_| {}).await, house.online("ben", |_| {}).await);
    house.app.register("cat", "cat").await;
    let group = a.create_group("Team", Some("team"), &["ben"]).await.unwrap();
    assert_eq!((group.id.as_str(), group.members.len()), ("team", 2));
    assert_eq!(a.add_members("team", &["cat"]).await.unwrap().members.len(), 3);
    assert_eq!(a.change_role("team", "ben", "admin").await.unwrap().members.len(), 3);
    let mut events = b.events();
    settled(&a, Draft::text("g:team", "hi all")).await;
    let message = heard(&mut events, "the message", |event| match event {
        Event::Message(message) if message.content == Content::text("hi all") => Some(message),
        _ => None,
    })
    .await;
    assert_eq!((message.sender.as_str(), message.address.as_str()), ("ann", "g:team"));
    assert_eq!(b.groups().await.unwrap().len(), 1);
    assert_eq!(b.remove_members("team", &["cat"]).await.unwrap().members.len(), 2);
    b.leave_group("team").await.unwrap();
    let refused = b.group("team").await.unwrap_err();
    assert_eq!(refused.code(), Some("not_member"));
    a.dissolve_group("team").await.unwrap();
}

#[tokio::test]
async fn every_published_type_arrives_as_it_was_sent() {
    let house = House::new().await;
    let (a, b) = (house.online("ann", |_| {}).await, house.online("ben", |_| {}).await);
    for content in crate::published::samples() {
        let mut events = b.events();
        let state = settled(&a, Draft::new("ben", content.clone())).await;
        assert!(
            matches!(state, OutgoingState::Accepted { .. }),
            "{content:?}: {state:?}"
        );
        let arrived = heard(&mut events, "the message", |event| match event {
            Event::Message(message) => Some(message.content),
            _ => None,
        })
        .await;
        assert_eq!(arrived, content);
    }
    let own = Content::Other {
        kind: Kind::Name("weather".into()),
        content: json!([1]),
    };
    assert!(matches!(
        settled(&a, Draft::new("ben", own)).await,
        OutgoingState::Accepted { .. }
    ));
}

#[tokio::test]
async fn a_takeover_and_lost_credentials_are_told_and_not_tried_again() {
    let house = House::new().await;
    let a = house.online("ann", |_| {}).await;
    let copy = house.path("copy");
    for end in ["", "-wal"] {
        std::fs::copy(house.path(&format!("ann{end}")), house.path(&format!("copy{end}"))).unwrap();
    }
    let twin = open(copy, &house.http(), |_| {}).await;
    let mut events = a.events();
    connect(&twin).await;
    heard(&mut events, "the takeover", |event| {
        matches!(event, Event::Connection(ConnectionState::TakenOver)).then_some(())
    })
    .await;
    twin.deregister().await.unwrap();
    assert_eq!(twin.profile(), None);
    assert!(twin.connect().is_err());
    a.connect().unwrap();
    heard(&mut events, "the refusal", |event| {
        matches!(event, Event::Connection(ConnectionState::Unauthorized { .. })).then_some(())
    })
    .await;
    let refused = a.register(Registration::again()).await.unwrap_err();
    assert_eq!(refused.code(), Some("unauthenticated"));
    a.register(Registration::with_ticket(house.app.ticket("ann").await))
        .await
        .unwrap();
    connect(&a).await;
}

#[tokio::test]
async fn a_platform_that_comes_back_is_found_again_and_push_is_switched() {
    let mut house = House::new().await;
    let a = house.online("ann", |_| {}).await;
    a.set_push(false).await.unwrap();
    a.set_push(true).await.unwrap();
    let mut events = a.events();
    house.server.kill();
    heard(&mut events, "the loss", |event| {
        matches!(event, Event::Connection(ConnectionState::Waiting { .. })).then_some(())
    })
    .await;
    let id = a.send(Draft::text("ann", "meanwhile")).await.unwrap();
    house.server.restart().await;
    a.network_changed();
    heard(&mut events, "the message", |event| {
        matches!(event, Event::Message(one) if one.id == id).then_some(())
    })
    .await;
}

/// A server that lets everybody in and names another one: CONNACK, then DISCONNECT 0x9C with a server reference.
async fn one_that_refers(other: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut connect = vec![0; 1024];
        assert!(stream.read(&mut connect).await.unwrap() > 0);
        let length = u8::try_from(other.len()).unwrap();
        let mut answer = vec![0x20, 3, 0, 0, 0, 0xe0, length + 5, 0x9c, length + 3, 0x1c, 0, length];
        answer.extend_from_slice(other.as_bytes());
        stream.write_all(&answer).await.unwrap();
        // Whoever comes back finds nobody.
        drop(listener);
        let _ = stream.read(&mut connect).await;
    });
    address
}

#[tokio::test]
async fn a_server_that_names_another_one_is_obeyed() {
    let house = House::new().await;
    let refers = one_that_refers(house.server.addresses().mqtt.clone()).await;
    let a = house
        .online("ann", |config| config.mqtt = Some(format!("mqtt://{refers}")))
        .await;
    assert!(matches!(
        settled(&a, Draft::text("ann", "here")).await,
        OutgoingState::Accepted { .. }
    ));
}
