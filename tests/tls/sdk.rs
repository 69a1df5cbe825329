//! The SDK over TLS and over WebSocket with TLS, and what it does not believe.

use std::path::Path;
use std::time::Duration;

use godwit_sdk::{
    Client, Config, ConnectionState, Content, Draft, Error, Event, Events, MqttVersion, Registration, Transport, Trust,
};
use kit::tls::{Authority, by_name};
use kit::{PATIENCE, Server};

async fn server(authority: &Authority) -> Server {
    Server::start_with_tls("", |data| drop(authority.sign("server").write(&data.join("tls")))).await
}

async fn open(store: &Path, server: String, change: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config::new(store, server);
    config.backoff.first = Duration::from_millis(50);
    config.backoff.most = Duration::from_millis(200);
    change(&mut config);
    Client::open(config).await.expect("the table opens")
}

fn https(server: &Server) -> String {
    format!(
        "https://{}",
        by_name(server.addresses().https.as_deref().expect("open"))
    )
}

/// The first event that fits.
async fn heard<T>(events: &mut Events, mut fits: impl FnMut(Event) -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = fits(events.next().await.expect("the client lives")) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it is told in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_and_comes_over_every_transport_with_tls() {
    let authority = Authority::new("ours");
    let server = server(&authority).await;
    let app = server.app().await;
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = authority.pem().as_bytes().to_vec();
    for protocol in [MqttVersion::V5, MqttVersion::V311] {
        for transport in [Transport::Auto, Transport::Tls, Transport::WebSocket] {
            let user = format!("{protocol:?}-{transport:?}");
            let client = open(&folder.path().join(&user), https(&server), |config| {
                (config.protocol, config.transport) = (protocol, transport);
                config.trust = Trust::Pem(trusted.clone());
            })
            .await;
            let ticket = app.ticket(&user).await;
            client
                .register(Registration::with_ticket(ticket))
                .await
                .expect("registered over HTTPS");
            let mut events = client.events();
            client.connect().expect("registered");
            client.send(Draft::text(&user, "note to self")).await.expect("room");
            let content = heard(&mut events, |event| match event {
                Event::Message(message) => Some(message.content),
                _ => None,
            })
            .await;
            assert_eq!(content, Content::text("note to self"), "{user}");
            client.disconnect().await;
        }
    }
    let metrics = crate::doors::metrics(&server).await;
    for transport in ["tls", "websocket_tls"] {
        let line = format!("mqtt_connections{{transport=\"{transport}\"}}");
        assert!(metrics.contains(&line), "{line} in:\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_another_authority_vouches_for_is_told_nothing() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let server = server(&authority).await;
    let app = server.app().await;
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = Trust::Pem(stranger.pem().as_bytes().to_vec());

    // HTTPS: the ticket is not spent.
    let ticket = app.ticket("ann").await;
    let store = folder.path().join("ann");
    let client = open(&store, https(&server), |config| config.trust = wrong.clone()).await;
    let refused = client.register(Registration::with_ticket(ticket.clone())).await;
    assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");
    drop(client);
    let right = Trust::Pem(authority.pem().as_bytes().to_vec());
    let client = open(&store, https(&server), |config| config.trust = right).await;
    client
        .register(Registration::with_ticket(ticket))
        .await
        .expect("the ticket is good");
    drop(client);

    // MQTT: it never gets as far as CONNECT, and says why it waits.
    for transport in [Transport::Tls, Transport::WebSocket] {
        let client = open(&store, https(&server), |config| {
            (config.trust, config.transport) = (wrong.clone(), transport);
        })
        .await;
        let mut events = client.events();
        client.connect().expect("registered");
        let state = heard(&mut events, |event| match event {
            Event::Connection(state) if state != ConnectionState::Connecting => Some(state),
            _ => None,
        })
        .await;
        let said = format!("{state:?}").to_lowercase();
        assert!(said.contains("waiting") && said.contains("certificate"), "{said}");
        client.disconnect().await;
    }
    let metrics = crate::doors::metrics(&server).await;
    assert!(!metrics.contains("mqtt_disconnects_total"), "{metrics}");
}
