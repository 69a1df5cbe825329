//! What readers said: how far they have read, what is muted, when it is quiet, how much a notification may tell.

use std::collections::HashMap;

use godwit_model::{AccountNo, ConversationKey, PushWishes};
use godwit_store::{ConversationState, Count, MuteSubject, Muted};

use crate::error::Error;
use crate::registry::Registry;

impl Registry {
    /// What an account knows of its conversations, in the order of their names.
    pub async fn conversation_states(&self, account: AccountNo) -> Result<Vec<ConversationState>, Error> {
        Ok(self.0.store.conversation_states(account).await?)
    }

    /// What an account knows of one conversation.
    pub async fn conversation_state(
        &self,
        account: AccountNo,
        conversation: ConversationKey,
    ) -> Result<Option<ConversationState>, Error> {
        Ok(self.0.store.conversation_state(account, conversation).await?)
    }

    /// Up to which number of an account's inbox messages were counted; `None` before the first count.
    pub async fn counted_up_to(&self, account: AccountNo) -> Result<Option<u64>, Error> {
        Ok(self.0.store.counted_up_to(account).await?)
    }

    /// The same of several accounts; those whose messages were never counted are missing.
    pub async fn counted_up_to_of(&self, accounts: &[AccountNo]) -> Result<HashMap<AccountNo, u64>, Error> {
        Ok(self.0.store.counted_up_to_of(accounts).await?)
    }

    /// Notes what was counted in inboxes; `false` for those where somebody else counted meanwhile.
    pub async fn count_unread(&self, counts: &[Count]) -> Result<Vec<bool>, Error> {
        Ok(self.0.store.count_unread(counts).await?)
    }

    /// Notes how far a conversation was read; `Some(false)` where it was read that far before, `None` where messages
    /// were counted meanwhile.
    pub async fn mark_read(
        &self,
        account: AccountNo,
        read: &ConversationState,
        counted_up_to: Option<u64>,
    ) -> Result<Option<bool>, Error> {
        Ok(self.0.store.mark_read(account, read, counted_up_to).await?)
    }

    /// Mutes something, or lets it be heard again.
    pub async fn set_mute(
        &self,
        account: AccountNo,
        subject: MuteSubject,
        mute: Option<godwit_model::Mute>,
    ) -> Result<(), Error> {
        Ok(self.0.store.set_mute(account, subject, mute).await?)
    }

    /// What an account has muted.
    pub async fn mutes(&self, account: AccountNo) -> Result<Vec<Muted>, Error> {
        Ok(self.0.store.mutes(account).await?)
    }

    /// What accounts have muted; those that muted nothing are missing.
    pub async fn mutes_of(&self, accounts: &[AccountNo]) -> Result<HashMap<AccountNo, Vec<Muted>>, Error> {
        Ok(self.0.store.mutes_of(accounts).await?)
    }

    /// What accounts wish of their vendors' pushes; those who said nothing are missing.
    pub async fn push_wishes_of(&self, accounts: &[AccountNo]) -> Result<HashMap<AccountNo, PushWishes>, Error> {
        Ok(self.0.store.push_wishes_of(accounts).await?)
    }

    /// What an account wishes of its vendors' pushes.
    pub async fn push_wishes(&self, account: AccountNo) -> Result<PushWishes, Error> {
        Ok(self.0.store.push_wishes(account).await?)
    }

    /// Notes what an account wishes of its vendors' pushes.
    pub async fn set_push_wishes(&self, account: AccountNo, wishes: &PushWishes) -> Result<(), Error> {
        Ok(self.0.store.set_push_wishes(account, wishes).await?)
    }
}
