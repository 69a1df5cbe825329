//! How far an account has read, and what it has not: said by one device, true for all of them.

mod count;

pub(crate) use count::COUNTING;

use godwit_archive::InboxQuery;
use godwit_model::{AccountNo, ConversationKey, Mute, PushWishes, Refusal, Refused};
use godwit_registry::{Account, ConversationState, Device, MuteSubject, Muted};
use serde::Serialize;

use crate::Dispatcher;
use crate::events::EventKind;
use crate::failure::of_registry;

/// How often a count that others disturb is tried again.
const ATTEMPTS: usize = 8;

/// What an account has not read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Messages in all conversations that are not muted.
    pub total: u64,
    /// Every conversation of which something was read, is unread, or is muted.
    pub conversations: Vec<UnreadConversation>,
}

/// What an account has not read of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadConversation {
    /// The conversation.
    pub conv: String,
    /// Everything up to this `convSeq` was read.
    pub read_up_to: u64,
    /// Messages above it that others wrote.
    pub unread: u64,
    /// Whether it is muted now.
    pub muted: bool,
    /// Until when, in milliseconds since 1970, where that has an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<u64>,
}

/// What an account's other devices are told when one of them has read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadEvent<'a> {
    event: &'static str,
    conv: &'a str,
    up_to: u64,
    unread: u64,
    total: u64,
}

/// What others are told of an account that has read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Read<'a> {
    user_id: &'a str,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    conv: &'a str,
    up_to: u64,
}

impl Dispatcher {
    /// Notes that an account has read a conversation up to a number in it. Told to the account's other devices; what
    /// was pushed of it is taken back. A lower number than before changes nothing.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a conversation of which the account has nothing, [`Refusal::InvalidField`] for a number
    /// above what it has of it.
    pub async fn read_up_to(
        &self,
        account: &Account,
        reader: Option<&Device>,
        (conversation, up_to): (ConversationKey, u64),
    ) -> Result<Unread, Refused> {
        let head = self.newest_of(account.no, conversation).await?;
        if up_to == 0 || up_to > head {
            let detail = format!("`upTo` must be from 1 to {head}, the last `convSeq` in this inbox");
            return Err(Refused::new(Refusal::InvalidField, detail));
        }
        let moved = self.mark_read(account.no, conversation, up_to).await?;
        self.tell_read(account, reader, (conversation, up_to)).await;
        let unread = self.unread(account).await?;
        if moved {
            let conv = conversation.to_string();
            let state = unread.conversations.iter().find(|state| state.conv == conv);
            let event = ReadEvent {
                event: "read",
                conv: &conv,
                up_to,
                unread: state.map_or(0, |state| state.unread),
                total: unread.total,
            };
            if let Ok(json) = serde_json::to_vec(&event) {
                self.hub.tell(account.no, reader.map(|device| device.no), &json.into());
            }
            let who = (account, reader.map(|device| device.no));
            self.push_read_elsewhere(who, conversation, up_to).await;
        }
        Ok(unread)
    }

    /// Tells others that an account has read. Told whether that is new or not: who heard no answer asks again.
    async fn tell_read(
        &self,
        account: &Account,
        reader: Option<&Device>,
        (conversation, up_to): (ConversationKey, u64),
    ) {
        let conv = conversation.to_string();
        let key = format!("{} {conv} {up_to}", account.no);
        let read = Read {
            user_id: account.user.as_str(),
            account: &account.account_id,
            device_id: reader.map(|reader| &*reader.device_id),
            conv: &conv,
            up_to,
        };
        self.tell_event(account.tenant, EventKind::ReceiptRead, &read, Some(&key))
            .await;
    }

    /// The highest number of a conversation in an account's inbox.
    async fn newest_of(&self, account: AccountNo, conversation: ConversationKey) -> Result<u64, Refused> {
        let query = InboxQuery {
            after: None,
            before: None,
            since_ms: None,
            conversation: Some(conversation),
            limit: 1,
            bytes_max: usize::MAX,
        };
        let page = self.read(move |archive| archive.inbox(account, &query)).await?;
        let newest = page.last().map(|item| item.record.conv_seq);
        newest.ok_or_else(|| Refused::new(Refusal::NotFound, "nothing of this conversation is in this inbox"))
    }

    async fn mark_read(&self, account: AccountNo, conversation: ConversationKey, up_to: u64) -> Result<bool, Refused> {
        for _ in 0..ATTEMPTS {
            let counted = self.count_unread(account).await?;
            let unread = self.unread_above(account, conversation, (up_to, counted)).await?;
            let read = ConversationState {
                conversation,
                read_up_to: up_to,
                unread,
            };
            let marked = self.registry.mark_read(account, &read, Some(counted)).await;
            if let Some(moved) = marked.map_err(of_registry)? {
                return Ok(moved);
            }
        }
        Err(Refused::new(
            Refusal::Overloaded,
            "messages come too fast to count them; try again",
        ))
    }

    /// What an account has not read, counted up to this moment.
    pub async fn unread(&self, account: &Account) -> Result<Unread, Refused> {
        self.count_unread(account.no).await?;
        let states = self
            .registry
            .conversation_states(account.no)
            .await
            .map_err(of_registry)?;
        let mutes = self.registry.mutes(account.no).await.map_err(of_registry)?;
        Ok(sum_up(states, &mutes, self.clock.now_ms()))
    }

    /// Mutes a conversation, or lets it be heard again.
    pub async fn mute_conversation(
        &self,
        account: &Account,
        conversation: ConversationKey,
        mute: Option<Mute>,
    ) -> Result<(), Refused> {
        self.newest_of(account.no, conversation).await?;
        let subject = MuteSubject::Conversation(conversation);
        self.registry
            .set_mute(account.no, subject, mute)
            .await
            .map_err(of_registry)
    }

    /// Mutes whatever a user says, or lets it be heard again.
    pub async fn mute_sender(&self, account: &Account, sender: &Account, mute: Option<Mute>) -> Result<(), Refused> {
        let subject = MuteSubject::Sender(sender.no);
        self.registry
            .set_mute(account.no, subject, mute)
            .await
            .map_err(of_registry)
    }

    /// What an account wishes of its vendors' pushes.
    pub async fn push_wishes(&self, account: &Account) -> Result<PushWishes, Refused> {
        self.registry.push_wishes(account.no).await.map_err(of_registry)
    }

    /// Notes what an account wishes of its vendors' pushes.
    pub async fn set_push_wishes(&self, account: &Account, wishes: &PushWishes) -> Result<(), Refused> {
        self.registry
            .set_push_wishes(account.no, wishes)
            .await
            .map_err(of_registry)
    }
}

fn sum_up(states: Vec<ConversationState>, mutes: &[Muted], now_ms: u64) -> Unread {
    let mute_of = |conversation| {
        let subject = MuteSubject::Conversation(conversation);
        let found = mutes.iter().find(|muted| muted.subject == subject);
        found.map(|muted| muted.mute).filter(|mute| mute.holds(now_ms))
    };
    let mut unread = Unread::default();
    for state in states {
        let mute = mute_of(state.conversation);
        if mute.is_none() {
            unread.total += state.unread;
        }
        unread.conversations.push(UnreadConversation {
            conv: state.conversation.to_string(),
            read_up_to: state.read_up_to,
            unread: state.unread,
            muted: mute.is_some(),
            muted_until: mute.and_then(|mute| mute.until_ms),
        });
    }
    for muted in mutes.iter().filter(|muted| muted.mute.holds(now_ms)) {
        let MuteSubject::Conversation(conversation) = muted.subject else {
            continue;
        };
        let conv = conversation.to_string();
        if unread.conversations.iter().all(|known| known.conv != conv) {
            unread.conversations.push(UnreadConversation {
                conv,
                read_up_to: 0,
                unread: 0,
                muted: true,
                muted_until: muted.mute.until_ms,
            });
        }
    }
    unread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_muted_conversation_is_shown_and_not_counted() {
        let (loud, still) = (
            ConversationKey::single(AccountNo(1), AccountNo(2)),
            ConversationKey::single(AccountNo(1), AccountNo(3)),
        );
        let state = |conversation| ConversationState {
            conversation,
            read_up_to: 1,
            unread: 3,
        };
        let mute = |until_ms| Muted {
            subject: MuteSubject::Conversation(still),
            mute: Mute {
                until_ms,
                mentions: false,
            },
        };
        let states = vec![state(loud), state(still)];
        let unread = sum_up(states.clone(), &[mute(Some(10))], 5);
        assert_eq!((unread.total, unread.conversations.len()), (3, 2));
        assert!(unread.conversations[1].muted);
        assert_eq!(sum_up(states, &[mute(Some(10))], 10).total, 6);
        assert_eq!(sum_up(Vec::new(), &[mute(None)], 5).conversations.len(), 1);
    }
}
