//! What other rooms tell in passing: who comes and goes, what devices acknowledge, what vendors took. All of it is looked
//! up, noted and told later; whoever tells it never waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use godwit_archive::InboxQuery;
use godwit_hub::{Acknowledgements, Presence};
use godwit_model::{AccountNo, Clock, DeviceNo};
use godwit_registry::{Device, LedgerLine, Settled, Settlement};
use serde_json::json;

use super::event::stored;
use super::{Desk, EventKind};
use crate::Dispatcher;

/// How long acknowledgements of one device are gathered: the last one says what the others said.
const GATHER: Duration = Duration::from_millis(500);
/// Devices whose acknowledgements, and presences, that may wait.
const WAITING_MAX: usize = 100_000;

/// What waits to be looked up.
#[derive(Default)]
pub(super) struct Acknowledged(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// How far each device is.
    cursors: HashMap<DeviceNo, (AccountNo, u64)>,
    /// Who came and went, in this order.
    presences: Vec<(DeviceNo, bool, u64)>,
    pushes: Vec<(EventKind, LedgerLine)>,
}

impl Acknowledged {
    fn with<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Hears of presence.
pub(super) struct Watcher(pub(super) Arc<Desk>, pub(super) Arc<dyn Clock>);

impl Presence for Watcher {
    fn changed(&self, _: AccountNo, device: DeviceNo, online: bool, _: bool) {
        let (desk, clock) = (&self.0, &self.1);
        if !desk.interest.is_any_in(EventKind::PresenceChanged) {
            return;
        }
        let now_ms = clock.now_ms();
        let dropped = desk.acknowledged.with(|waiting| {
            let is_full = waiting.presences.len() >= WAITING_MAX;
            if !is_full {
                waiting.presences.push((device, online, now_ms));
            }
            is_full
        });
        if dropped {
            metrics::counter!("events_dropped_total", "kind" => "presence.changed").increment(1);
        }
    }
}

/// Hears of acknowledgements.
pub(super) struct Listener(pub(super) Arc<Desk>);

impl Acknowledgements for Listener {
    fn acknowledged(&self, account: AccountNo, device: DeviceNo, cursor: u64) {
        if !self.0.interest.is_any_in(EventKind::ReceiptDelivered) {
            return;
        }
        self.0.acknowledged.with(|waiting| {
            if waiting.cursors.len() < WAITING_MAX || waiting.cursors.contains_key(&device) {
                let last = waiting.cursors.entry(device).or_insert((account, 0));
                last.1 = last.1.max(cursor);
            }
        });
    }
}

impl Desk {
    /// Pushes were settled.
    pub(crate) fn settled_pushes(&self, settlements: &[Settlement]) {
        if !self.interest.is_any_in(EventKind::PushSent) && !self.interest.is_any_in(EventKind::PushFailed) {
            return;
        }
        let told = settlements.iter().filter_map(|settlement| {
            let kind = match settlement.what {
                Settled::Sent { .. } => EventKind::PushSent,
                Settled::Dropped => EventKind::PushFailed,
                Settled::Withdrawn | Settled::Later { .. } => return None,
            };
            Some((kind, settlement.lines.last()?.clone()))
        });
        let told: Vec<_> = told.collect();
        self.acknowledged.with(|waiting| {
            let room = WAITING_MAX.saturating_sub(waiting.pushes.len());
            waiting.pushes.extend(told.into_iter().take(room));
        });
    }
}

/// Notes what waits, for as long as the platform runs.
pub(super) async fn flush(dispatcher: Dispatcher, desk: Arc<Desk>) {
    loop {
        tokio::time::sleep(GATHER).await;
        let waiting = desk.acknowledged.with(std::mem::take);
        for (device, online, at_ms) in waiting.presences {
            if let Some(device) = device_of(&dispatcher, device).await {
                let data = json!({"userId": user(&device), "account": account(&device),
                    "deviceId": device.device_id.to_string(), "os": device.os.to_string(), "online": online});
                leave(&desk, &device, EventKind::PresenceChanged, (at_ms, &data));
            }
        }
        for (device, (account, cursor)) in waiting.cursors {
            delivered(&dispatcher, &desk, device, (account, cursor)).await;
        }
        for (kind, line) in waiting.pushes {
            if let Some(device) = device_of(&dispatcher, line.device).await {
                let data = json!({"userId": user(&device), "deviceId": device.device_id.to_string(),
                    "pushId": line.push_id, "kind": line.kind, "vendor": line.vendor, "outcome": line.outcome,
                    "code": line.code, "conv": line.lane, "seq": line.seq, "serverId": line.server_id,
                    "attempt": line.attempt});
                leave(&desk, &device, kind, (line.at_ms, &data));
            }
        }
    }
}

/// A device has everything up to a number.
async fn delivered(dispatcher: &Dispatcher, desk: &Desk, device: DeviceNo, (account, cursor): (AccountNo, u64)) {
    let Some(device) = device_of(dispatcher, device).await else {
        return;
    };
    if !desk
        .interest
        .in_kind(device.account.tenant, EventKind::ReceiptDelivered)
    {
        return;
    }
    let query = InboxQuery {
        after: Some(cursor.saturating_sub(1)),
        limit: 1,
        bytes_max: usize::MAX,
        ..InboxQuery::default()
    };
    let found = dispatcher.read(move |archive| archive.inbox(account, &query)).await;
    let newest = found
        .ok()
        .and_then(|items| items.into_iter().next())
        .filter(|item| item.seq == cursor);
    let mut data = json!({"userId": user(&device), "account": self::account(&device),
        "deviceId": device.device_id.to_string(), "upTo": cursor});
    if let Some(item) = newest {
        data["serverId"] = item.record.server_id.to_string().into();
        data["conv"] = item
            .record
            .conversation
            .map(|conversation| conversation.to_string())
            .into();
        data["convSeq"] = item.record.conv_seq.into();
    }
    let at_ms = dispatcher.clock.now_ms();
    let key = format!("{} {cursor}", device.no);
    let event = stored(
        device.account.tenant,
        EventKind::ReceiptDelivered,
        (at_ms, Some(&key)),
        data.to_string(),
    );
    if let Some(event) = event {
        desk.journal.leave(event);
    }
}

fn leave(desk: &Desk, device: &Device, kind: EventKind, (at_ms, data): (u64, &serde_json::Value)) {
    let tenant = device.account.tenant;
    if desk.interest.in_kind(tenant, kind)
        && let Some(event) = stored(tenant, kind, (at_ms, None), data.to_string())
    {
        desk.journal.leave(event);
    }
}

async fn device_of(dispatcher: &Dispatcher, device: DeviceNo) -> Option<Arc<Device>> {
    let found = dispatcher.registry.device_ever(device).await;
    found
        .inspect_err(|error| tracing::warn!(%error, "a device could not be read; nobody is told of it"))
        .ok()
        .flatten()
}

fn user(device: &Device) -> String {
    device.account.user.to_string()
}

fn account(device: &Device) -> String {
    device.account.account_id.to_string()
}
