//! A whole platform without its binary, and clients made of bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use godwit_archive::{Archive, SimulatedDisk};
use godwit_broker::codec::Version;
use godwit_broker::{Broker, Settings};
use godwit_dispatcher::Dispatcher;
use godwit_hub::{Hub, Switchboard};
use godwit_model::{Clock, OsKind, SystemClock};
use godwit_registry::{App, Proof, Registration, Registry, SecretCost};
use godwit_store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::packets::{self, Connect, Seen, put, see};

/// Longer than anything should take on a busy machine, and shorter than every timeout of [`patient`] doors.
const PATIENCE: Duration = Duration::from_secs(30);

/// A door that outwaits [`PATIENCE`], so that no timeout of its own explains what a story sees.
pub(crate) fn patient() -> Settings {
    let long = 2 * PATIENCE;
    let session = godwit_broker::session::Limits {
        connect_timeout_ms: 60_000,
        ..godwit_broker::session::Limits::default()
    };
    Settings {
        session,
        drain_timeout: long,
        farewell_timeout: long,
        ..Settings::default()
    }
}

pub(crate) struct House {
    pub(crate) broker: Broker,
    pub(crate) address: SocketAddr,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) registry: Registry,
    pub(crate) disk: SimulatedDisk,
    app: Arc<App>,
}

/// What a device knows of itself.
#[derive(Clone, Debug)]
pub(crate) struct Phone {
    pub(crate) account: String,
    pub(crate) device_id: String,
    pub(crate) token: String,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(patient()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::at(Arc::new(SystemClock), settings).await
    }

    pub(crate) async fn at(clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let switchboard = Arc::new(Switchboard::default());
        let disk = SimulatedDisk::new(1);
        let archive_settings = godwit_archive::Settings {
            segment_bytes: 4 << 20,
            ..godwit_archive::Settings::default()
        };
        let (archive, _) = Archive::open(
            Arc::new(disk.clone()),
            clock.clone(),
            archive_settings,
            switchboard.clone(),
        )
        .unwrap();
        let store = Store::open("sqlite::memory:").await.unwrap();
        let secret_cost = SecretCost {
            memory_kib: 8,
            passes: 1,
        };
        let registry_settings = godwit_registry::Settings {
            secret_cost,
            ..godwit_registry::Settings::default()
        };
        let registry = Registry::open(store, clock.clone(), &[7; 32], registry_settings)
            .await
            .unwrap();
        let app = registry.first_app().await.unwrap().expect("the store is new").app;
        let hub = Hub::new(switchboard, archive.clone());
        let dispatcher = Dispatcher::new(registry.clone(), archive, hub.clone(), clock);
        let broker = Broker::new(registry.clone(), hub, dispatcher.clone(), settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = broker.clone();
        tokio::spawn(async move { serving.serve(listener).await });
        Self {
            broker,
            address,
            dispatcher,
            registry,
            disk,
            app,
        }
    }

    pub(crate) async fn phone(&self, user: &str, code: &str) -> Phone {
        let unique_code = format!("{user}/{code}");
        let user = user.parse().unwrap();
        let ticket = self
            .registry
            .issue_ticket(&self.app, &user, None, None)
            .await
            .unwrap()
            .ticket;
        let registration = Registration {
            unique_code,
            os: OsKind::Android,
            ..Registration::default()
        };
        let registered = self
            .dispatcher
            .register_device(registration, Proof::Ticket(ticket))
            .await
            .unwrap();
        Phone {
            account: registered.device.account.account_id.to_string(),
            device_id: registered.device.device_id.to_string(),
            token: registered.device_token,
        }
    }

    pub(crate) async fn block(&self, user: &str, blocked: bool) {
        let user = user.parse().unwrap();
        self.dispatcher.block_user(&self.app, &user, blocked).await.unwrap();
    }

    pub(crate) async fn log_out(&self, user: &str) {
        let user = user.parse().unwrap();
        self.dispatcher.log_out_user(&self.app, &user).await.unwrap();
    }

    /// A client that was let in; whether its session was still there.
    pub(crate) async fn enter(&self, version: Version, phone: &Phone, clean_start: bool) -> (Client, bool) {
        let mut client = self.dial(version).await;
        client.send(&phone.connect(clean_start).bytes(version)).await;
        match client.next().await {
            Seen::ConnAck { present, code: 0 } => (client, present),
            other => panic!("{other:?}"),
        }
    }

    /// The same, with everything of its own subscribed.
    pub(crate) async fn listen(&self, version: Version, phone: &Phone) -> Client {
        let (mut client, _) = self.enter(version, phone, false).await;
        client
            .send(&packets::subscribe(
                version,
                1,
                &[(&format!("im/{}/#", phone.account), 1)],
            ))
            .await;
        assert_eq!(client.next().await, Seen::SubAck(1, vec![1]));
        client
    }

    /// Waits until the door has noticed that its clients left, all but so many.
    pub(crate) async fn only(&self, connections: usize) {
        while self.broker.connections() > connections {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn dial(&self, version: Version) -> Client {
        Client::new(TcpStream::connect(self.address).await.unwrap(), version)
    }
}

impl Phone {
    pub(crate) fn connect(&self, clean_start: bool) -> Connect {
        Connect {
            clean_start,
            client_id: self.device_id.clone().leak(),
            login: Some((self.account.clone().leak(), self.token.clone().leak().as_bytes())),
            // A session that lasts, for MQTT 5.
            properties: b"\x11\x00\x01\x00\x00".to_vec(),
            ..Connect::default()
        }
    }

    /// A PUBLISH of a text of this phone; `id` is the draft's id too.
    pub(crate) fn text(&self, version: Version, to: &str, id: u16, words: &str) -> Vec<u8> {
        let draft = format!(r#"{{"id":"draft-{id}","to":"{to}","type":0,"content":{{"text":"{words}"}}}}"#);
        self.publish(version, "outbox", id, draft.as_bytes())
    }

    /// A PUBLISH of QoS 1 to a topic of its own.
    pub(crate) fn publish(&self, version: Version, channel: &str, id: u16, payload: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        put(&mut body, format!("im/{}/{channel}", self.account).as_bytes());
        body.extend(id.to_be_bytes());
        if version == Version::V5 {
            body.push(0);
        }
        body.extend(payload);
        packets::packet(0x32, &body)
    }
}

pub(crate) struct Client {
    stream: TcpStream,
    pub(crate) version: Version,
    unread: Vec<u8>,
}

impl Client {
    pub(crate) fn new(stream: TcpStream, version: Version) -> Self {
        Self {
            stream,
            version,
            unread: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes))
            .await
            .expect("in time")
            .unwrap();
    }

    /// The next packet; panics when the socket closes first.
    pub(crate) async fn next(&mut self) -> Seen {
        self.next_or_end().await.expect("a packet, not the end")
    }

    /// The next packet; `None` when the server closed the socket.
    pub(crate) async fn next_or_end(&mut self) -> Option<Seen> {
        let bytes = self.bytes_or_end().await?;
        Some(see(&bytes, self.version).0)
    }

    /// The bytes of the next packet; `None` when the server closed the socket.
    pub(crate) async fn bytes_or_end(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(size) = whole(&self.unread) {
                return Some(self.unread.drain(..size).collect());
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.unread))
                .await
                .expect("in time");
            if read.unwrap() == 0 {
                return None;
            }
        }
    }

    /// Says goodbye, and waits until the server has read that and everything before it.
    pub(crate) async fn leave(mut self) {
        self.send(&packets::DISCONNECT).await;
        assert_eq!(self.next_or_end().await, None);
    }

    /// The next packet if it comes within a second; `None` is silence.
    pub(crate) async fn next_soon(&mut self) -> Option<Seen> {
        timeout(Duration::from_secs(1), self.next()).await.ok()
    }

    /// The next inbox entry as JSON, acknowledged at once.
    pub(crate) async fn entry(&mut self) -> String {
        match self.next().await {
            Seen::Publish {
                topic,
                qos: 1,
                id,
                payload,
                ..
            } if topic.ends_with("/inbox") => {
                self.send(&packets::puback(id)).await;
                String::from_utf8(payload).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Bytes of the first packet, when it is whole.
fn whole(bytes: &[u8]) -> Option<usize> {
    let frame = godwit_broker::codec::frame::split(bytes, usize::MAX).unwrap()?;
    Some(frame.size)
}

/// The text of an entry, cut out of its JSON.
pub(crate) fn words(entry: &str) -> &str {
    let (_, rest) = entry
        .split_once(r#""text":""#)
        .unwrap_or_else(|| panic!("no text in {entry}"));
    rest.split_once('"').unwrap().0
}

/// The number of an entry.
pub(crate) fn seq(entry: &str) -> u64 {
    let (_, rest) = entry
        .split_once(r#""seq":"#)
        .unwrap_or_else(|| panic!("no seq in {entry}"));
    rest.split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .parse()
        .unwrap()
}
