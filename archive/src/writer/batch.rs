//! One commit in the making: its bytes, the numbers it gives, and whom to tell. Dropped as a whole if it fails.

use std::sync::Arc;

use bytes::Bytes;
use godwit_model::{AccountNo, ConversationKey, DeviceNo, ServerId};

use crate::conversation_heads::Remembered;
use crate::device::DeviceState;
use crate::entry::{DuplicateKey, Entry, Receipt};
use crate::fanout::Fanout;
use crate::frame::{self, FRAME_BYTES, FrameKind, Salt};
use crate::index::Posting;
use crate::listener::Delivery;
use crate::marks::Mark;
use crate::record::encode::{self, ChunkHead, Front};
use crate::record::{Record, conversation_tag, decode};
use crate::segment::Location;
use crate::state::{Heads, Map};

/// Bytes of the frame that opens a commit: its number, the number of the durable one before, bytes and frames that follow.
pub(crate) const OPENING_BYTES: usize = FRAME_BYTES + 24;

/// Beside the count of a commit's frames: the last one is [`FrameKind::Numbers`]. Older programs wrote none.
pub(crate) const ENDS_WITH_NUMBERS: u32 = 1 << 31;

/// A commit in the making. Its memory is used again by the next one.
#[derive(Default)]
pub(crate) struct Batch {
    pub(super) bytes: Vec<u8>,
    frames: u32,
    place: Option<Place>,
    /// Heads as this commit will leave them.
    accounts: Map<AccountNo, u64>,
    conversations: Map<ConversationKey, u64>,
    /// Which of `records` has a duplicate key.
    keys: Map<u128, usize>,
    pub(super) records: Vec<Numbered>,
    pub(super) deliveries: Vec<Delivery>,
    /// As long as `deliveries`: where each one is.
    pub(super) postings: Vec<Posting>,
    /// Messages that this commit takes back.
    pub(super) marks: Vec<(ServerId, Mark)>,
    numbers: Vec<(AccountNo, u64)>,
    /// Numbers that messages of this commit gave, but not those of fan-outs: a lost step is made again.
    given: Vec<(AccountNo, u64)>,
    /// How many of `records` start a fan-out.
    fanouts: usize,
}

/// Where the commit will stand.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) salt: Salt,
    pub(crate) offset: u64,
}

/// An entry that is to be stored.
pub(super) struct Admitted {
    pub(super) entry: Entry,
    /// The body as it goes to the disk, if it is encrypted there.
    pub(super) sealed: Option<Bytes>,
    /// Whether its recipients are to be numbered by a fan-out.
    pub(super) later: bool,
}

/// A record of this commit.
pub(crate) struct Numbered {
    pub(crate) receipt: Receipt,
    pub(crate) key: Option<DuplicateKey>,
    pub(crate) offset: u32,
    /// The recipients, if they get their numbers later.
    pub(crate) later: Option<Vec<AccountNo>>,
}

impl Batch {
    /// Forgets everything and starts a commit at `place`.
    pub(super) fn begin(&mut self, place: Place) {
        self.bytes.clear();
        self.frames = 0;
        self.place = Some(place);
        self.accounts.clear();
        self.conversations.clear();
        self.keys.clear();
        self.records.clear();
        self.deliveries.clear();
        self.postings.clear();
        self.marks.clear();
        self.given.clear();
        self.fanouts = 0;
        frame::open(&mut self.bytes, FrameKind::Batch);
        self.bytes.resize(OPENING_BYTES, 0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// The record of this commit with this duplicate key.
    pub(super) fn original(&self, key: u128) -> Option<&Numbered> {
        self.keys.get(&key).map(|at| &self.records[*at])
    }

    /// Whether this commit starts a fan-out of the conversation.
    pub(super) fn starts_fanout(&self, conversation: ConversationKey) -> bool {
        let same =
            |record: &Numbered| record.later.is_some() && record.receipt.record.conversation == Some(conversation);
        self.fanouts > 0 && self.records.iter().any(same)
    }

    /// Adds a message, whose conversation the commit must know.
    pub(super) fn add(&mut self, admitted: Admitted, id: ServerId, heads: &Heads) -> Receipt {
        let Admitted { entry, sealed, later } = admitted;
        let record = Arc::new(self.record(&entry, id));
        // Listeners and appenders get the body as it was given.
        let front = Front {
            record: &record,
            key: entry.duplicate_key,
            sealed: sealed.as_deref(),
        };
        let start = self.open(if later { FrameKind::Intent } else { FrameKind::Message });
        if later {
            encode::intent(&mut self.bytes, &front, &entry.recipients);
        } else {
            self.number(&entry.recipients, heads);
            self.given.extend_from_slice(&self.numbers);
            encode::message(&mut self.bytes, &front, &self.numbers);
        }
        let location = self.close(start);
        let receipt = Receipt {
            sender_seq: if later { None } else { self.seq_of(entry.sender) },
            recipients: u32::try_from(entry.recipients.len()).unwrap_or(u32::MAX),
            duplicate: false,
            fingerprint: entry.duplicate_key.map_or(0, |key| key.body),
            record,
        };
        if later {
            self.fanouts += 1;
        } else {
            self.deliver(&receipt.record, location, receipt.record.server_time_ms);
        }
        if let Some(key) = entry.duplicate_key {
            self.keys.insert(key.key, self.records.len());
        }
        self.records.push(Numbered {
            receipt: receipt.clone(),
            key: entry.duplicate_key,
            offset: location.offset,
            later: later.then_some(entry.recipients),
        });
        receipt
    }

    /// Whether the conversation's head is known to this commit.
    pub(super) fn knows(&self, conversation: ConversationKey) -> bool {
        self.conversations.contains_key(&conversation)
    }

    /// Numbers of the conversation go on from here.
    pub(super) fn know(&mut self, conversation: ConversationKey, head: u64) {
        self.conversations.entry(conversation).or_insert(head);
    }

    fn record(&mut self, entry: &Entry, id: ServerId) -> Record {
        let conv_seq = entry.conversation.map_or(0, |conversation| {
            let head = self.conversations.entry(conversation).or_default();
            *head += 1;
            *head
        });
        Record {
            kind: entry.kind,
            form: entry.form,
            conversation: entry.conversation,
            conv_seq,
            server_id: id,
            server_time_ms: decode::time_of(id),
            expires_at_ms: entry.expires_at_ms,
            sender: entry.sender,
            body: entry.body.clone(),
        }
    }

    /// Adds the next step of a fan-out.
    pub(super) fn add_chunk(&mut self, fanout: &Fanout, time_ms: u64, heads: &Heads) {
        self.number(fanout.chunk(), heads);
        let head = ChunkHead {
            intent: fanout.intent,
            tag: conversation_tag(fanout.record.conversation),
            time_ms,
            start: fanout.next as u64,
            last: fanout.is_last_chunk(),
        };
        let start = self.open(FrameKind::Chunk);
        encode::chunk(&mut self.bytes, &head, &self.numbers);
        self.close(start);
        self.deliver(&fanout.record, fanout.intent, time_ms);
    }

    /// Adds states of devices.
    pub(super) fn add_devices<'a>(&mut self, devices: impl Iterator<Item = (DeviceNo, Option<&'a DeviceState>)>) {
        let start = self.open(FrameKind::Devices);
        for (device, state) in devices {
            encode::device(&mut self.bytes, device, state);
        }
        self.close(start);
    }

    /// Adds messages that are taken back.
    pub(super) fn add_marks(&mut self, marks: impl Iterator<Item = (ServerId, Mark)>) {
        self.marks.extend(marks);
        if self.marks.is_empty() {
            return;
        }
        let start = self.open(FrameKind::Marks);
        for (id, mark) in &self.marks {
            encode::mark(&mut self.bytes, *id, *mark);
        }
        self.close(start);
    }

    /// Writes the opening frame: the commit is whole.
    pub(super) fn finish(&mut self, batch_no: u64, durable_batch: u64) {
        let numbered = !self.records.is_empty();
        if numbered {
            self.repeat_numbers();
        }
        let following = u32::try_from(self.bytes.len() - OPENING_BYTES).expect("a batch is smaller than a segment");
        let body = &mut self.bytes[FRAME_BYTES..OPENING_BYTES];
        body[..8].copy_from_slice(&batch_no.to_le_bytes());
        body[8..16].copy_from_slice(&durable_batch.to_le_bytes());
        body[16..20].copy_from_slice(&following.to_le_bytes());
        let frames = self.frames | if numbered { ENDS_WITH_NUMBERS } else { 0 };
        body[20..].copy_from_slice(&frames.to_le_bytes());
        let salt = self.salt();
        frame::close(&mut self.bytes[..OPENING_BYTES], 0, salt);
    }

    /// Writes the highest numbers once more, so that the loss of one message does not lose them.
    fn repeat_numbers(&mut self) {
        self.given.sort_unstable();
        // Of one account's numbers only the last is kept.
        self.given.reverse();
        self.given.dedup_by_key(|(account, _)| *account);
        self.given.reverse();
        let start = self.open(FrameKind::Numbers);
        encode::numbers(&mut self.bytes, &self.given, self.conversations.iter());
        self.close(start);
    }

    /// Takes over the heads this commit leaves.
    pub(super) fn raise(&self, heads: &mut Heads) {
        for (account, seq) in &self.accounts {
            heads.raise_account(*account, *seq);
        }
    }

    /// Remembers the conversations it numbered.
    pub(super) fn remember(&self, remembered: &mut Remembered) {
        for (conversation, seq) in &self.conversations {
            remembered.put(*conversation, *seq);
        }
    }

    fn number(&mut self, recipients: &[AccountNo], heads: &Heads) {
        self.numbers.clear();
        for account in recipients {
            let head = self.accounts.entry(*account).or_insert_with(|| heads.account(*account));
            *head += 1;
            self.numbers.push((*account, *head));
        }
    }

    fn seq_of(&self, sender: AccountNo) -> Option<u64> {
        let at = self
            .numbers
            .binary_search_by_key(&sender, |(account, _)| *account)
            .ok()?;
        Some(self.numbers[at].1)
    }

    /// Notes the numbers just given.
    fn deliver(&mut self, record: &Arc<Record>, location: Location, time_ms: u64) {
        let tag = conversation_tag(record.conversation);
        for (account, seq) in &self.numbers {
            self.deliveries.push(Delivery {
                account: *account,
                seq: *seq,
                record: Arc::clone(record),
            });
            self.postings.push(Posting {
                seq: *seq,
                time_ms,
                tag,
                location,
            });
        }
    }

    fn salt(&self) -> Salt {
        self.place.map_or(Salt::new(0), |place| place.salt)
    }

    fn open(&mut self, kind: FrameKind) -> usize {
        self.frames += 1;
        frame::open(&mut self.bytes, kind)
    }

    fn close(&mut self, start: usize) -> Location {
        let salt = self.salt();
        frame::close(&mut self.bytes, start, salt);
        let (segment, offset) = self.place.map_or((0, 0), |place| (place.segment, place.offset));
        let offset = u32::try_from(offset + start as u64).expect("a segment has 30 bits");
        Location { segment, offset }
    }
}
