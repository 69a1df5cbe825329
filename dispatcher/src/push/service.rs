//! The four calls of a push service: a device registers or leaves, a device or its user comes or goes. The platform's own
//! push acts on them, and an external service hears the same ones.
//!
//! Calls to a service are kept in memory, in order: each is tried three times. A service that misses one loses nothing it
//! needs for a push, because each push names its device.

use std::sync::Arc;
use std::time::Duration;

use godwit_hub::Presence;
use godwit_model::{AccountNo, Clock, DeviceNo};
use godwit_push::{ExternalService, NotHeard};
use godwit_registry::{Device, PushToken};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Desk;
use super::in_flight::Place;
use crate::Dispatcher;

/// Calls that wait; more are dropped and counted.
const CALLS_MAX: usize = 10_000;
/// How often a call is tried.
const ATTEMPTS: u32 = 3;
/// The first pause before it is tried again, and the longest that a service may ask for.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What a push service is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// A device told where vendors reach it.
    DeviceRegister(DeviceNo, Vec<PushToken>),
    /// A device is reached no more: it was retired, or its tokens were removed. With the package that it had named.
    DeviceUnregister(DeviceNo, Option<String>),
    /// A device's first session came, or its last one left.
    DeviceStatusChanged { device: DeviceNo, online: bool },
    /// The same of all devices of a user.
    UserStatusChanged { device: DeviceNo, online: bool },
}

/// Where calls wait for external services.
pub(crate) struct Calls {
    sender: mpsc::Sender<(Call, u64)>,
    /// Taken by the task that tells the services.
    receiver: std::sync::Mutex<Option<mpsc::Receiver<(Call, u64)>>>,
}

impl Default for Calls {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(CALLS_MAX);
        Self {
            sender,
            receiver: std::sync::Mutex::new(Some(receiver)),
        }
    }
}

impl Calls {
    pub(super) fn take(&self) -> Option<mpsc::Receiver<(Call, u64)>> {
        let mut receiver = self.receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        receiver.take()
    }
}

/// Hears of presence for push.
pub(super) struct Watcher(pub(super) Arc<Desk>, pub(super) Arc<dyn Clock>);

impl Presence for Watcher {
    fn changed(&self, account: AccountNo, device: DeviceNo, online: bool, alone: bool) {
        let now_ms = self.1.now_ms();
        if alone && !online {
            // Nobody is here any more who could save the phones the noise.
            self.0.due.look_at(account);
        }
        self.0.tell(Call::DeviceStatusChanged { device, online }, now_ms);
        if alone {
            self.0.tell(Call::UserStatusChanged { device, online }, now_ms);
        }
    }
}

impl Desk {
    /// Leaves a call for the external services that hear them.
    fn tell(&self, call: Call, now_ms: u64) {
        if self.channels.has_services() && self.calls.sender.try_send((call, now_ms)).is_err() {
            metrics::counter!("push_service_calls_total", "outcome" => "dropped").increment(1);
        }
    }
}

impl Dispatcher {
    /// A device told where vendors reach it. Returns when nothing is on its way any more for whoever had these tokens.
    pub(crate) async fn device_register(&self, device: &Device, tokens: &[PushToken]) {
        let Some(desk) = self.push.desk() else { return };
        for token in tokens {
            let place = Place::Token(self.registry.push_hash(&token.token));
            desk.in_flight.gone(place).await;
        }
        if !tokens.is_empty() {
            desk.tell(Call::DeviceRegister(device.no, tokens.to_vec()), self.clock.now_ms());
        }
    }

    /// A device is reached no more. Returns when nothing is on its way to it: nothing follows.
    pub(crate) async fn device_unregister(&self, device: DeviceNo, package: Option<String>) {
        let Some(desk) = self.push.desk() else { return };
        desk.in_flight.gone(Place::Device(device)).await;
        desk.tell(Call::DeviceUnregister(device, package), self.clock.now_ms());
    }

    /// The package that a device named; asked before its tokens go, and only where a service hears of it.
    pub(crate) async fn package_of(&self, device: DeviceNo) -> Option<String> {
        self.push.desk().filter(|desk| desk.channels.has_services())?;
        let tokens = self.registry.push_tokens(device).await.unwrap_or_default();
        tokens.into_iter().find_map(|token| token.push.details.package)
    }
}

/// Tells external services for as long as the platform runs.
pub(super) async fn tell(dispatcher: Dispatcher, desk: Arc<Desk>, mut calls: mpsc::Receiver<(Call, u64)>) {
    let mut number: u64 = 0;
    while let Some((call, at_ms)) = calls.recv().await {
        number += 1;
        let Some((service, mut body)) = describe(&dispatcher, &desk, &call).await else {
            continue;
        };
        let id = format!("call-{at_ms}-{number}");
        body["id"] = Value::String(id.clone());
        body["at"] = at_ms.into();
        let outcome = deliver(&service, &id, &body).await;
        metrics::counter!("push_service_calls_total", "outcome" => outcome).increment(1);
    }
}

async fn deliver(service: &ExternalService, id: &str, body: &Value) -> &'static str {
    for attempt in 1..=ATTEMPTS {
        match service.call(id, body).await {
            Ok(()) => return "taken",
            Err(NotHeard::Never(status)) => {
                tracing::warn!(status, kind = %body["type"], "an external push service refused a call");
                return "refused";
            }
            Err(NotHeard::Later(after)) if attempt < ATTEMPTS => {
                tokio::time::sleep(after.unwrap_or(PAUSE * attempt).min(PAUSE_MAX)).await;
            }
            Err(NotHeard::Later(_)) => {}
        }
    }
    tracing::warn!(kind = %body["type"], "an external push service does not answer a call; it is dropped");
    "unanswered"
}

/// Who hears of a call, and in which words; nobody where the device's app has no such service.
async fn describe(dispatcher: &Dispatcher, desk: &Desk, call: &Call) -> Option<(Arc<ExternalService>, Value)> {
    let (kind, no, online) = match call {
        Call::DeviceRegister(no, _) => ("deviceRegister", *no, None),
        Call::DeviceUnregister(no, _) => ("deviceUnregister", *no, None),
        Call::DeviceStatusChanged { device, online } => ("deviceStatusChanged", *device, Some(*online)),
        Call::UserStatusChanged { device, online } => ("userStatusChanged", *device, Some(*online)),
    };
    let device = match dispatcher.registry.device_ever(no).await {
        Ok(found) => found?,
        Err(error) => {
            tracing::warn!(%error, "a device could not be read; an external push service is not told of it");
            return None;
        }
    };
    let mut about = json!({
        "userId": device.account.user.to_string(),
        "deviceId": device.device_id.to_string(),
        "tenantNo": device.account.tenant.to_string(),
        "os": device.os.to_string(),
    });
    let package = match call {
        Call::DeviceRegister(_, tokens) => {
            about["push"] = tokens.iter().map(described).collect();
            tokens.iter().find_map(|token| token.details.package.clone())
        }
        Call::DeviceUnregister(_, package) => package.clone(),
        _ => dispatcher.package_of(no).await,
    };
    let app = package.unwrap_or_else(|| device.account.tenant.to_string());
    let service = desk.channels.service(&app)?;
    let mut body = json!({"type": kind, "device": about});
    if let Some(online) = online {
        body["online"] = online.into();
    }
    Some((service, body))
}

fn described(token: &PushToken) -> Value {
    let mut described = json!({"vendor": token.vendor, "token": token.token});
    let details = serde_json::to_value(&token.details).unwrap_or_default();
    for (name, value) in details.as_object().into_iter().flatten() {
        if !(value.is_null() || *value == Value::Bool(false)) {
            described[name] = value.clone();
        }
    }
    described
}
