//! A platform, and clients of the SDK on it.

use std::path::Path;

use godwit_sdk::{Client, Config, ConnectionState, Draft, Event, OutgoingState, Registration};
use kit::{App, Server};
use tempfile::TempDir;

use crate::{heard, open};

/// A platform and a folder for tables.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) app: App,
    folder: TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With these settings (TOML).
    pub(crate) async fn with(settings: &str) -> Self {
        let server = Server::start_with(settings).await;
        let app = server.app().await;
        let folder = tempfile::tempdir().unwrap();
        Self { server, app, folder }
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}", self.server.addresses().http)
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    /// A client of a user that is registered, and not connected.
    pub(crate) async fn registered(&self, user: &str) -> Client {
        let client = open(self.path(user), &self.http(), |_| {}).await;
        let ticket = self.app.ticket(user).await;
        client.register(Registration::with_ticket(ticket)).await.unwrap();
        client
    }

    /// The same client, opened again to connect somewhere else.
    pub(crate) async fn elsewhere(&self, client: Client, user: &str, mqtt: String) -> Client {
        drop(client);
        open(self.path(user), &self.http(), |config| config.mqtt = Some(mqtt)).await
    }

    /// A client of a user, connected and caught up.
    pub(crate) async fn online(&self, user: &str, change: impl FnOnce(&mut Config)) -> Client {
        let client = open(self.path(user), &self.http(), change).await;
        let ticket = self.app.ticket(user).await;
        let profile = client.register(Registration::with_ticket(ticket)).await.unwrap();
        assert_eq!(profile.user_id, user);
        connect(&client).await;
        client
    }
}

/// Connects, and waits until the table has what the platform has.
pub(crate) async fn connect(client: &Client) {
    let mut events = client.events();
    client.connect().unwrap();
    heard(&mut events, "the inbox", |event| {
        matches!(event, Event::CaughtUp { .. }).then_some(())
    })
    .await;
    assert_eq!(client.connection(), ConnectionState::Online);
}

/// Sends and waits until the draft is settled.
pub(crate) async fn settled(client: &Client, draft: Draft) -> OutgoingState {
    let mut events = client.events();
    let id = client.send(draft).await.unwrap();
    heard(&mut events, "the draft", |event| match event {
        Event::Outgoing(outgoing) if outgoing.id == id => Some(outgoing.state),
        _ => None,
    })
    .await;
    loop {
        let state = client.outgoing(&id).await.unwrap().expect("it was handed over").state;
        if matches!(state, OutgoingState::Accepted { .. } | OutgoingState::Refused { .. }) {
            return state;
        }
        events.next().await.unwrap();
    }
}
