//! Last wills: published when a client vanished, at once or after a delay within which it may come back.
//!
//! A will is a draft like any other, judged and stored when it is published. Until then it is held in memory: nothing
//! acknowledged it, and a crash of the platform loses it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use godwit_dispatcher::Sender;
use godwit_model::refusal::Remedy;
use godwit_model::{DeviceNo, Refused};
use godwit_protocol::envelope;
use godwit_registry::Device;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::door::Door;
use crate::paper::Paper;
use crate::session::StoredWill;

/// Wills that wait for their delay; one more is published at once.
const WAITING_MAX: usize = 10_000;
/// Wills judged and stored at the same time: a network that fails takes many clients with it.
const PUBLISHING_MAX: usize = 64;
/// Attempts for a will that cannot be stored for the moment, and the time between two of them.
const ATTEMPTS_MAX: u32 = 60;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(500);

/// The wills of clients that are gone.
pub(crate) struct Wills {
    waiting: Mutex<Waiting>,
    publishing: Semaphore,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Waiting {
    by_device: HashMap<DeviceNo, (u64, Will)>,
    next_ticket: u64,
}

/// A will and who left it.
pub(crate) struct Will {
    pub(crate) device: Arc<Device>,
    pub(crate) words: Box<StoredWill>,
}

impl Default for Wills {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            publishing: Semaphore::new(PUBLISHING_MAX),
            tasks: TaskTracker::new(),
        }
    }
}

impl Wills {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Each change is one call, so that nothing can be half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a will for a while; gives it back when there is no room.
    fn keep(&self, will: Will) -> Result<u64, Will> {
        let mut waiting = self.lock();
        if waiting.by_device.len() >= WAITING_MAX {
            return Err(will);
        }
        let ticket = waiting.next_ticket;
        waiting.next_ticket += 1;
        waiting.by_device.insert(will.device.no, (ticket, will));
        Ok(ticket)
    }

    /// Takes the will that waits for a device to come back.
    pub(crate) fn take(&self, device: DeviceNo) -> Option<Will> {
        self.lock().by_device.remove(&device).map(|(_, will)| will)
    }

    fn take_due(&self, device: DeviceNo, due: u64) -> Option<Will> {
        let mut waiting = self.lock();
        let is_due = waiting.by_device.get(&device).is_some_and(|(ticket, _)| *ticket == due);
        let taken = if is_due {
            waiting.by_device.remove(&device)
        } else {
            None
        };
        taken.map(|(_, will)| will)
    }

    /// Publishes what still waits, and returns when everything is published or given up.
    pub(crate) async fn settle(door: &Arc<Door>) {
        let waiting = std::mem::take(&mut door.wills.lock().by_device);
        for (_, will) in waiting.into_values() {
            will.publish(door);
        }
        door.wills.tasks.close();
        door.wills.tasks.wait().await;
    }
}

impl Will {
    /// Publishes the will after `delay_s`, unless it is taken before.
    pub(crate) fn publish_after(self, door: &Arc<Door>, delay_s: u32) {
        let device = self.device.no;
        let ticket = match door.wills.keep(self) {
            Ok(ticket) => ticket,
            Err(will) => {
                count("early");
                will.publish(door);
                return;
            }
        };
        let door = Arc::clone(door);
        tokio::spawn(async move {
            let delay = tokio::time::sleep(Duration::from_secs(delay_s.into()));
            tokio::select! {
                () = door.closing.cancelled() => {}
                () = delay => {
                    if let Some(will) = door.wills.take_due(device, ticket) {
                        will.publish(&door);
                    }
                }
            }
        });
    }

    /// Publishes the will; nobody waits for it but the end of the door.
    pub(crate) fn publish(self, door: &Arc<Door>) {
        let held = Arc::clone(door);
        door.wills.tasks.spawn(async move {
            // The semaphore is never closed.
            let _place = held.wills.publishing.acquire().await;
            let outcome = self.execute(&held).await;
            count(outcome);
        });
    }

    async fn execute(&self, door: &Door) -> &'static str {
        let mut refused = None;
        for _ in 0..ATTEMPTS_MAX {
            let Some(device) = self.live_device(door).await else {
                return "retired";
            };
            match self.attempt(door, &device).await {
                Ok(()) => return "published",
                Err(no) if no.refusal.remedy() == Remedy::Later => refused = Some(no),
                Err(no) => return self.tell(door, &device, &no).await,
            }
            tokio::time::sleep(ATTEMPT_PAUSE).await;
        }
        tracing::warn!(device = %self.device.no, ?refused, "a will could not be stored");
        "lost"
    }

    /// A device that was retired meanwhile speaks no more.
    async fn live_device(&self, door: &Door) -> Option<Arc<Device>> {
        let known = door
            .registry
            .device(self.device.account.tenant, &self.device.device_id)
            .await;
        match known {
            Ok(device) => device.filter(|device| device.no == self.device.no),
            Err(error) => {
                tracing::warn!(%error, "whether a device may still publish its will could not be checked");
                Some(Arc::clone(&self.device))
            }
        }
    }

    async fn attempt(&self, door: &Door, device: &Arc<Device>) -> Result<(), Refused> {
        let sender = Sender::Device(Arc::clone(device));
        let paper = Paper::of_will(&self.words);
        paper.attempt(&door.dispatcher, &sender).await?.await.map(|_| ())
    }

    /// There is nobody to say no to: the refusal becomes an entry of the sender's inbox, as on 3.1.1.
    async fn tell(&self, door: &Door, device: &Device, refused: &Refused) -> &'static str {
        let draft_id = envelope::peek_id(&self.words.payload).unwrap_or_default();
        let stored = match door.dispatcher.append_refusal(device, &draft_id, refused) {
            Ok(appending) => appending.await.is_ok(),
            Err(_) => false,
        };
        if stored { "refused" } else { "lost" }
    }
}

/// Counts a will: `published`, `refused`, `cancelled`, `early` (no room to wait), `retired`, `lost`.
pub(crate) fn count(outcome: &'static str) {
    metrics::counter!("mqtt_wills_total", "outcome" => outcome).increment(1);
}
