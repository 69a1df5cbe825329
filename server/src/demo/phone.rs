//! Somebody's phone: a stock MQTT client, and the memory that survives when the connection does not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS};
use serde_json::Value;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::rest::Credentials;
use crate::failure::Failure;

/// Longest wait for an acknowledgement or an entry.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a phone waits before it connects again.
const CONNECT_AGAIN: Duration = Duration::from_millis(50);
/// What the client may have waiting: acknowledgements of everything in flight, and one publication.
const REQUESTS_MAX: usize = 256;

/// A phone. It is switched off when it is dropped.
pub(super) struct Phone {
    shared: Arc<Shared>,
    on: Option<JoinHandle<()>>,
}

struct Shared {
    credentials: Credentials,
    mqtt: String,
    memory: Mutex<Memory>,
    changed: Notify,
}

/// What the phone keeps over connections.
#[derive(Default)]
struct Memory {
    /// Entries of the inbox, each once, as they came.
    entries: Vec<Value>,
    /// Entries that came again; their number tells.
    repeats: usize,
    /// What must not happen: an entry beyond the next number.
    gaps: usize,
    /// The one publication that is not acknowledged yet.
    waiting: Option<(Vec<u8>, oneshot::Sender<()>)>,
    /// The connection, while there is one.
    client: Option<AsyncClient>,
}

impl Phone {
    pub(super) fn new(credentials: Credentials, mqtt: &str) -> Self {
        let shared = Shared {
            credentials,
            mqtt: mqtt.to_owned(),
            memory: Mutex::default(),
            changed: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            on: None,
        }
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.shared.credentials
    }

    /// It connects, and connects again whenever it has to.
    pub(super) fn switch_on(&mut self) {
        let shared = Arc::clone(&self.shared);
        self.on = Some(tokio::spawn(async move { shared.keep_connected().await }));
    }

    /// It is gone, without a goodbye.
    pub(super) fn vanish(&mut self) {
        if let Some(task) = self.on.take() {
            task.abort();
        }
        self.shared.memory().client = None;
    }

    /// Publishes a draft, over as many connections as it takes; returns how long its acknowledgement took.
    pub(super) async fn send(&self, draft: &Value) -> Result<Duration, Failure> {
        let (acknowledge, acknowledged) = oneshot::channel();
        let began = Instant::now();
        {
            let mut memory = self.shared.memory();
            memory.waiting = Some((draft.to_string().into_bytes(), acknowledge));
            self.shared.publish_waiting(&memory);
        }
        match tokio::time::timeout(PATIENCE, acknowledged).await {
            Ok(Ok(())) => Ok(began.elapsed()),
            _ => Err(Failure::new(
                "GW-E002",
                format!("no acknowledgement of {}", draft["id"]),
                "",
            )),
        }
    }

    /// Waits until an entry with this id is there.
    pub(super) async fn wait_for(&self, id: &str) -> Result<Value, Failure> {
        let arrived = async {
            loop {
                let changed = self.shared.changed.notified();
                if let Some(entry) = self.shared.memory().entries.iter().find(|entry| entry["id"] == id) {
                    return entry.clone();
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, arrived).await;
        waited.map_err(|_| Failure::new("GW-E002", format!("{id} did not arrive"), ""))
    }

    /// Everything it has, in the order of arrival.
    pub(super) fn entries(&self) -> Vec<Value> {
        self.shared.memory().entries.clone()
    }

    /// How many entries came again, and how many came too early.
    pub(super) fn repeats_and_gaps(&self) -> (usize, usize) {
        let memory = self.shared.memory();
        (memory.repeats, memory.gaps)
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.vanish();
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn topic(&self, channel: &str) -> String {
        format!("im/{}/{channel}", self.credentials.account)
    }

    async fn keep_connected(&self) {
        loop {
            let (client, mut connection) = AsyncClient::new(self.options(), REQUESTS_MAX);
            // Small packets both ways: without it an acknowledgement waits for the other side's delayed one.
            connection.network_options.set_tcp_nodelay(true);
            // Both wait in the client until it is connected. What is not acknowledged goes out once per connection.
            let _ = client.try_subscribe(self.topic("inbox"), QoS::AtLeastOnce);
            {
                let mut memory = self.memory();
                memory.client = Some(client);
                self.publish_waiting(&memory);
            }
            self.listen(&mut connection).await;
            self.memory().client = None;
            tokio::time::sleep(CONNECT_AGAIN).await;
        }
    }

    fn options(&self) -> MqttOptions {
        let (host, port) = self.mqtt.rsplit_once(':').unwrap_or((&self.mqtt, "1883"));
        let Credentials {
            account,
            device_id,
            device_token,
        } = &self.credentials;
        let mut options = MqttOptions::new(device_id, host, port.parse().unwrap_or(1883));
        options
            .set_credentials(account, device_token)
            .set_clean_session(false)
            .set_manual_acks(true)
            .set_keep_alive(Duration::from_secs(10));
        options
    }

    /// Until the connection ends.
    async fn listen(&self, connection: &mut EventLoop) {
        while let Ok(event) = connection.poll().await {
            match event {
                Event::Incoming(Packet::Publish(publish)) => self.receive(&publish),
                // One publication at a time, so this is its acknowledgement.
                Event::Incoming(Packet::PubAck(_)) => {
                    if let Some((_, acknowledge)) = self.memory().waiting.take() {
                        let _ = acknowledge.send(());
                    }
                }
                _ => {}
            }
        }
    }

    fn publish_waiting(&self, memory: &Memory) {
        if let (Some(client), Some((payload, _))) = (&memory.client, &memory.waiting) {
            let _ = client.try_publish(self.topic("outbox"), QoS::AtLeastOnce, false, payload.clone());
        }
    }

    /// Keeps an entry, and only then acknowledges it.
    fn receive(&self, publish: &Publish) {
        let Ok(entry) = serde_json::from_slice::<Value>(&publish.payload) else {
            return;
        };
        let mut memory = self.memory();
        let last = memory.entries.last().map_or(0, seq);
        match seq(&entry) {
            number if number == last + 1 => memory.entries.push(entry),
            number if number <= last => memory.repeats += 1,
            _ => memory.gaps += 1,
        }
        if let Some(client) = &memory.client {
            let _ = client.try_ack(publish);
        }
        drop(memory);
        self.changed.notify_waiters();
    }
}

/// The number of an entry.
pub(super) fn seq(entry: &Value) -> u64 {
    entry["seq"].as_u64().unwrap_or_default()
}
