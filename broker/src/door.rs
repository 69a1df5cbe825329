//! What all connections share, and the handle the server holds.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use godwit_dispatcher::Dispatcher;
use godwit_hub::Hub;
use godwit_registry::Registry;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Settings;
use crate::places::Places;
use crate::session::Limits;
use crate::threads::Threads;
use crate::unconfirmed::Unconfirmed;
use crate::wills::Wills;

/// The MQTT door. Cheap to clone.
#[derive(Clone)]
pub struct Broker {
    pub(crate) door: Arc<Door>,
    pub(crate) threads: Arc<Threads>,
}

/// What all connections share.
pub(crate) struct Door {
    pub(crate) registry: Registry,
    pub(crate) hub: Hub,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) settings: Settings,
    pub(crate) limits: Arc<Limits>,
    pub(crate) places: Arc<Places>,
    pub(crate) unconfirmed: Unconfirmed,
    pub(crate) wills: Wills,
    /// Turns at the disk, first come first served.
    pub(crate) page_reads: Arc<Semaphore>,
    pub(crate) meters: Meters,
    /// Cancelled when the door closes; wakes everybody who waited for it once.
    pub(crate) closing: CancellationToken,
    pub(crate) connections: TaskTracker,
    /// Set before `closing` is cancelled: asking the token itself takes a lock that all connections share.
    is_closing: AtomicBool,
    started: Instant,
}

/// Counters of the hot path, looked up once.
pub(crate) struct Meters {
    pub(crate) deliveries: metrics::Counter,
    pub(crate) publishes_accepted: metrics::Counter,
}

impl Door {
    /// Milliseconds since the door opened.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::SeqCst)
    }

    /// The moment of such a count of milliseconds.
    pub(crate) fn instant(&self, now: u64) -> Instant {
        self.started + Duration::from_millis(now)
    }
}

impl Broker {
    /// A door that nobody can use yet: see [`Broker::serve`] and [`Broker::websocket`]. Counters go to the metrics
    /// recorder that is installed by now.
    ///
    /// # Errors
    /// When its threads cannot be started.
    pub fn new(registry: Registry, hub: Hub, dispatcher: Dispatcher, settings: Settings) -> io::Result<Self> {
        let threads = Arc::new(Threads::start(settings.threads, &hub)?);
        let limits = Arc::new(settings.session.clone());
        let places = Arc::new(Places::new(
            settings.connections_max,
            settings.connections_per_address_max,
        ));
        let page_reads = Arc::new(Semaphore::new(settings.page_reads_max.max(1)));
        let door = Door {
            registry,
            hub,
            dispatcher,
            settings,
            limits,
            places,
            unconfirmed: Unconfirmed::default(),
            wills: Wills::default(),
            page_reads,
            meters: Meters {
                deliveries: metrics::counter!("mqtt_deliveries_total"),
                publishes_accepted: metrics::counter!("mqtt_publishes_total", "outcome" => "accepted"),
            },
            is_closing: AtomicBool::new(false),
            closing: CancellationToken::new(),
            connections: TaskTracker::new(),
            started: Instant::now(),
        };
        Ok(Self {
            door: Arc::new(door),
            threads,
        })
    }

    /// How many connections there are, those that have not said who they are included.
    pub fn connections(&self) -> usize {
        self.door.connections.len()
    }

    /// Closes the door: no more connections, nothing more read; what is pending is answered, and every MQTT 5 client
    /// is told that the server shuts down. Wills of clients that vanished are published. Returns when all connections ended, at the latest after the drain and the
    /// farewell timeout.
    pub async fn shutdown(&self) {
        let door = &self.door;
        door.is_closing.store(true, Ordering::SeqCst);
        door.closing.cancel();
        door.connections.close();
        let patience = door.settings.drain_timeout + door.settings.farewell_timeout;
        if tokio::time::timeout(patience, door.connections.wait()).await.is_err() {
            tracing::warn!(left = door.connections.len(), "connections did not end in time");
        }
        if tokio::time::timeout(door.settings.farewell_timeout, Wills::settle(door))
            .await
            .is_err()
        {
            tracing::warn!("wills could not be published in time, and are lost");
        }
    }
}
