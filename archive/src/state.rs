//! What a start needs to know besides the records: heads, devices, fan-outs under way, and the last numbers given.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use godwit_model::{AccountNo, ConversationKey, DeviceNo, ServerId};

use crate::device::DeviceState;
use crate::marks::Mark;
use crate::record::{decode, encode};
use crate::segment::Location;
use crate::varint::{Scan, put};

/// A map with a fast hash: its keys are ours or already hashed.
pub(crate) type Map<K, V> = HashMap<K, V, RandomState>;

/// Highest numbers of inboxes and conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) accounts: Map<AccountNo, u64>,
    pub(crate) conversations: Map<ConversationKey, u64>,
}

impl Heads {
    pub(crate) fn account(&self, account: AccountNo) -> u64 {
        self.accounts.get(&account).copied().unwrap_or(0)
    }

    pub(crate) fn conversation(&self, conversation: ConversationKey) -> u64 {
        self.conversations.get(&conversation).copied().unwrap_or(0)
    }

    pub(crate) fn raise_account(&mut self, account: AccountNo, seq: u64) {
        let head = self.accounts.entry(account).or_default();
        *head = seq.max(*head);
    }

    pub(crate) fn raise_conversation(&mut self, conversation: ConversationKey, seq: u64) {
        let head = self.conversations.entry(conversation).or_default();
        *head = seq.max(*head);
    }
}

/// A fan-out that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FanoutMark {
    /// Where its intent stands.
    pub(crate) intent: Location,
    /// Index of the first recipient without a number.
    pub(crate) next: u64,
}

/// The last numbers given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The highest server id; it carries the last server time.
    pub(crate) last_id: ServerId,
    /// The highest number any commit used, failed ones included.
    pub(crate) batch_no: u64,
    /// The number of the last durable commit.
    pub(crate) durable_batch: u64,
}

/// The whole state, or what a segment changed in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) heads: Heads,
    /// `None` for a forgotten device.
    pub(crate) devices: Map<DeviceNo, Option<DeviceState>>,
    /// All of them, in the order of their intents.
    pub(crate) fanouts: Vec<FanoutMark>,
    pub(crate) progress: Progress,
    /// Messages that were taken back, and may still be in their segments.
    pub(crate) marks: Map<ServerId, Mark>,
}

impl State {
    /// Adds what a later segment changed.
    pub(crate) fn merge(&mut self, later: Self) {
        for (account, head) in later.heads.accounts {
            self.heads.raise_account(account, head);
        }
        for (conversation, head) in later.heads.conversations {
            self.heads.raise_conversation(conversation, head);
        }
        for (device, state) in later.devices {
            self.set_device(device, state);
        }
        self.fanouts = later.fanouts;
        self.progress = later.progress;
        self.marks.extend(later.marks);
    }

    /// Forgotten devices take no room in a whole state.
    pub(crate) fn set_device(&mut self, device: DeviceNo, state: Option<DeviceState>) {
        if state.is_some() {
            self.devices.insert(device, state);
        } else {
            self.devices.remove(&device);
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.heads.accounts.len() as u64);
        for (account, head) in &self.heads.accounts {
            put(out, account.0);
            put(out, *head);
        }
        put(out, self.heads.conversations.len() as u64);
        for (conversation, head) in &self.heads.conversations {
            out.extend_from_slice(&conversation.0.to_le_bytes());
            put(out, *head);
        }
        put(out, self.devices.len() as u64);
        for (device, state) in &self.devices {
            encode::device(out, *device, state.as_ref());
        }
        put(out, self.fanouts.len() as u64);
        for mark in &self.fanouts {
            put(out, mark.intent.segment);
            put(out, u64::from(mark.intent.offset));
            put(out, mark.next);
        }
        out.extend_from_slice(&self.progress.last_id.0.to_le_bytes());
        put(out, self.progress.batch_no);
        put(out, self.progress.durable_batch);
        for (id, mark) in &self.marks {
            encode::mark(out, *id, *mark);
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut scan = Scan::new(bytes);
        let mut state = Self::default();
        for _ in 0..scan.count()? {
            state.heads.accounts.insert(AccountNo(scan.varint()?), scan.varint()?);
        }
        for _ in 0..scan.count()? {
            state
                .heads
                .conversations
                .insert(ConversationKey(scan.u128()?), scan.varint()?);
        }
        for _ in 0..scan.count()? {
            let (device, device_state) = decode::device(&mut scan)?;
            state.devices.insert(device, device_state);
        }
        for _ in 0..scan.count()? {
            let intent = Location {
                segment: scan.varint()?,
                offset: u32::try_from(scan.varint()?).ok()?,
            };
            state.fanouts.push(FanoutMark {
                intent,
                next: scan.varint()?,
            });
        }
        state.progress = Progress {
            last_id: ServerId(scan.u128()?),
            batch_no: scan.varint()?,
            durable_batch: scan.varint()?,
        };
        // Marks are the rest; an older program wrote none.
        while scan.left() > 0 {
            let (id, mark) = decode::mark(&mut scan)?;
            state.marks.insert(id, mark);
        }
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::GoneReason;

    #[test]
    fn a_state_reads_back() {
        let mut state = State::default();
        state.heads.raise_account(AccountNo(7), 300);
        state.heads.raise_conversation(ConversationKey(1 << 100), 12);
        let place = DeviceState {
            account: AccountNo(7),
            cursor: 299,
            session: None,
        };
        state.devices.insert(DeviceNo(1), Some(place));
        state.devices.insert(DeviceNo(2), None);
        state.fanouts.push(FanoutMark {
            intent: Location { segment: 3, offset: 64 },
            next: 1000,
        });
        state.progress = Progress {
            last_id: ServerId(5 << 80),
            batch_no: 9,
            durable_batch: 8,
        };
        let mark = Mark {
            reason: GoneReason::Erased,
            at_ms: 1_800_000_000_000,
        };
        state.marks.insert(ServerId(4 << 80), mark);
        let mut out = Vec::new();
        state.encode(&mut out);
        assert_eq!(State::decode(&out), Some(state));
        assert_eq!(State::decode(&out[..out.len() - 1]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_panic(bytes: Vec<u8>) {
            let _ = State::decode(&bytes);
        }
    }
}
