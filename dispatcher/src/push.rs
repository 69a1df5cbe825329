//! Phones that are not reached ring by way of their vendors: who is owed that follows from stored numbers.
//!
//! [`Due`] hears of every commit; [`watch`] looks at accounts that moved, decides by the rules of [`decision`] what each
//! of their devices is owed, and keeps that as jobs; [`drain`] pays the jobs through the vendors' lanes. All of it
//! stands beside the way of a message and may stop at any time: cursors, marks and jobs say what is still owed.

mod attempt;
mod badge;
mod batch;
mod book;
mod breaker;
mod decide;
mod decision;
mod drain;
mod due;
mod household;
mod in_flight;
mod log;
mod outcome;
mod own_words;
mod receipts;
mod service;
mod settings;
mod template;
mod timeline;
mod wanted;
mod watch;
mod why;
mod words;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use godwit_model::{ConversationKey, DeviceNo};
use godwit_push::{ExternalService, KeptVendors, Lane, Receipts, VendorName};
use godwit_registry::Account;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::Dispatcher;
use crate::reading::COUNTING;
use breaker::MassBreaker;
use in_flight::InFlight;
use service::Calls;
use wanted::Wanted;

pub use due::Due;
pub use log::Line;
pub use receipts::VendorReport;
pub use settings::{PushSettings, idle};
pub use template::{KeptTemplate, Template, TemplateError};
pub use timeline::{DeviceTimeline, ReaderTimeline, Timeline};
pub use why::{Check, Verdict, Why};

/// Finds the lane of an app to a vendor.
type FindLane = dyn Fn(&str, VendorName) -> Option<Arc<Lane>> + Send + Sync;

/// For how many milliseconds every lane to a vendor is closed.
type Closed = dyn Fn(VendorName) -> u64 + Send + Sync;

/// The ways to all vendors that are set.
#[derive(Clone)]
pub struct Channels {
    names: Arc<[VendorName]>,
    /// Most devices of one request, of those vendors who take several.
    batches: Arc<HashMap<VendorName, usize>>,
    find: Arc<FindLane>,
    closed: Arc<Closed>,
    pub(crate) receipts: Arc<Receipts>,
    services: Option<Arc<KeptVendors>>,
}

impl Channels {
    /// Those of the settings. Each push goes by the keys of its time.
    pub fn of(kept: Arc<KeptVendors>) -> Self {
        let vendors = kept.now();
        let mut names: Vec<VendorName> = vendors.all().map(|(_, lane)| lane.name()).collect();
        names.sort_unstable();
        names.dedup();
        let mut batches = HashMap::new();
        for (_, lane) in vendors.all().filter(|(_, lane)| lane.batch().0 > 1) {
            let most = batches.entry(lane.name()).or_insert(1);
            *most = lane.batch().0.max(*most);
        }
        let services = vendors.has_hearing_service().then(|| Arc::clone(&kept));
        let lanes = Arc::clone(&kept);
        let closed = move |name| {
            let now = lanes.now();
            let lanes = now.all().filter(|(_, lane)| lane.name() == name);
            lanes.map(|(_, lane)| lane.closed_ms()).min().unwrap_or(0)
        };
        Self {
            batches: Arc::new(batches),
            closed: Arc::new(closed),
            services,
            ..Self::new(names, move |app, name| kept.now().lane(app, name).cloned())
        }
    }

    fn has_services(&self) -> bool {
        self.services.is_some()
    }

    /// The external service that hears of an app's devices.
    fn service(&self, app: &str) -> Option<Arc<ExternalService>> {
        self.services.as_ref()?.now().hearing_service(app).cloned()
    }

    /// Others, found by the name of the app and the vendor.
    pub fn new(
        names: Vec<VendorName>,
        find: impl Fn(&str, VendorName) -> Option<Arc<Lane>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            names: names.into(),
            batches: Arc::default(),
            closed: Arc::new(|_| 0),
            find: Arc::new(find),
            receipts: Arc::default(),
            services: None,
        }
    }

    /// Most devices of one request to a vendor; 1 where each has one of its own.
    pub(crate) fn batch(&self, vendor: VendorName) -> usize {
        self.batches.get(&vendor).copied().unwrap_or(1)
    }

    /// For how many milliseconds nothing is let through to a vendor.
    pub(crate) fn closed_ms(&self, vendor: VendorName) -> u64 {
        (self.closed)(vendor)
    }

    /// The same, and takes these vendors' reports.
    #[must_use]
    pub fn with_receipts(mut self, receipts: Receipts) -> Self {
        self.receipts = Arc::new(receipts);
        self
    }

    pub(crate) fn lane(&self, app: &str, vendor: &str) -> Option<Arc<Lane>> {
        (self.find)(app, vendor.parse().ok()?)
    }
}

/// Vendor push, or none. Cheap to clone.
#[derive(Clone, Default)]
pub struct Push(Option<Arc<Desk>>);

/// What all of push shares.
pub(crate) struct Desk {
    pub(crate) settings: PushSettings,
    pub(crate) channels: Channels,
    pub(crate) due: Arc<Due>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) breaker: MassBreaker,
    calls: Calls,
    /// Wakes the drain of a vendor.
    wakes: HashMap<&'static str, Notify>,
    platform_id: OnceLock<String>,
}

impl Push {
    /// Push by these ways; `due` is told of every commit.
    pub fn new(settings: PushSettings, channels: Channels, due: Arc<Due>) -> Self {
        let wakes = channels.names.iter().map(|name| (name.as_str(), Notify::new()));
        Self(Some(Arc::new(Desk {
            settings,
            wakes: wakes.collect(),
            channels,
            due,
            in_flight: Arc::default(),
            breaker: MassBreaker::default(),
            calls: Calls::default(),
            platform_id: OnceLock::new(),
        })))
    }

    pub(crate) fn desk(&self) -> Option<&Arc<Desk>> {
        self.0.as_ref()
    }
}

impl Desk {
    /// Says that a vendor has jobs that may be due.
    pub(crate) fn wake(&self, vendor: &str) {
        if let Some(wake) = self.wakes.get(vendor) {
            wake.notify_one();
        }
    }

    pub(crate) fn wake_all(&self) {
        self.wakes.values().for_each(Notify::notify_one);
    }

    pub(crate) fn platform_id(&self) -> &str {
        self.platform_id.get().map_or("", String::as_str)
    }
}

impl Dispatcher {
    /// Starts what finds and pays debts; ends with the tasks, which the caller aborts. Nothing where push is off.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn run_push(&self) -> Result<Vec<JoinHandle<()>>, godwit_registry::Error> {
        // Unread messages count from here on, whether they are pushed or not.
        self.registry.began_at_ms(COUNTING).await?;
        let Some(desk) = self.push.desk() else {
            return Ok(Vec::new());
        };
        let _ = desk.platform_id.set(self.registry.platform_id().await?);
        let resumed = self.registry.resume_push_jobs().await?;
        let began_ms = self.registry.began_at_ms(watch::PUSHING).await?;
        tracing::info!(resumed, vendors = ?desk.channels.names, "vendor push is on");
        let mut tasks = vec![tokio::spawn(watch::watch(self.clone(), Arc::clone(desk), began_ms))];
        for name in desk.channels.names.iter() {
            let drain = drain::drain(self.clone(), Arc::clone(desk), *name);
            tasks.push(tokio::spawn(drain));
        }
        tasks.push(tokio::spawn(watch::tidy(self.clone(), Arc::clone(desk))));
        self.hub
            .hear_presence(service::Watcher(Arc::clone(desk), Arc::clone(&self.clock)));
        if let Some(calls) = desk.calls.take().filter(|_| desk.channels.has_services()) {
            tasks.push(tokio::spawn(service::tell(self.clone(), Arc::clone(desk), calls)));
        }
        Ok(tasks)
    }

    /// What was read on one device is owed to the others no more, what they show of it is taken back, and the number on
    /// their icons follows.
    pub(crate) async fn push_read_elsewhere(
        &self,
        (account, reader): (&Account, Option<DeviceNo>),
        conversation: ConversationKey,
        up_to: u64,
    ) {
        let Some(desk) = self.push.desk() else { return };
        let lane = conversation.to_string();
        let withdrawal = Wanted::withdrawal(up_to).text();
        let read = self
            .registry
            .read_elsewhere(account.no, (&lane, up_to), &withdrawal)
            .await;
        let done = match read {
            Ok(read) => {
                metrics::counter!("push_suppressed_total", "reason" => "read_elsewhere").increment(read.forgotten);
                if !read.withdrawn.is_empty() {
                    desk.wake_all();
                }
                // A withdrawal carries the count, too.
                let told: Vec<DeviceNo> = read.withdrawn.into_iter().chain(reader).collect();
                self.owe_badges(desk, account, &told).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            // The phone goes on showing what was read: a nuisance, not a loss.
            tracing::warn!(%error, "what was read elsewhere could not be withdrawn");
        }
    }
}
