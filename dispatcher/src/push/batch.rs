//! Equal pushes to devices of one vendor go in one request, where the vendor takes several.
//!
//! Such a request has one id. It is kept with each of the jobs before anything is sent, so that a repeat, in whatever
//! company, carries the id of the first attempt.

use std::collections::HashMap;
use std::sync::Arc;

use godwit_push::{Lane, Notification, PushId, Target, VendorName};
use godwit_registry::{DuePush, Settlement};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use super::Desk;
use super::attempt::{Attempt, Prepared};
use super::wanted::uuid_of;
use crate::Dispatcher;

/// Jobs of one vendor that are looked at side by side.
const PREPARED_MAX: usize = 32;
/// How long a job waits when our own store does not answer.
const OURS_AGAIN_MS: u64 = 2_000;
/// What in the data of a push is of one reader only: the entry's place in the inbox.
const OWN_DATA: &str = "seq";

/// Pushes with the same of this may go in one request.
#[derive(PartialEq, Eq, Hash)]
struct Likeness {
    /// Which lane, by where it is.
    lane: usize,
    shared_id: Option<[u8; 16]>,
    place: (Option<String>, Option<String>, bool, bool),
    notification: Notification,
}

impl Likeness {
    fn of(push: &Prepared, target: Target) -> Self {
        let mut notification = push.notification.clone();
        notification.id = PushId([0; 16]);
        notification.data.retain(|(name, _)| name != OWN_DATA);
        // What is of use for as many seconds.
        notification.expires_at_ms -= notification.expires_at_ms % 1_000;
        if notification.is_shown() && !push.lane.limits().badge {
            notification.badge = None;
        }
        Self {
            lane: Arc::as_ptr(&push.lane).addr(),
            shared_id: push.due.shared_id,
            place: (target.package, target.region, target.harmony, target.sandbox),
            notification,
        }
    }
}

impl Dispatcher {
    /// Pays jobs of one vendor: equal ones in one request. What becomes of each is sent to `settle`.
    pub(super) async fn pay_pushes(
        self,
        desk: Arc<Desk>,
        vendor: VendorName,
        jobs: Vec<DuePush>,
        settle: Sender<Settlement>,
    ) {
        let mut alike: HashMap<Likeness, Vec<Prepared>> = HashMap::new();
        for attempt in self.prepare_all(&desk, vendor, jobs).await {
            match attempt {
                // The keeper ends only with the drain, and then nobody needs it: the job is due again.
                Attempt::Over(settlement) => drop(settle.send(settlement).await),
                Attempt::Ready(push) => {
                    let likeness = Likeness::of(&push, push.target());
                    alike.entry(likeness).or_default().push(*push);
                }
            }
        }
        let mut requests = JoinSet::new();
        for (likeness, mut pushes) in alike {
            let Some((most, least)) = pushes.first().map(|push| push.lane.batch()) else {
                continue;
            };
            while !pushes.is_empty() {
                let rest = pushes.split_off(most.min(pushes.len()));
                let some = std::mem::replace(&mut pushes, rest);
                let (dispatcher, desk, settle) = (self.clone(), Arc::clone(&desk), settle.clone());
                if likeness.shared_id.is_none() && some.len() < least {
                    for push in some {
                        let (dispatcher, desk, settle) = (dispatcher.clone(), Arc::clone(&desk), settle.clone());
                        requests.spawn(async move {
                            let settlement = dispatcher.send_push(&desk, push).await;
                            let _ = settle.send(settlement).await;
                        });
                    }
                } else {
                    let notification = likeness.notification.clone();
                    requests.spawn(async move {
                        for settlement in dispatcher.send_pushes(&desk, some, notification).await {
                            let _ = settle.send(settlement).await;
                        }
                    });
                }
            }
        }
        while requests.join_next().await.is_some() {}
    }

    async fn prepare_all(&self, desk: &Arc<Desk>, vendor: VendorName, jobs: Vec<DuePush>) -> Vec<Attempt> {
        let mut attempts = Vec::with_capacity(jobs.len());
        let mut under_way = JoinSet::new();
        for due in jobs {
            if under_way.len() >= PREPARED_MAX {
                attempts.extend(under_way.join_next().await.and_then(Result::ok));
            }
            let (dispatcher, desk) = (self.clone(), Arc::clone(desk));
            under_way.spawn(async move { dispatcher.prepare_push(&desk, vendor, due).await });
        }
        while let Some(attempt) = under_way.join_next().await {
            attempts.extend(attempt.ok());
        }
        attempts
    }

    /// Sends equal pushes in one request.
    async fn send_pushes(&self, desk: &Desk, pushes: Vec<Prepared>, mut notification: Notification) -> Vec<Settlement> {
        let Some(id) = shared_id(&pushes) else {
            return Vec::new();
        };
        notification.id = id;
        let jobs: Vec<u64> = pushes.iter().map(|push| push.due.job).collect();
        if let Err(error) = self.registry.share_push_attempts(&jobs, id.0).await {
            tracing::warn!(%error, "pushes to several devices could not be noted; trying again");
            return pushes.iter().map(|push| self.again(&push.due, OURS_AGAIN_MS)).collect();
        }
        let mut request = self.begin_push(id);
        let (lane, name, targets) = addressed(&pushes);
        let outcomes = match &lane {
            Some(lane) => lane.deliver_many(&targets, &notification).await,
            None => Vec::new(),
        };
        metrics::histogram!("push_request_devices").record(f64::from(u32::try_from(targets.len()).unwrap_or(u32::MAX)));
        request.may_retire = self.note(desk, &name, &outcomes);
        let mut settlements = Vec::with_capacity(pushes.len());
        for (push, outcome) in pushes.into_iter().zip(outcomes) {
            settlements.push(self.settle_push(desk, (push, outcome), &request).await);
        }
        settlements
    }
}

fn addressed(pushes: &[Prepared]) -> (Option<Arc<Lane>>, String, Vec<Target>) {
    let first = pushes.first();
    (
        first.map(|push| Arc::clone(&push.lane)),
        first.map(Prepared::lane_name).unwrap_or_default(),
        pushes.iter().map(Prepared::target).collect(),
    )
}

/// The id under which these went before, or that of all their own.
fn shared_id(pushes: &[Prepared]) -> Option<PushId> {
    if let Some(id) = pushes.first()?.due.shared_id {
        return Some(PushId(id));
    }
    let mut own: Vec<PushId> = pushes.iter().map(|push| push.notification.id).collect();
    own.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key("godwit push 2026 id of a push to several devices");
    for id in own {
        hasher.update(&id.0);
    }
    Some(uuid_of(&hasher))
}
