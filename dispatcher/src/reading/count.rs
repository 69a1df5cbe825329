//! Counts what an account has not read: each entry of its inbox once, when somebody asks.

use std::collections::BTreeMap;

use godwit_archive::{InboxQuery, Item};
use godwit_model::{AccountNo, ConversationKey, Refused};
use godwit_registry::{Count, MuteSubject};

use crate::Dispatcher;
use crate::failure::of_registry;
use crate::message_facts::MessageFacts;

/// What the platform calls the moment from which it counts.
pub(crate) const COUNTING: &str = "counting";
/// Entries read at once.
const PAGE: usize = 256;
const PAGE_BYTES: usize = 1024 * 1024;

impl Dispatcher {
    /// Counts up to the head of an account's inbox, and says what that is. Costs a page for each 256 new entries.
    pub(crate) async fn count_unread(&self, account: AccountNo) -> Result<u64, Refused> {
        loop {
            let counted = self.registry.counted_up_to(account).await.map_err(of_registry)?;
            let head = self.archive.head(account);
            if counted == Some(head) {
                return Ok(head);
            }
            let (page, is_last) = self.next_page(account, counted, head).await?;
            let to = if is_last {
                head
            } else {
                page.last().map_or(head, |item| item.seq)
            };
            let count = Count {
                account,
                from: counted,
                to,
                changes: self.changes(account, &page).await?,
            };
            let kept = self.registry.count_unread(&[count]).await.map_err(of_registry)?;
            if kept == [true] && to == head {
                return Ok(head);
            }
        }
    }

    /// Counts on in the inboxes of many accounts in one change: as far as one page goes in each, and as far as nobody else
    /// counts there. [`Self::count_unread`] does the rest.
    pub(crate) async fn count_ahead(&self, accounts: &[AccountNo]) -> Result<(), Refused> {
        let counted = self.registry.counted_up_to_of(accounts).await.map_err(of_registry)?;
        let mut counts = Vec::new();
        for account in accounts {
            let (from, head) = (counted.get(account).copied(), self.archive.head(*account));
            if from == Some(head) {
                continue;
            }
            let (page, is_last) = self.next_page(*account, from, head).await?;
            let last = page.last().map_or(head, |item| item.seq);
            counts.push(Count {
                account: *account,
                from,
                to: if is_last { head } else { last },
                changes: self.changes(*account, &page).await?,
            });
        }
        if !counts.is_empty() {
            self.registry.count_unread(&counts).await.map_err(of_registry)?;
        }
        Ok(())
    }

    async fn next_page(
        &self,
        account: AccountNo,
        counted: Option<u64>,
        head: u64,
    ) -> Result<(Vec<Item>, bool), Refused> {
        // What was there before the platform began to count is taken for read.
        let since_ms = match counted {
            Some(_) => None,
            None => Some(self.registry.began_at_ms(COUNTING).await.map_err(of_registry)?),
        };
        let query = InboxQuery {
            after: counted,
            before: Some(head + 1),
            since_ms,
            conversation: None,
            limit: PAGE,
            bytes_max: PAGE_BYTES,
        };
        let page = self.read(move |archive| archive.inbox(account, &query)).await?;
        let is_last = page.last().is_none_or(|item| item.seq >= head);
        Ok((page, is_last))
    }

    /// How the counts of conversations change by these entries.
    async fn changes(&self, account: AccountNo, page: &[Item]) -> Result<Vec<(ConversationKey, i64)>, Refused> {
        let mut changes: BTreeMap<ConversationKey, i64> = BTreeMap::new();
        for item in page {
            let Some(conversation) = item.record.conversation else {
                continue;
            };
            let Some(facts) = MessageFacts::of(&item.record) else {
                continue;
            };
            if facts.counts() && item.record.sender != account {
                *changes.entry(conversation).or_default() += 1;
            } else if let Some(conv_seq) = facts.withdrawn()
                && self.was_counted(account, conversation, (conv_seq, page)).await?
            {
                *changes.entry(conversation).or_default() -= 1;
            }
        }
        Ok(changes.into_iter().collect())
    }

    /// Whether a message that was taken back is among those counted as unread: one that was taken back before it was
    /// counted has no content then, and was not.
    async fn was_counted(
        &self,
        account: AccountNo,
        conversation: ConversationKey,
        (conv_seq, page): (u64, &[Item]),
    ) -> Result<bool, Refused> {
        let in_page = page
            .iter()
            .any(|item| item.record.conversation == Some(conversation) && item.record.conv_seq == conv_seq);
        if in_page {
            return Ok(false);
        }
        let state = self
            .registry
            .conversation_state(account, conversation)
            .await
            .map_err(of_registry)?;
        Ok(state.is_some_and(|state| state.read_up_to < conv_seq && state.unread > 0))
    }

    /// Messages of a conversation above a number in it, among the entries up to `counted`.
    pub(crate) async fn unread_above(
        &self,
        account: AccountNo,
        conversation: ConversationKey,
        (conv_seq, counted): (u64, u64),
    ) -> Result<u64, Refused> {
        let mut before = counted + 1;
        let mut unread = 0;
        let since_ms = Some(self.registry.began_at_ms(COUNTING).await.map_err(of_registry)?);
        loop {
            let query = InboxQuery {
                after: None,
                before: Some(before),
                since_ms: None,
                conversation: Some(conversation),
                limit: PAGE,
                bytes_max: PAGE_BYTES,
            };
            let page = self.read(move |archive| archive.inbox(account, &query)).await?;
            for item in page.iter().rev() {
                if item.record.conv_seq <= conv_seq || Some(item.record.server_time_ms) < since_ms {
                    return Ok(unread);
                }
                let counts = MessageFacts::of(&item.record).is_some_and(|facts| facts.counts());
                unread += u64::from(counts && item.record.sender != account);
            }
            match page.first() {
                Some(first) if first.seq > 1 => before = first.seq,
                _ => return Ok(unread),
            }
        }
    }

    /// What the account's badge says: messages in conversations that are not muted.
    pub(crate) async fn badge(&self, account: AccountNo) -> Result<u32, Refused> {
        self.count_unread(account).await?;
        let now_ms = self.clock.now_ms();
        let states = self.registry.conversation_states(account).await.map_err(of_registry)?;
        let mutes = self.registry.mutes(account).await.map_err(of_registry)?;
        let is_muted = |conversation| {
            let subject = MuteSubject::Conversation(conversation);
            mutes
                .iter()
                .any(|muted| muted.subject == subject && muted.mute.holds(now_ms))
        };
        let heard = states.iter().filter(|state| !is_muted(state.conversation));
        let total: u64 = heard.map(|state| state.unread).sum();
        Ok(u32::try_from(total).unwrap_or(u32::MAX))
    }
}
