//! Who is let in, who is told no, and who takes whose place.

use godwit_broker::Settings;
use godwit_broker::codec::Version;

use crate::house::{House, patient};
use crate::packets::{BOTH, Connect, Seen};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_connect_is_answered_with_a_code_and_then_closed() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let bob = house.phone("bob", "1").await;
    let right = || ann.connect(false);
    let table = [
        (
            "another's account",
            Connect {
                login: Some((bob.account.clone().leak(), ann.token.clone().leak().as_bytes())),
                ..right()
            },
            5,
            0x87,
        ),
        (
            "a wrong token",
            Connect {
                login: Some((ann.account.clone().leak(), b"wrong")),
                ..right()
            },
            5,
            0x87,
        ),
        ("no login", Connect { login: None, ..right() }, 5, 0x87),
        (
            "another device id",
            Connect {
                client_id: bob.device_id.clone().leak(),
                ..right()
            },
            2,
            0x85,
        ),
        (
            "no client id",
            Connect {
                client_id: "",
                ..right()
            },
            2,
            0x85,
        ),
    ];
    for (what, connect, on_3_1_1, on_5) in &table {
        for version in BOTH {
            let mut client = house.dial(version).await;
            client.send(&connect.bytes(version)).await;
            let code = if version == Version::V5 { *on_5 } else { *on_3_1_1 };
            assert_eq!(client.next().await, Seen::ConnAck { present: false, code }, "{what}");
            assert_eq!(client.next_or_end().await, None, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connection_of_a_device_takes_over() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    for version in BOTH {
        let (mut first, _) = house.enter(version, &ann, true).await;
        let (mut second, _) = house.enter(version, &ann, true).await;
        if version == Version::V5 {
            assert_eq!(first.next().await, Seen::Disconnect(0x8E));
        }
        assert_eq!(first.next_or_end().await, None);
        second.send(&crate::packets::PINGREQ).await;
        assert_eq!(second.next().await, Seen::PingResp);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_and_of_one_account_are_limited() {
    let house = House::with(Settings {
        connections_per_address_max: 2,
        connections_per_account_max: 1,
        ..patient()
    })
    .await;
    let phone = house.phone("ann", "1").await;
    let desktop = house.phone("ann", "2").await;
    let (first, _) = house.enter(Version::V5, &phone, true).await;
    let mut second = house.dial(Version::V5).await;
    second.send(&desktop.connect(true).bytes(Version::V5)).await;
    assert_eq!(
        second.next().await,
        Seen::ConnAck {
            present: false,
            code: 0x97
        },
        "a second session of the account"
    );
    let mut third = house.dial(Version::V5).await;
    assert_eq!(third.next_or_end().await, None, "a third connection of the address");
    drop((first, second));
    // The places come back, when the server has noticed.
    house.only(0).await;
    house.enter(Version::V5, &desktop, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_device_is_closed() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let (mut client, _) = house.enter(Version::V5, &ann, true).await;
    let device = house.registry.authenticate_device_token(&ann.token).await.unwrap();
    house.dispatcher.retire_device(&device).await.unwrap();
    assert_eq!(client.next().await, Seen::Disconnect(0x98));
    let mut again = house.dial(Version::V5).await;
    again.send(&ann.connect(true).bytes(Version::V5)).await;
    assert_eq!(
        again.next().await,
        Seen::ConnAck {
            present: false,
            code: 0x87
        }
    );
}
