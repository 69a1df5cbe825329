//! Where the records of segments are: by inbox, by conversation, by server id and by duplicate key.

use godwit_model::{AccountNo, ConversationKey, ServerId};

use crate::query::ReadError;
use crate::segment::Location;

pub(crate) mod active;
mod lines;
pub(crate) mod mender;
pub(crate) mod merger;
pub(crate) mod sealed;
pub(crate) mod sealer;

/// A numbered line of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Inbox(AccountNo),
    Conversation(ConversationKey),
}

/// One number of a line and where its record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) seq: u64,
    /// When the number was given; never goes back along a line.
    pub(crate) time_ms: u64,
    /// Tag of the record's conversation.
    pub(crate) tag: u32,
    pub(crate) location: Location,
}

/// Which part of a line is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Lowest number, inclusive.
    pub(crate) low: u64,
    /// Highest number, inclusive.
    pub(crate) high: u64,
    /// Earliest time; 0 is any.
    pub(crate) since_ms: u64,
    /// Only records with this tag.
    pub(crate) tag: Option<u32>,
    pub(crate) limit: usize,
    /// The lowest numbers first, or the highest.
    pub(crate) forward: bool,
}

impl Window {
    /// The last posting of a line.
    pub(crate) const LAST: Self = Self {
        low: 0,
        high: u64::MAX,
        since_ms: 0,
        tag: None,
        limit: 1,
        forward: false,
    };

    fn takes(&self, posting: &Posting) -> bool {
        self.tag.is_none_or(|tag| tag == posting.tag)
    }
}

/// The index of one segment, or of several that follow each other.
pub(crate) trait Index {
    /// The lowest and the highest segment it covers.
    fn range(&self) -> (u64, u64);
    /// When its last number was given.
    fn last_ms(&self) -> u64;
    /// Up to `limit` postings in the order the window asks for.
    fn postings(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError>;
    /// The newest message; 0 if there is none.
    fn last_id(&self) -> ServerId;
    /// Up to `limit` messages after one, or after where it was, in the order of the log.
    fn messages_after(&self, after: ServerId, limit: usize) -> Result<Vec<(ServerId, Location)>, ReadError>;
    /// Where a message is.
    fn message(&self, id: ServerId) -> Result<Option<Location>, ReadError>;
    /// Where the newest record with this duplicate key is.
    fn original(&self, key: u128) -> Result<Option<Location>, ReadError>;
    /// The last number of a conversation; `None` if there is none here.
    fn conversation_head(&self, conversation: ConversationKey) -> Result<Option<u64>, ReadError>;
}
