//! Users who ask to join a group that approves of each.

use godwit_model::limits::JOIN_REQUESTS_MAX;
use godwit_model::{AccountNo, GroupNo, Refusal};
use godwit_store::JoinAsked;
pub use godwit_store::JoinRequest;

use crate::error::Error;
use crate::registry::Registry;

impl Registry {
    /// Keeps that an account asks to join a group; says whether it did not before.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`] while too many ask this group.
    pub async fn ask_to_join(&self, no: GroupNo, account: AccountNo) -> Result<bool, Error> {
        let most = JOIN_REQUESTS_MAX as u64;
        match self.0.store.ask_to_join(no, account, most, self.now_ms()).await? {
            JoinAsked::Kept(is_new) => Ok(is_new),
            JoinAsked::NoGroup => Err(Refusal::GroupNotFound.into()),
            JoinAsked::TooMany => {
                let detail = format!("{most} users ask to join this group already");
                Err(Error::refused(Refusal::RateLimited, detail))
            }
        }
    }

    /// Who asks to join a group, in the order of their ids; those after `after`.
    pub async fn join_requests(&self, no: GroupNo, after: &str, limit: u64) -> Result<Vec<JoinRequest>, Error> {
        Ok(self.0.store.join_requests(no, after, limit).await?)
    }

    /// Whether an account asks to join a group.
    pub async fn asks_to_join(&self, no: GroupNo, account: AccountNo) -> Result<bool, Error> {
        Ok(self.0.store.asks_to_join(no, account).await?)
    }

    /// Forgets that an account asks to join a group; says whether it did.
    pub async fn forget_join_request(&self, no: GroupNo, account: AccountNo) -> Result<bool, Error> {
        Ok(self.0.store.forget_join_request(no, account).await?)
    }
}
