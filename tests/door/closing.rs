//! How the door closes.

use std::time::Duration;

use godwit_broker::Settings;
use godwit_broker::codec::Version;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::house::{House, patient};
use crate::packets::{BOTH, Seen};

#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_closes_answers_what_is_pending_and_tells_mqtt_5_clients() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    let mut clients = Vec::new();
    for (phone, version) in [&ann, &bob].into_iter().zip(BOTH) {
        let (mut client, _) = house.enter(version, phone, true).await;
        for id in 1..=20 {
            client.send(&phone.text(version, "ann", id, "last words")).await;
        }
        // The first answer shows that the session is at work.
        assert_eq!(client.next().await, Seen::PubAck(1, 0));
        clients.push(client);
    }
    let broker = house.broker.clone();
    let closing = tokio::spawn(async move { broker.shutdown().await });
    for mut client in clients {
        let mut last = 1;
        loop {
            match client.next_or_end().await {
                Some(Seen::PubAck(id, 0)) => {
                    assert_eq!(id, last + 1);
                    last = id;
                }
                Some(Seen::Disconnect(code)) => assert_eq!((client.version, code), (Version::V5, 0x8B)),
                None => break,
                other => panic!("{other:?}"),
            }
        }
    }
    closing.await.unwrap();
    assert_eq!(house.broker.connections(), 0);
    // Refused, closed, or reset with the listener it was waiting at.
    if let Ok(mut stream) = TcpStream::connect(house.address).await {
        assert!(!matches!(stream.read(&mut [0; 1]).await, Ok(1..)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_clients_that_do_not_read_do_not_keep_the_door_open() {
    let house = House::with(Settings {
        farewell_timeout: Duration::from_millis(200),
        ..patient()
    })
    .await;
    let ann = house.phone("ann", "1").await;
    let stranger = house.dial(Version::V311).await;
    let (idle, _) = house.enter(Version::V5, &ann, true).await;
    house.broker.shutdown().await;
    assert_eq!(house.broker.connections(), 0);
    drop((stranger, idle));
}
