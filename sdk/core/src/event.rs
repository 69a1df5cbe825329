//! What a client tells the app as it happens. Losing an event loses no data: the local table has it.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::message::{Message, Outgoing};

/// Events kept for an app that is slow; older ones are lost and counted.
pub(crate) const EVENTS_MAX: usize = 1024;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The connection is in another state.
    Connection(ConnectionState),
    /// A message of the inbox is in the local table: somebody else's, or one's own with its numbers.
    Message(Box<Message>),
    /// A draft got further.
    Outgoing(Box<Outgoing>),
    /// The content of an entry is gone: recalled, erased or expired.
    Gone {
        /// The entry.
        seq: u64,
        /// Its conversation, if the local table knew the message.
        conv: Option<String>,
        /// Why, for people.
        reason: String,
    },
    /// Entries that are no longer kept by the platform; the local table goes on behind them.
    Gap {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Everything the platform had when the connection began is in the local table.
    CaughtUp {
        /// The last entry without a gap.
        cursor: u64,
    },
    /// A hint of the platform that is stored nowhere: typing, presence, receipts.
    Hint {
        /// Its kind.
        kind: String,
        /// The hint, a JSON object.
        json: String,
    },
    /// So many events were lost because the app was slow. It should read the table again.
    Missed(u64),
}

/// How the connection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not connected, and not asked to be.
    #[default]
    Offline,
    /// On the way.
    Connecting,
    /// Connected and subscribed.
    Online,
    /// Not connected; tried again after a while, or at once when the network changes.
    Waiting {
        /// After so many milliseconds.
        retry_ms: u64,
        /// What ended the last attempt, for people.
        reason: String,
    },
    /// Another connection of the same device took over. Not tried again until the app asks.
    TakenOver,
    /// The platform does not accept the credentials. Not tried again: the app registers with a new ticket.
    Unauthorized {
        /// For people.
        detail: String,
    },
    /// It cannot work as configured. Not tried again until the app asks.
    Failed {
        /// For people.
        detail: String,
    },
}

/// A stream of events. Each one that is made begins with what happens from then on.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

impl Events {
    pub(crate) fn new(receiver: broadcast::Receiver<Event>) -> Self {
        Self(receiver)
    }

    /// The next event; `None` when the client is gone. Dropping the wait loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(lost)) => Some(Event::Missed(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}
