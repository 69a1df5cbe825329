//! What a log holds, in figures.

use std::collections::HashSet;
use std::io;

use foldhash::fast::RandomState;
use godwit_model::{AccountNo, ConversationKey, DeviceNo};

use super::walk::{Seen, first_durable_before, walk_segment};
use super::{DamageKind, Inspector, Watch};
use crate::frame::{FrameKind, Salt};
use crate::index::sealed;
use crate::record::{RecordKind, decode};
use crate::segment::{self, Header};

/// Bytes that a head takes in memory, its place in the map included.
const HEAD_BYTES: u64 = 40;
/// Bytes that a device takes in memory.
const DEVICE_BYTES: u64 = 72;
/// Bytes that one number takes in the index of the segment being written.
const POSTING_BYTES: u64 = 48;

/// What a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Segment files, those in the store included.
    pub segments: u64,
    /// Bytes of all files here.
    pub bytes: u64,
    /// Segments that are only in the store.
    pub cold_segments: u64,
    /// Bytes of these.
    pub cold_bytes: u64,
    /// How many of these were not read, because no store is set: all further figures lack them.
    pub cold_unread: u64,
    /// Messages.
    pub messages: u64,
    /// Refusals kept as numbered entries.
    pub refusals: u64,
    /// Entries whose content is not there any more.
    pub gone: u64,
    /// Bytes of bodies.
    pub body_bytes: u64,
    /// Numbers given in inboxes.
    pub numbers: u64,
    /// Accounts that got a number.
    pub accounts: u64,
    /// Conversations that got a number.
    pub conversations: u64,
    /// Devices that are known.
    pub devices: u64,
    /// Messages whose recipients are numbered after their commit.
    pub fanouts: u64,
    /// Recalls and erasures.
    pub marks: u64,
    /// When the oldest message was accepted, in milliseconds since 1970.
    pub oldest_ms: Option<u64>,
    /// When the newest was.
    pub newest_ms: Option<u64>,
    /// Sorted indexes.
    pub indexes: u64,
    /// Bytes of the sorted indexes.
    pub index_bytes: u64,
    /// Damaged stretches, and files set aside as damaged.
    pub quarantined: u64,
    /// About how much memory the log takes when it is open.
    pub memory_bytes: u64,
}

/// Figures being added up.
#[derive(Default)]
struct Sum {
    stats: Stats,
    accounts: HashSet<AccountNo, RandomState>,
    conversations: HashSet<ConversationKey, RandomState>,
    devices: HashSet<DeviceNo, RandomState>,
}

impl Inspector {
    /// Adds everything up. Reads all segments: the figures are exact, and take as long as the disk needs.
    /// Takes about 20 bytes of memory for each account and conversation.
    pub fn stats(&self, watch: Watch<'_>) -> io::Result<Stats> {
        let folder = self.folder()?;
        let mut sum = Sum::default();
        let total = folder.segments.values().sum();
        sum.stats.cold_segments = folder.cold.len() as u64;
        sum.stats.cold_bytes = folder.cold.values().sum();
        sum.stats.cold_unread = folder.unread();
        sum.stats.segments = folder.segments.len() as u64 + sum.stats.cold_unread;
        let read_cold = if sum.stats.cold_unread == 0 {
            sum.stats.cold_bytes
        } else {
            0
        };
        sum.stats.bytes = folder.bytes() - read_cold;
        sum.stats.indexes = folder.indexes.len() as u64;
        sum.stats.index_bytes = folder.indexes.values().sum();
        sum.stats.quarantined = folder.set_aside.len() as u64;
        for name in folder.indexes.keys() {
            match sealed::verify::memory_bytes(&self.disk, name) {
                Ok(bytes) => sum.stats.memory_bytes += bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let mut done = 0;
        for (no, size) in &folder.segments {
            let later: Vec<u64> = folder.segments.range(no + 1..).map(|(no, _)| *no).collect();
            match self.walk(*no, &later, &mut |seen| sum.see(&seen)) {
                // Retention took it away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
            done += size;
            watch(done, total);
        }
        Ok(sum.finish())
    }

    /// Walks over one segment up to its last whole commit.
    pub(super) fn walk(&self, no: u64, later: &[u64], visit: &mut dyn FnMut(Seen<'_>)) -> io::Result<()> {
        let salt = match self.salt(no)? {
            Some(salt) => salt,
            None if self.is_there(&segment::name(no))? => {
                let name = segment::name(no);
                tracing::error!(
                    name,
                    "a segment's header is damaged and no index knows its salt; it is passed over"
                );
                return Ok(());
            }
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        let mut next = None;
        for no in later {
            let Some(salt) = self.salt(*no)? else { continue };
            next = first_durable_before(&self.front(*no)?, salt);
            if next.is_some() {
                break;
            }
        }
        let bytes = self.bytes_of(no)?;
        walk_segment(&bytes, salt, None, next, visit);
        Ok(())
    }

    /// Where the checksums of a segment start, by its header or else by its index.
    pub(super) fn salt(&self, no: u64) -> io::Result<Option<Salt>> {
        match segment::open(&*self.disk, no) {
            Ok(Header::Sound(segment)) => return Ok(Some(segment.salt())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let index = sealed::verify::covering(&self.disk, no)?;
        Ok(index.and_then(|index| index.salt(no)))
    }
}

impl Sum {
    fn see(&mut self, seen: &Seen<'_>) {
        match seen {
            // What is torn was never acknowledged, or is under way just now.
            Seen::Fault(fault) if matches!(fault.kind, DamageKind::Torn | DamageKind::Stray) => {}
            Seen::Fault(_) => self.stats.quarantined += 1,
            Seen::Frame { kind, body, .. } => self.frame(*kind, body),
        }
    }

    fn frame(&mut self, kind: FrameKind, body: &bytes::Bytes) {
        match kind {
            FrameKind::Batch | FrameKind::Numbers => {}
            FrameKind::Marks => self.stats.marks += decode::marks(body).map_or(0, |marks| marks.len()) as u64,
            FrameKind::Message | FrameKind::Intent => {
                let Some(stored) = decode::stored(body) else { return };
                self.stats.fanouts += u64::from(kind == FrameKind::Intent);
                if kind == FrameKind::Message {
                    self.numbers(stored.numbers().unwrap_or_default());
                }
                self.record(&stored.record);
            }
            FrameKind::Chunk => self.numbers(decode::chunk(body).map(|(_, numbers)| numbers).unwrap_or_default()),
            FrameKind::Devices => {
                for (device, state) in decode::devices(body).unwrap_or_default() {
                    if state.is_some() {
                        self.devices.insert(device);
                    } else {
                        self.devices.remove(&device);
                    }
                }
            }
        }
    }

    fn record(&mut self, record: &crate::Record) {
        match record.kind {
            RecordKind::Message => self.stats.messages += 1,
            RecordKind::Refused => self.stats.refusals += 1,
            RecordKind::Gone(_) => self.stats.gone += 1,
        }
        self.stats.body_bytes += record.body.len() as u64;
        self.conversations.extend(record.conversation);
        let time = record.server_time_ms;
        self.stats.oldest_ms = Some(self.stats.oldest_ms.map_or(time, |oldest| oldest.min(time)));
        self.stats.newest_ms = Some(self.stats.newest_ms.map_or(time, |newest| newest.max(time)));
    }

    fn numbers(&mut self, numbers: Vec<(AccountNo, u64)>) {
        self.stats.numbers += numbers.len() as u64;
        self.accounts.extend(numbers.into_iter().map(|(account, _)| account));
    }

    fn finish(mut self) -> Stats {
        self.stats.accounts = self.accounts.len() as u64;
        self.stats.conversations = self.conversations.len() as u64;
        self.stats.devices = self.devices.len() as u64;
        // The segment being written is on average half full.
        let share = self.stats.numbers / self.stats.segments.max(1) / 2;
        self.stats.memory_bytes += (self.stats.accounts + self.stats.conversations) * HEAD_BYTES
            + self.stats.devices * DEVICE_BYTES
            + share * POSTING_BYTES;
        self.stats
    }
}
