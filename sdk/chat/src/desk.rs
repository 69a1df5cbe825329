//! What the screen shows and the keys change; no terminal, no network.

use godwit_sdk::{ConnectionState, Conversation, Message, Outgoing};

use crate::composer::Composer;

/// A conversation in the list.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) address: String,
    pub(crate) unread: u64,
    pub(crate) preview: String,
    /// Something was typed there and not sent.
    pub(crate) has_unsent: bool,
}

/// What the screen shows.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// Who uses it; empty until the device is registered.
    pub(crate) me: String,
    pub(crate) connection: ConnectionState,
    pub(crate) rows: Vec<Row>,
    /// The address of the open conversation.
    pub(crate) open: Option<String>,
    /// Its id, once there is a message in it.
    pub(crate) conv: Option<String>,
    /// Its messages, oldest first.
    pub(crate) messages: Vec<Message>,
    /// Its drafts that are no messages yet.
    pub(crate) waiting: Vec<Outgoing>,
    pub(crate) composer: Composer,
    /// How many lines the thread is scrolled up.
    pub(crate) scroll: usize,
    /// The last thing worth saying.
    pub(crate) notice: Option<String>,
    pub(crate) shows_help: bool,
}

impl Desk {
    /// Takes the list out of the local table; the open conversation is in it even before its first message.
    pub(crate) fn list(&mut self, conversations: &[Conversation], has_unsent: impl Fn(&str) -> bool) {
        let row = |address: &str, unread: u64, preview: String| Row {
            address: address.to_owned(),
            unread,
            preview,
            has_unsent: has_unsent(address),
        };
        let named = conversations.iter().filter(|listed| !listed.address.is_empty());
        self.rows = named
            .map(|listed| {
                let preview = listed.last.as_ref().map(crate::screen::wording::preview);
                row(&listed.address, listed.unread, preview.unwrap_or_default())
            })
            .collect();
        if let Some(open) = &self.open {
            let conversation = conversations.iter().find(|listed| listed.address == *open);
            self.conv = conversation.map(|listed| listed.conv.clone());
            if conversation.is_none() {
                self.rows.insert(0, row(open, 0, String::new()));
            }
        }
    }

    /// The address so many rows below the open one, or above it; the list has no end.
    pub(crate) fn neighbour(&self, down: bool) -> Option<String> {
        let at = self
            .rows
            .iter()
            .position(|row| Some(&row.address) == self.open.as_ref());
        let count = self.rows.len();
        let next = match (at, down) {
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
            (None, _) => 0,
        };
        self.rows.get(next).map(|row| row.address.clone())
    }

    /// The newest message of one's own that can be taken back.
    pub(crate) fn newest_own(&self) -> Option<&Message> {
        let own = |message: &&Message| message.is_mine && message.gone.is_none() && !message.server_id.is_empty();
        self.messages.iter().rev().find(own)
    }

    /// The group that is open.
    pub(crate) fn open_group(&self) -> Option<&str> {
        self.open.as_deref()?.strip_prefix("g:")
    }

    pub(crate) fn say(&mut self, notice: impl Into<String>) {
        self.notice = Some(notice.into());
    }
}
