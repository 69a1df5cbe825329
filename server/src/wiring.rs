//! The only file that sees every room: makes them, joins them, and lets them run.

use std::sync::Arc;

use godwit_archive::{Archive, Delivery, Disk, Listener};
use godwit_broker::Broker;
use godwit_dispatcher::{Dispatcher, Due, Events, Hooks, Push};
use godwit_gateway::{Gateway, MqttAddresses, SocketAddresses};
use godwit_hub::{Hub, Switchboard};
use godwit_model::{Clock, SystemClock};
use godwit_push::simulator::Simulators;
use godwit_registry::{NewApp, Registry};
use godwit_store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::banner::FIRST_RECIPIENT;
use crate::data_folder::DataFolder;
use crate::failure::Failure;
use crate::http::{HttpDoor, HttpSocket};
use crate::opening::{check_same_accounts, open_archive, open_disk, open_registry, open_store};
use crate::running::{Bound, Doors, Running};
use crate::settings::Settings;
use crate::sockets::Sockets;
use crate::tls::{TlsDoors, judge, keep_renewed};
use crate::{audit, platform, push, rooms, telemetry};

/// What a server stands on. Tests bring their own: a simulated disk, a clock that stands still, a database in memory
/// that outlives the server.
pub struct Parts {
    /// Where messages live.
    pub disk: Arc<dyn Disk>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where everything relational lives.
    pub store: Store,
    /// What all keys are derived from.
    pub master_key: [u8; 32],
}

impl Parts {
    /// The parts of a data folder, and the host's clock.
    pub async fn of_folder(settings: &Settings, folder: &DataFolder) -> Result<Self, Failure> {
        let store = open_store(settings, folder).await?;
        Ok(Self {
            disk: Arc::new(open_disk(folder)?),
            clock: Arc::new(SystemClock),
            master_key: platform::master_key(folder, &store).await?,
            store,
        })
    }
}

/// Starts a server: everything is recovered and both doors listen when this returns.
pub async fn start(settings: &Settings, parts: Parts) -> Result<Running, Failure> {
    Box::pin(start_with(settings, parts, None)).await
}

/// The same, where the page to try the platform draws what phones of these stand-ins show.
pub(crate) async fn start_with(
    settings: &Settings,
    parts: Parts,
    simulators: Option<Arc<Simulators>>,
) -> Result<Running, Failure> {
    telemetry::metrics();
    let failed = CancellationToken::new();
    let switchboard = Arc::new(Switchboard::default());
    platform::check(&*parts.disk, &parts.store, &parts.master_key).await?;
    let push::Opened { push, due, vendors } = push::open(settings, &parts.clock)?;
    let events = Events::new(rooms::events(settings), &parts.clock)
        .map_err(|error| Failure::new("GW-H001", format!("webhooks cannot be called: {error}"), ""))?;
    let hooks = Hooks::new(rooms::hooks(settings), &parts.clock)
        .map_err(|error| Failure::new("GW-H001", format!("hooks cannot be asked: {error}"), ""))?;
    let commits = Commits {
        switchboard: Arc::clone(&switchboard),
        events: events.clone(),
        due,
        failed: failed.clone(),
    };
    let archive = open_archive(settings, (Arc::clone(&parts.disk), Arc::clone(&parts.clock)), commits).await?;
    // All sockets before anything is made or served, so that a taken port leaves nothing half done.
    let sockets = Sockets::bind(settings).await?;
    let tls = sockets
        .need_tls()
        .then(|| open_tls(settings, &*parts.clock))
        .transpose()?;
    let clock = Arc::clone(&parts.clock);
    let mut core = Box::pin(Core::join(
        settings,
        parts,
        (archive, switchboard, push, (events, hooks)),
    ))
    .await?;
    core.simulators = simulators;
    let pushing = core.dispatcher.run_push().await;
    let pushing = pushing.map_err(|error| Failure::new("GW-S001", error.to_string(), ""))?;
    let telling = core.dispatcher.run_events().await;
    let telling = telling.map_err(|error| Failure::new("GW-S001", error.to_string(), ""))?;
    let forgetting = settings
        .audit
        .age
        .map(|age| tokio::spawn(audit::forget_old(core.registry.clone(), age)));
    let scheduling = core.dispatcher.run_schedules().await;
    let scheduling = scheduling.map_err(|error| Failure::new("GW-S001", error.to_string(), ""))?;
    let broadcasting = core.dispatcher.run_broadcasts();
    let mut running = Running {
        bound: sockets.bound(),
        tls: tls.clone(),
        first_app: core.first_app.as_ref().map(Into::into),
        archive: core.archive.clone(),
        doors: open_doors(settings, core, (sockets, tls.clone()), failed.clone())?,
        failed,
    };
    running.doors.others.extend(pushing);
    running.doors.others.extend(telling.into_iter().chain(forgetting));
    if let Some(vendors) = vendors {
        running.doors.others.push(tokio::spawn(push::keep_renewed(vendors)));
    }
    running.doors.others.push(scheduling);
    running.doors.others.push(broadcasting);
    if let (Some(tls), Some(files)) = (tls, settings.tls_files()) {
        running.doors.others.push(tokio::spawn(keep_renewed(tls, files, clock)));
    }
    Ok(running)
}

fn open_tls(settings: &Settings, clock: &dyn Clock) -> Result<Arc<TlsDoors>, Failure> {
    let missing = || {
        Failure::new(
            "GW-T002",
            "there is no certificate for the doors with TLS",
            "godwit tls self-signed",
        )
    };
    let judgement = judge(&settings.tls_files().ok_or_else(missing)?, clock.now_ms());
    let Some(material) = judgement.material else {
        let what: Vec<_> = judgement.faults.into_iter().map(|fault| fault.what).collect();
        return Err(Failure::new("GW-T002", what.join("; "), "godwit check-config"));
    };
    Ok(Arc::new(TlsDoors::new(material, settings.tls.handshakes)?))
}

/// From here on clients are served.
fn open_doors(
    settings: &Settings,
    core: Core,
    (sockets, tls): (Sockets, Option<Arc<TlsDoors>>),
    failed: CancellationToken,
) -> Result<Doors, Failure> {
    let closing = CancellationToken::new();
    let broker = Broker::new(
        core.registry.clone(),
        core.hub,
        core.dispatcher.clone(),
        rooms::broker(settings),
    )
    .map_err(|error| Failure::new("GW-P002", format!("the process cannot start its threads: {error}"), ""))?;
    let gateway = Gateway {
        settings: rooms::gateway(settings),
        not_ready: Box::new(not_ready(core.archive.clone(), closing.clone(), failed)),
        warnings: Box::new(warnings(core.archive, settings.cold.url.is_some())),
        metrics: Box::new(|| telemetry::metrics().render()),
        simulated_phone: core.simulators.map(|simulators| {
            Box::new(move |vendor: &str, token: &str| push::simulated::phone(&simulators, vendor, token)) as Box<_>
        }),
        ..Gateway::new(core.dispatcher, core.registry, mqtt_addresses(sockets.bound()))
    };
    let door = HttpDoor {
        routes: godwit_gateway::router(gateway).merge(broker.websocket()),
        head_timeout: settings.http.head_timeout,
        places: Arc::new(Semaphore::new(settings.http.connections.min(Semaphore::MAX_PERMITS))),
    };
    let plain = sockets.http.map(|listener| HttpSocket { listener, tls: None });
    let secret = sockets.https.map(|listener| HttpSocket {
        listener,
        tls: tls.as_ref().map(|tls| Arc::clone(&tls.https)),
    });
    let http = plain.into_iter().chain(secret);
    let http = http.map(|socket| tokio::spawn(door.clone().serve(socket, closing.clone())));
    let mut others = vec![tokio::spawn(telemetry::keep_metrics())];
    if let Some(listener) = sockets.mqtt {
        let broker = broker.clone();
        others.push(tokio::spawn(async move { broker.serve(listener).await }));
    }
    if let (Some(listener), Some(tls)) = (sockets.mqtts, tls) {
        let (broker, tls) = (broker.clone(), Arc::clone(&tls.mqtts));
        others.push(tokio::spawn(async move { broker.serve_tls(listener, tls).await }));
    }
    Ok(Doors {
        http: http.collect(),
        others,
        stop_timeout: settings.server.stop_timeout,
        broker,
        events: core.events,
        closing,
    })
}

fn mqtt_addresses(bound: Bound) -> MqttAddresses {
    MqttAddresses::of_sockets(&SocketAddresses {
        tcp: bound.mqtt,
        tls: bound.mqtts,
        http: bound.http,
        https: bound.https,
    })
}

fn not_ready(archive: Archive, closing: CancellationToken, failed: CancellationToken) -> impl Fn() -> Vec<String> {
    move || {
        let reasons = [
            (failed.is_cancelled(), "the message log stopped after a failed write"),
            (
                archive.is_full(),
                "the disk is full: messages are refused until there is room",
            ),
            (closing.is_cancelled(), "the server is stopping"),
        ];
        let holding = reasons.into_iter().filter(|(holds, _)| *holds);
        holding.map(|(_, reason)| reason.to_owned()).collect()
    }
}

fn warnings(archive: Archive, has_store: bool) -> impl Fn() -> Vec<String> {
    move || {
        let halt = archive.retention_halt();
        let halt = halt.map(|halt| format!("retention is halted: {halt}; see `godwit archive retain`"));
        let cold = archive.cold().segments;
        let missed = (cold > 0 && !has_store).then(|| {
            format!("{cold} segments of old messages are in a store, and [cold] names none: they cannot be read")
        });
        halt.into_iter().chain(missed).collect()
    }
}

/// Hears what was committed, and when nothing will be any more.
struct Commits {
    switchboard: Arc<Switchboard>,
    /// Where vendor push hears of them, if there is any.
    due: Option<Arc<Due>>,
    /// Where webhooks hear of them.
    events: Events,
    failed: CancellationToken,
}

impl Listener for Commits {
    fn committed(&self, deliveries: &[Delivery]) {
        self.switchboard.committed(deliveries);
        if let Some(due) = &self.due {
            due.moved(deliveries);
        }
        self.events.moved();
    }

    fn answered(&self) {
        self.switchboard.answered();
    }

    fn stopped(&self) {
        self.failed.cancel();
        self.switchboard.stopped();
    }
}

/// The rooms behind the doors.
struct Core {
    archive: Archive,
    hub: Hub,
    registry: Registry,
    dispatcher: Dispatcher,
    events: Events,
    first_app: Option<NewApp>,
    /// Where vendors are simulated.
    simulators: Option<Arc<Simulators>>,
}

impl Core {
    async fn join(
        settings: &Settings,
        parts: Parts,
        (archive, switchboard, push, (events, hooks)): (Archive, Arc<Switchboard>, Push, (Events, Hooks)),
    ) -> Result<Self, Failure> {
        let Parts {
            disk,
            clock,
            store,
            master_key,
        } = parts;
        check_same_accounts(&archive, &store).await?;
        platform::join(&*disk, &store, &master_key).await?;
        let registry = open_registry(settings, store, Arc::clone(&clock), &master_key).await?;
        let first_app = first_app(&registry).await?;
        let hub = Hub::new(switchboard, archive.clone());
        let dispatcher = Dispatcher::new(registry.clone(), archive.clone(), hub.clone(), clock)
            .with_recall_window_ms(rooms::milliseconds(settings.limits.recall_time))
            .with_broadcast_rate(settings.broadcasts.rate)
            .with_push(push)
            .with_events(events.clone())
            .with_hooks(hooks);
        dispatcher
            .know_hooks()
            .await
            .map_err(|error| Failure::new("GW-S001", error.to_string(), ""))?;
        dispatcher.tell_what_is_owed().await;
        Ok(Self {
            archive,
            hub,
            registry,
            dispatcher,
            events,
            first_app,
            simulators: None,
        })
    }
}

/// The first app of a new store, and somebody to whom it can send its first message.
async fn first_app(registry: &Registry) -> Result<Option<NewApp>, Failure> {
    let failed = |error: godwit_registry::Error| Failure::new("GW-S001", error.to_string(), "");
    let Some(new) = registry.first_app().await.map_err(failed)? else {
        return Ok(None);
    };
    let user = FIRST_RECIPIENT.parse().expect("the name is a userId");
    registry
        .issue_ticket(&new.app, &user, None, None)
        .await
        .map_err(failed)?;
    Ok(Some(new))
}
