//! What a connection waits for before it takes the next packet. Boxed, and only when something has to be waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use godwit_dispatcher::{Appending, Dispatcher, Reply, Sender};
use godwit_hub::{AppendError, DeviceState, Saved};
use godwit_model::refusal::Remedy;
use godwit_model::{Refusal, Refused};
use godwit_registry::{Device, Error};

use super::Member;
use crate::codec::Version;
use crate::door::Door;
use crate::paper::Paper;
use crate::session::{ConnectRefusal, Credentials, Publication, SubscriptionChange};

pub(super) type Job = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What was waited for.
pub(super) enum Done {
    Entered(Result<Member, ConnectRefusal>),
    Submitted(Submitted),
    Replied(Box<Replied>),
    Subscribed {
        change: SubscriptionChange,
        /// What was to be stored, and what the device was before.
        state: DeviceState,
        before: Option<DeviceState>,
        outcome: Result<(), Refusal>,
    },
}

/// A draft, or the refusal of one, that was queued for the disk or could not be.
pub(super) struct Submitted {
    pub(super) ticket: u64,
    pub(super) draft_id: Box<str>,
    pub(super) is_refusal: bool,
    pub(super) outcome: Result<Appending, Refused>,
}

pub(super) struct Replied {
    pub(super) ticket: u64,
    pub(super) reply: Reply,
    pub(super) response_topic: Option<Box<str>>,
    pub(super) correlation_data: Option<Box<[u8]>>,
}

/// How long a 3.1.1 client, which cannot be refused for now, is kept waiting between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long a session waits at most for the one it takes over to leave; usually that is no time at all.
const TAKEOVER_PATIENCE: Duration = Duration::from_secs(2);

/// Checks who the client is.
pub(super) fn authenticate(door: &Arc<Door>, credentials: &Credentials<'_>) -> Job {
    let door = Arc::clone(door);
    let account = credentials.account.to_owned();
    let token = credentials.device_token.to_owned();
    let device_id = credentials.device_id.to_owned();
    let clean_start = credentials.clean_start;
    Box::pin(async move {
        // The client id is compared here: a wrong one has a code of its own.
        let outcome = match door.registry.authenticate_device(&account, &token, None).await {
            Ok(device) if *device.device_id == *device_id => {
                attach(&door, device, (&account, &token), clean_start).await
            }
            Ok(_) => Err(ConnectRefusal::WrongClientId),
            Err(error) => Err(not_let_in(&error)),
        };
        Done::Entered(outcome)
    })
}

/// Connects the session to its mailbox, waits until an older one of the device has left, and then looks once more: a
/// device that was retired in between was told to close before it could hear it.
async fn attach(
    door: &Door,
    device: Arc<Device>,
    (account, token): (&str, &str),
    clean_start: bool,
) -> Result<Member, ConnectRefusal> {
    let sessions_max = door.settings.connections_per_account_max;
    let attachment = door.hub.attach(device.account.no, device.no, clean_start, sessions_max);
    let mut attachment = attachment.ok_or(ConnectRefusal::TooManyConnections)?;
    // So that what the older one sent, acknowledged and left behind is known when this one begins.
    if tokio::time::timeout(TAKEOVER_PATIENCE, attachment.alone())
        .await
        .is_err()
    {
        tracing::warn!(device = %device.no, "an older session does not leave");
    }
    match door.registry.authenticate_device(account, token, None).await {
        Ok(_) => Ok(Member {
            device,
            attachment,
            clean_start,
            sent_before: 0,
        }),
        Err(error) => Err(not_let_in(&error)),
    }
}

/// Why a client is not let in; one of a suspended tenant may be later, with the same credentials.
fn not_let_in(error: &Error) -> ConnectRefusal {
    match error.refusal() {
        Some(Refusal::TenantSuspended) => ConnectRefusal::Unavailable,
        Some(_) => ConnectRefusal::WrongCredentials,
        None => {
            tracing::error!(%error, "credentials could not be checked");
            ConnectRefusal::Unavailable
        }
    }
}

/// The attempt that had to wait. A 3.1.1 client feels back-pressure until the platform takes the draft or refuses it
/// for good.
pub(super) fn submit(door: &Arc<Door>, sender: Sender, publication: &Publication<'_>, draft_id: Box<str>) -> Job {
    let dispatcher = door.dispatcher.clone();
    let stored = Paper::of_publication(publication).store();
    let (ticket, version) = (publication.ticket, publication.version);
    Box::pin(async move {
        let outcome = loop {
            let outcome = stored.paper().attempt(&dispatcher, &sender).await;
            if version == Version::V5 || !may_pass(&outcome) {
                break outcome;
            }
            pause(&dispatcher).await;
        };
        Done::Submitted(Submitted {
            ticket,
            draft_id,
            is_refusal: false,
            outcome,
        })
    })
}

/// Stores the refusal of a draft where that has to wait for room.
pub(super) fn refuse(door: &Arc<Door>, device: Arc<Device>, ticket: u64, draft_id: Box<str>, refused: Refused) -> Job {
    let dispatcher = door.dispatcher.clone();
    Box::pin(async move {
        let outcome = loop {
            let outcome = dispatcher.append_refusal(&device, &draft_id, &refused);
            if !may_pass(&outcome) {
                break outcome;
            }
            pause(&dispatcher).await;
        };
        Done::Submitted(Submitted {
            ticket,
            draft_id,
            is_refusal: true,
            outcome,
        })
    })
}

fn may_pass(outcome: &Result<Appending, Refused>) -> bool {
    outcome
        .as_ref()
        .is_err_and(|refused| refused.refusal.remedy() == Remedy::Later)
}

async fn pause(dispatcher: &Dispatcher) {
    dispatcher.room().await;
    tokio::time::sleep(RETRY_PAUSE).await;
}

/// Answers a JSON-RPC request.
pub(super) fn request(door: &Arc<Door>, device: Arc<Device>, publication: &Publication<'_>) -> Job {
    let dispatcher = door.dispatcher.clone();
    let payload = publication.payload.to_vec();
    let ticket = publication.ticket;
    let response_topic = publication.response_topic.map(Into::into);
    let correlation_data = publication.correlation_data.map(Into::into);
    Box::pin(async move {
        let reply = dispatcher.request(&device, &payload).await;
        Done::Replied(Box::new(Replied {
            ticket,
            reply,
            response_topic,
            correlation_data,
        }))
    })
}

/// Waits until the subscriptions are stored.
pub(super) fn subscribed(
    (saved, before): (Saved, Option<DeviceState>),
    change: SubscriptionChange,
    state: DeviceState,
) -> Job {
    Box::pin(async move {
        let outcome = saved.await.map_err(|error| {
            tracing::warn!(%error, "subscriptions could not be stored");
            of_save(&error)
        });
        Done::Subscribed {
            change,
            state,
            before,
            outcome,
        }
    })
}

/// Why subscriptions could not be stored, as the client hears it.
pub(super) fn of_save(error: &AppendError) -> Refusal {
    match error {
        AppendError::StorageFull => Refusal::StorageFull,
        _ => Refusal::Overloaded,
    }
}
