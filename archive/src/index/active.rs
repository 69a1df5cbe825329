//! The index of a segment in memory: of the one being written, and of one that waits to be sealed.

use godwit_model::{AccountNo, ConversationKey, DeviceNo, ServerId};

use super::{Line, Posting, SegmentIndex, Window, cut};
use crate::device::DeviceState;
use crate::marks::Mark;
use crate::query::ReadError;
use crate::record::{Record, conversation_tag};
use crate::segment::{Location, Segment};
use crate::state::{FanoutMark, Map, Progress, State};

/// Everything the segment says, findable.
pub(crate) struct ActiveIndex {
    segment: Segment,
    pub(super) inboxes: Map<AccountNo, Vec<Posting>>,
    pub(super) conversations: Map<ConversationKey, Vec<Posting>>,
    /// Ids ascend, because the writer gives them so.
    pub(super) messages: Vec<(ServerId, u32)>,
    pub(super) originals: Map<u128, u32>,
    devices: Map<DeviceNo, Option<DeviceState>>,
    marks: Map<ServerId, Mark>,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    /// As of the last record, set when the segment ends.
    end: (Vec<FanoutMark>, Progress),
}

impl ActiveIndex {
    pub(crate) fn new(segment: Segment) -> Self {
        Self {
            segment,
            inboxes: Map::default(),
            conversations: Map::default(),
            messages: Vec::new(),
            originals: Map::default(),
            devices: Map::default(),
            marks: Map::default(),
            first_ms: u64::MAX,
            last_ms: 0,
            end: (Vec::new(), Progress::default()),
        }
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
            self.conversations.entry(conversation).or_default().push(Posting {
                seq: record.conv_seq,
                time_ms: record.server_time_ms,
                tag: conversation_tag(record.conversation),
                location,
            });
        }
    }

    /// Adds one number of an inbox.
    pub(crate) fn add_number(&mut self, account: AccountNo, posting: Posting) {
        self.see_time(posting.time_ms);
        self.inboxes.entry(account).or_default().push(posting);
    }

    /// Adds what became of a device.
    pub(crate) fn add_device(&mut self, device: DeviceNo, state: Option<DeviceState>) {
        self.devices.insert(device, state);
    }

    /// Adds messages that were taken back.
    pub(crate) fn add_marks(&mut self, marks: &[(ServerId, Mark)]) {
        self.marks.extend(marks.iter().copied());
    }

    /// Notes the rest of the state as of the segment's last record.
    pub(crate) fn finish(&mut self, fanouts: Vec<FanoutMark>, progress: Progress) {
        self.end = (fanouts, progress);
    }

    /// What this segment changed.
    pub(crate) fn delta(&self) -> State {
        let mut state = State {
            devices: self.devices.clone(),
            marks: self.marks.clone(),
            ..State::default()
        };
        (state.fanouts, state.progress) = self.end.clone();
        for (account, postings) in &self.inboxes {
            if let Some(last) = postings.last() {
                state.heads.raise_account(*account, last.seq);
            }
        }
        for (conversation, postings) in &self.conversations {
            if let Some(last) = postings.last() {
                state.heads.raise_conversation(*conversation, last.seq);
            }
        }
        state
    }
}

impl SegmentIndex for ActiveIndex {
    fn segment(&self) -> &Segment {
        &self.segment
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
        Ok(postings.map_or_else(Vec::new, |postings| cut(postings, window)))
    }

    fn message(&self, id: ServerId) -> Result<Option<Location>, ReadError> {
        let found = self.messages.binary_search_by_key(&id, |(id, _)| *id).ok();
        Ok(found.map(|at| Location {
            segment: self.segment.no,
            offset: self.messages[at].1,
        }))
    }

    fn original(&self, key: u128) -> Result<Option<Location>, ReadError> {
        let offset = self.originals.get(&key).copied();
        Ok(offset.map(|offset| Location {
            segment: self.segment.no,
            offset,
        }))
    }
}
