//! One MQTT connection, of either version, as the session sees it.
//!
//! Each connection has a client of its own, so nothing the MQTT client remembers outlives it: what is sent again is
//! decided by the outbox alone.

mod speech;
mod v311;
mod v5;

use std::sync::Arc;
use std::time::Duration;

use rumqttc::NetworkOptions;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::address::Address;
use crate::config::MqttVersion;

/// What was heard and is not worked on yet.
const HEARD_MAX: usize = 256;
/// What may wait to be written: acknowledgements of everything in flight (100 at most), drafts and requests.
const REQUESTS_MAX: usize = 512;
/// Most drafts on the way.
const WINDOW: u16 = 32;
/// Packet ids of the MQTT client go round within this: twice the window, so that none is used while it is on the way.
const PACKET_IDS: u16 = 2 * WINDOW;
/// Largest packet taken: a page of 4 MiB in its envelope.
const PACKET_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// How long the platform remembers the subscriptions of a device that is away: a week.
const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;
/// How long connecting may take.
const CONNECT_S: u64 = 10;

/// How to log in.
pub(super) struct Login {
    pub(super) version: MqttVersion,
    pub(super) address: Address,
    pub(super) client_id: String,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) keep_alive: Duration,
    pub(super) tls: Arc<rustls::ClientConfig>,
}

/// What a connection says.
#[derive(Debug)]
pub(super) enum Heard {
    /// It is accepted; so many drafts may be on the way.
    Connected { window: usize },
    /// The subscriptions are answered.
    Subscribed { granted: bool },
    /// A publication came.
    Delivery(Delivery),
    /// The next draft that was handed over left under this packet id.
    Handed { packet: u16 },
    /// The draft of this packet id is answered.
    Settled { packet: u16, verdict: Verdict },
    /// It is over.
    Ended(End),
}

/// A publication that came. Packet id 0 asks for no acknowledgement.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) packet: u16,
}

/// How the platform answered a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    Refused {
        code: String,
        detail: String,
    },
    /// Not now; the same draft may be taken later.
    Later {
        code: String,
    },
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The app asked.
    Asked,
    /// The app said that the network changed.
    NetworkChanged,
    /// It broke, or the platform ended it for a reason that passes.
    Lost(String),
    /// The platform names another server.
    Referred(String),
    /// Another connection of the device took over.
    TakenOver,
    /// The credentials are not accepted.
    Unauthorized(String),
    /// It cannot work as configured.
    Unusable(String),
}

/// A connection.
pub(super) struct Link {
    publisher: Publisher,
    pub(super) heard: mpsc::Receiver<Heard>,
    pump: JoinHandle<()>,
}

enum Publisher {
    V5(rumqttc::v5::AsyncClient),
    V311(rumqttc::AsyncClient),
}

impl Link {
    /// Begins to connect.
    pub(super) fn open(login: &Login) -> Self {
        let (says, heard) = mpsc::channel(HEARD_MAX);
        let (publisher, pump) = match login.version {
            MqttVersion::V5 => {
                let (client, connection) = v5::client(login);
                (Publisher::V5(client), tokio::spawn(v5::pump(connection, says)))
            }
            MqttVersion::V311 => {
                let (client, connection) = v311::client(login);
                (Publisher::V311(client), tokio::spawn(v311::pump(connection, says)))
            }
        };
        Self { publisher, heard, pump }
    }

    /// Subscribes to the inbox with QoS 1 and to replies and events with QoS 0. False if nothing more can be written.
    pub(super) fn subscribe(&self, inbox: &str, hints: [&str; 2]) -> bool {
        match &self.publisher {
            Publisher::V5(client) => v5::subscribe(client, inbox, hints),
            Publisher::V311(client) => v311::subscribe(client, inbox, hints),
        }
    }

    /// Publishes a draft with QoS 1.
    pub(super) fn publish_draft(&self, topic: &str, payload: String) -> bool {
        self.publish(topic, payload, true)
    }

    /// Publishes a request with QoS 0: its answer acknowledges it.
    pub(super) fn publish_request(&self, topic: &str, payload: String) -> bool {
        self.publish(topic, payload, false)
    }

    fn publish(&self, topic: &str, payload: String, is_acknowledged: bool) -> bool {
        match &self.publisher {
            Publisher::V5(client) => v5::publish(client, topic, payload, is_acknowledged),
            Publisher::V311(client) => v311::publish(client, topic, payload, is_acknowledged),
        }
    }

    /// Acknowledges a delivery.
    pub(super) fn acknowledge(&self, packet: u16) -> bool {
        match &self.publisher {
            Publisher::V5(client) => v5::acknowledge(client, packet),
            Publisher::V311(client) => v311::acknowledge(client, packet),
        }
    }

    /// Why it ended, where something could not be written any more: the reason is among what was not heard yet.
    pub(super) fn why_it_ended(&mut self) -> Option<End> {
        why_it_ended(std::iter::from_fn(|| self.heard.try_recv().ok()))
    }

    /// Says goodbye and waits, not for long, until that was written.
    pub(super) async fn close(mut self) {
        let said = match &self.publisher {
            Publisher::V5(client) => v5::disconnect(client),
            Publisher::V311(client) => v311::disconnect(client),
        };
        if said {
            let ended = async { while self.heard.recv().await.is_some() {} };
            let _ = tokio::time::timeout(Duration::from_secs(1), ended).await;
        }
    }
}

/// The reason among what was heard.
pub(super) fn why_it_ended(heard: impl Iterator<Item = Heard>) -> Option<End> {
    heard.into_iter().find_map(|one| match one {
        Heard::Ended(end) => Some(end),
        _ => None,
    })
}

impl Drop for Link {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

fn network_options() -> NetworkOptions {
    let mut options = NetworkOptions::new();
    // Small packets both ways: without it an acknowledgement waits for the other side's delayed one.
    options.set_tcp_nodelay(true);
    options.set_connection_timeout(CONNECT_S);
    options
}

/// How many drafts may be on the way where the platform takes so many publications at once.
fn window(receive_max: Option<u16>) -> usize {
    // Half, because the packet ids of the MQTT client go round within the whole.
    usize::from(receive_max.unwrap_or(PACKET_IDS).min(PACKET_IDS) / 2).max(1)
}

/// Where the MQTT client connects, and how.
fn target(login: &Login) -> (String, rumqttc::Transport) {
    use super::address::Carrier;
    let address = &login.address;
    let tls = || rumqttc::TlsConfiguration::Rustls(Arc::clone(&login.tls));
    match address.carrier {
        Carrier::Tcp => (address.bracketed_host(), rumqttc::Transport::Tcp),
        Carrier::Tls => (address.host.clone(), rumqttc::Transport::tls_with_config(tls())),
        Carrier::WebSocket => (address.url.clone(), rumqttc::Transport::Ws),
        Carrier::WebSocketTls => (address.url.clone(), rumqttc::Transport::wss_with_config(tls())),
    }
}
