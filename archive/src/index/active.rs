//! The index of a segment in memory: of the one being written, and of one that waits to be sealed.

use godwit_model::{AccountNo, ConversationKey, DeviceNo, ServerId};

use super::lines::Postings;
use super::{Index, Line, Posting, Window};
use crate::device::DeviceState;
use crate::device::states::DeviceChanges;
use crate::marks::Mark;
use crate::query::ReadError;
use crate::record::{Record, conversation_tag};
use crate::segment::{Location, Segment};
use crate::state::{Map, Standing};

/// Everything the segment says, findable.
pub(crate) struct ActiveIndex {
    segment: Segment,
    pub(super) inboxes: Map<AccountNo, Postings>,
    pub(super) conversations: Map<ConversationKey, Postings>,
    /// Ids ascend, because the writer gives them so.
    pub(super) messages: Vec<(ServerId, u32)>,
    pub(super) originals: Map<u128, u32>,
    pub(super) devices: DeviceChanges,
    pub(super) marks: Map<ServerId, Mark>,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    /// As of the last record, set when the segment ends.
    pub(super) standing: Standing,
}

impl ActiveIndex {
    pub(crate) fn new(segment: Segment) -> Self {
        Self {
            segment,
            inboxes: Map::default(),
            conversations: Map::default(),
            messages: Vec::new(),
            originals: Map::default(),
            devices: DeviceChanges::default(),
            marks: Map::default(),
            first_ms: u64::MAX,
            last_ms: 0,
            standing: Standing::default(),
        }
    }

    /// The segment itself.
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// When its first number was given; `None` if none was.
    pub(crate) fn first_ms(&self) -> Option<u64> {
        (self.first_ms <= self.last_ms).then_some(self.first_ms)
    }

    fn see_time(&mut self, time_ms: u64) {
        self.first_ms = self.first_ms.min(time_ms);
        self.last_ms = self.last_ms.max(time_ms);
    }

    /// Adds a message or an intent that stands at `offset`.
    pub(crate) fn add_record(&mut self, record: &Record, duplicate_key: Option<u128>, offset: u32) {
        let location = Location {
            segment: self.segment.no,
            offset,
        };
        self.see_time(record.server_time_ms);
        self.messages.push((record.server_id, offset));
        if let Some(key) = duplicate_key {
            self.originals.insert(key, offset);
        }
        if let Some(conversation) = record.conversation {
            let posting = Posting {
                seq: record.conv_seq,
                time_ms: record.server_time_ms,
                tag: conversation_tag(record.conversation),
                location,
            };
            self.add_conversation_number(conversation, &posting);
        }
    }

    /// Adds one number of a conversation.
    pub(crate) fn add_conversation_number(&mut self, conversation: ConversationKey, posting: &Posting) {
        let line = self.conversations.entry(conversation);
        line.and_modify(|postings| postings.push(posting))
            .or_insert_with(|| Postings::new(posting));
    }

    /// Adds one number of an inbox.
    pub(crate) fn add_number(&mut self, account: AccountNo, posting: Posting) {
        self.see_time(posting.time_ms);
        let line = self.inboxes.entry(account);
        line.and_modify(|postings| postings.push(&posting))
            .or_insert_with(|| Postings::new(&posting));
    }

    /// Adds what became of a device.
    pub(crate) fn add_device(&mut self, device: DeviceNo, state: Option<DeviceState>) {
        self.devices.set(device, state);
    }

    /// Adds messages that were taken back.
    pub(crate) fn add_marks(&mut self, marks: &[(ServerId, Mark)]) {
        self.marks.extend(marks.iter().copied());
    }

    /// Notes what is under way after the segment's last record.
    pub(crate) fn finish(&mut self, standing: Standing) {
        self.standing = standing;
    }

    fn location(&self, offset: u32) -> Location {
        Location {
            segment: self.segment.no,
            offset,
        }
    }

    /// The last number of a conversation; 0 if there is none here.
    pub(crate) fn head_of(&self, conversation: ConversationKey) -> u64 {
        self.conversations.get(&conversation).map_or(0, Postings::head)
    }
}

impl Index for ActiveIndex {
    fn range(&self) -> (u64, u64) {
        (self.segment.no, self.segment.no)
    }

    fn last_ms(&self) -> u64 {
        self.last_ms
    }

    fn postings(&self, line: Line, window: &Window) -> Result<Vec<Posting>, ReadError> {
        if self.last_ms < window.since_ms {
            return Ok(Vec::new());
        }
        let postings = match line {
            Line::Inbox(account) => self.inboxes.get(&account),
            Line::Conversation(conversation) => self.conversations.get(&conversation),
        };
        Ok(postings.map_or_else(Vec::new, |postings| postings.cut(window)))
    }

    fn last_id(&self) -> ServerId {
        self.messages.last().map(|(id, _)| *id).unwrap_or_default()
    }

    fn messages_after(&self, after: ServerId, limit: usize) -> Result<Vec<(ServerId, Location)>, ReadError> {
        let start = self.messages.partition_point(|(id, _)| *id <= after);
        let found = self.messages[start..].iter().take(limit);
        Ok(found.map(|(id, offset)| (*id, self.location(*offset))).collect())
    }

    fn message(&self, id: ServerId) -> Result<Option<Location>, ReadError> {
        let found = self.messages.binary_search_by_key(&id, |(id, _)| *id).ok();
        Ok(found.map(|at| self.location(self.messages[at].1)))
    }

    fn original(&self, key: u128) -> Result<Option<Location>, ReadError> {
        Ok(self.originals.get(&key).map(|offset| self.location(*offset)))
    }

    fn conversation_head(&self, conversation: ConversationKey) -> Result<Option<u64>, ReadError> {
        Ok(Some(self.head_of(conversation)).filter(|head| *head > 0))
    }
}
