//! Broadcasts as they are kept. What they say, and how they are sent, is the dispatcher's business.

use godwit_model::{AccountNo, ConversationKey, DeviceNo, Refusal, TenantNo};
pub use godwit_store::{BroadcastCommand, BroadcastRecord, BroadcastState, NewBroadcast, PageSent, Step};
use godwit_store::{Expected, Versioned};

use crate::error::Error;
use crate::registry::Registry;

impl Registry {
    /// Keeps a broadcast; where its author has one under the same draft id, that one is the answer, and `false`.
    pub async fn keep_broadcast(&self, new: &NewBroadcast) -> Result<(BroadcastRecord, bool), Error> {
        Ok(self.0.store.keep_broadcast(new).await?)
    }

    /// A broadcast of a tenant.
    pub async fn broadcast(&self, tenant: TenantNo, id: &str) -> Result<Option<BroadcastRecord>, Error> {
        Ok(self.0.store.broadcast(tenant, id).await?)
    }

    /// Broadcasts of a tenant in the order of their ids, those after `after`; only those in a state, if one is named.
    pub async fn broadcasts(
        &self,
        tenant: TenantNo,
        state: Option<BroadcastState>,
        after: &str,
        limit: u64,
    ) -> Result<Vec<BroadcastRecord>, Error> {
        Ok(self.0.store.broadcasts(tenant, state, after, limit).await?)
    }

    /// Pauses, resumes or cancels a broadcast; where it is so already nothing changes.
    ///
    /// # Errors
    /// [`Refusal::TooLate`] when it is over, [`Error::Differs`] when it is not as expected.
    pub async fn command_broadcast(
        &self,
        (tenant, id): (TenantNo, &str),
        command: BroadcastCommand,
        expected: Expected,
    ) -> Result<BroadcastRecord, Error> {
        let done = self
            .0
            .store
            .command_broadcast((tenant, id), command, expected, self.now_ms());
        match done.await? {
            Some(Versioned::Done(record)) => Ok(record),
            Some(Versioned::Differs) => Err(Error::Differs),
            Some(Versioned::Absent) => Err(Error::refused(Refusal::NotFound, format!("no broadcast {id:?}"))),
            None => Err(Refusal::TooLate.into()),
        }
    }

    /// The broadcasts that have something to do, the oldest first.
    pub async fn broadcasts_under_way(&self) -> Result<Vec<BroadcastRecord>, Error> {
        Ok(self.0.store.broadcasts_under_way().await?)
    }

    /// Takes a broadcast further: notes the page that was sent, and does the next step if its state still allows it.
    pub async fn step_broadcast(
        &self,
        no: u64,
        sent: Option<&PageSent>,
        step: Option<&Step>,
    ) -> Result<BroadcastRecord, Error> {
        let stepped = self.0.store.step_broadcast(no, sent, step, self.now_ms()).await?;
        stepped.ok_or_else(|| Error::Internal(format!("broadcast {no} is there no more")))
    }

    /// The server's ids of the messages of a broadcast's pages, those from `from` on.
    pub async fn broadcast_pages(&self, no: u64, from: u64, limit: u64) -> Result<Vec<String>, Error> {
        Ok(self.0.store.broadcast_pages(no, from, limit).await?)
    }

    /// The live devices of these accounts, each with its account.
    pub async fn devices_of_all(&self, accounts: &[AccountNo]) -> Result<Vec<(AccountNo, DeviceNo)>, Error> {
        Ok(self.0.store.devices_of_all(accounts).await?)
    }

    /// How many of these accounts have read a conversation up to this number.
    pub async fn count_readers(
        &self,
        conversation: ConversationKey,
        conv_seq: u64,
        accounts: &[AccountNo],
    ) -> Result<u64, Error> {
        Ok(self.0.store.count_readers(conversation, conv_seq, accounts).await?)
    }

    /// What the ledger says of the pushes of a message: the account and the outcome of each line, each pair once.
    pub async fn push_outcomes(&self, server_id: &str) -> Result<Vec<(AccountNo, String)>, Error> {
        Ok(self.0.store.push_outcomes(server_id).await?)
    }
}
