//! Sending: a draft is handed over when it is on the disk, and then it is the outbox's.

use serde_json::json;

use super::Client;
use crate::draft::Draft;
use crate::error::Error;
use crate::message::{Message, Outgoing, OutgoingState};
use crate::store::Waiting;

impl Client {
    /// Hands a draft over. It is on this device's disk when this returns; the answer is its id. It goes out when there
    /// is a connection, as often as it takes, and [`crate::Event::Outgoing`] tells how far it got.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what the platform would never take, [`Error::OutboxFull`], [`Error::NotRegistered`].
    pub async fn send(&self, draft: Draft) -> Result<String, Error> {
        let shared = self.shared();
        let account = shared.account()?;
        let (id, now_ms) = (shared.fresh_id()?, shared.config.clock.now_ms());
        let waiting = Waiting {
            draft: draft.to_json(&id, now_ms)?,
            address: draft.destination(),
            id: id.clone(),
        };
        shared
            .on_store(move |store| store.enqueue(account.no, &waiting, now_ms))
            .await?;
        shared.outbox_changed.notify_one();
        self.tell_queued(&id, draft, now_ms);
        Ok(id)
    }

    fn tell_queued(&self, id: &str, draft: Draft, created_ms: u64) {
        self.shared().tell(crate::Event::Outgoing(Box::new(Outgoing {
            id: id.to_owned(),
            address: draft.destination(),
            content: Some(draft.content),
            created_ms,
            state: OutgoingState::Queued,
        })));
    }

    /// How far a draft got, by its id. `None` for an id that is not one of a draft of this device.
    pub async fn outgoing(&self, id: &str) -> Result<Option<Outgoing>, Error> {
        let account = self.shared().account()?;
        let id = id.to_owned();
        self.shared()
            .on_store(move |store| {
                if let Some(outgoing) = store.outgoing(account.no, &id)? {
                    return Ok(Some(outgoing));
                }
                let me = &account.profile.user_id;
                let message = store.own(account.no, me, &id)?.and_then(|row| Message::of(row, me));
                Ok(message.map(accepted))
            })
            .await
    }

    /// Drafts that are not settled, or were refused, in the order they were handed over: to one address, or all.
    pub async fn unsettled(&self, address: Option<&str>) -> Result<Vec<Outgoing>, Error> {
        let account = self.shared().account()?;
        let address = address.map(crate::draft::canonical);
        self.shared()
            .on_store(move |store| store.unsettled(account.no, address.as_deref()))
            .await
    }

    /// Forgets a refused draft. False if there is none of this id.
    pub async fn discard(&self, id: &str) -> Result<bool, Error> {
        let account = self.shared().account()?;
        let id = id.to_owned();
        let dropped = self
            .shared()
            .on_store(move |store| store.discard(account.no, &id))
            .await?;
        Ok(dropped.is_some())
    }

    /// Recalls a message of one's own, by the platform's id of it, while the platform allows. Every device that has
    /// it is told by an entry of the inbox, this one, too.
    ///
    /// # Errors
    /// [`Error::Refused`], `not_found` where the platform cannot recall.
    pub async fn recall(&self, server_id: &str) -> Result<(), Error> {
        let _: serde_json::Value = self.ask("message.recall", json!({ "serverId": server_id })).await?;
        Ok(())
    }
}

fn accepted(message: Message) -> Outgoing {
    Outgoing {
        id: message.id,
        address: message.address,
        content: None,
        created_ms: message
            .timestamp
            .and_then(|ms| u64::try_from(ms).ok())
            .unwrap_or_default(),
        state: OutgoingState::Accepted {
            server_id: message.server_id,
            conv: message.conv,
            conv_seq: message.conv_seq,
            seq: message.seq,
        },
    }
}
