//! What a start needs to know besides the records: heads, devices, fan-outs under way, and the last numbers given.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use godwit_model::{AccountNo, DeviceNo, ServerId};

use crate::device::DeviceState;
use crate::device::states::DeviceStates;
use crate::marks::Mark;
use crate::record::{decode, encode};
use crate::segment::Location;
use crate::varint::{Scan, put};

mod accounts;

use accounts::Accounts;

/// A map with a fast hash: its keys are ours or already hashed.
pub(crate) type Map<K, V> = HashMap<K, V, RandomState>;

/// Highest numbers of inboxes. Those of conversations are looked up, see [`crate::conversation_heads`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heads {
    accounts: Accounts,
}

impl Heads {
    pub(crate) fn account(&self, account: AccountNo) -> u64 {
        self.accounts.get(account)
    }

    pub(crate) fn raise_account(&mut self, account: AccountNo, seq: u64) {
        self.accounts.raise(account, seq);
    }

    /// The highest account that has a number.
    pub(crate) fn highest_account(&self) -> Option<AccountNo> {
        self.accounts.highest()
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

/// What is under way at one point of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// All fan-outs that are not finished, in the order of their intents.
    pub(crate) fanouts: Vec<FanoutMark>,
    pub(crate) progress: Progress,
}

impl Standing {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.fanouts.len() as u64);
        for mark in &self.fanouts {
            put(out, mark.intent.segment);
            put(out, u64::from(mark.intent.offset));
            put(out, mark.next);
        }
        out.extend_from_slice(&self.progress.last_id.0.to_le_bytes());
        put(out, self.progress.batch_no);
        put(out, self.progress.durable_batch);
    }

    pub(crate) fn decode(scan: &mut Scan<'_>) -> Option<Self> {
        let mut fanouts = Vec::new();
        for _ in 0..scan.count()? {
            let intent = Location {
                segment: scan.varint()?,
                offset: u32::try_from(scan.varint()?).ok()?,
            };
            fanouts.push(FanoutMark {
                intent,
                next: scan.varint()?,
            });
        }
        let progress = Progress {
            last_id: ServerId(scan.u128()?),
            batch_no: scan.varint()?,
            durable_batch: scan.varint()?,
        };
        Some(Self { fanouts, progress })
    }
}

/// The whole state, as a start adds it up.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) heads: Heads,
    pub(crate) devices: DeviceStates,
    pub(crate) standing: Standing,
    /// Messages that were taken back, and may still be in their segments.
    pub(crate) marks: Map<ServerId, Mark>,
}

impl State {
    /// Takes over what became of a device.
    pub(crate) fn set_device(&mut self, device: DeviceNo, state: Option<DeviceState>) {
        match state {
            Some(state) => self.devices.set(device, state),
            None => {
                self.devices.remove(device);
            }
        }
    }
}

/// Marks as a list of them.
pub(crate) fn encode_marks<'a>(out: &mut Vec<u8>, marks: impl ExactSizeIterator<Item = (&'a ServerId, &'a Mark)>) {
    put(out, marks.len() as u64);
    for (id, mark) in marks {
        encode::mark(out, *id, *mark);
    }
}

/// Reads a list of marks.
pub(crate) fn decode_marks(scan: &mut Scan<'_>) -> Option<Map<ServerId, Mark>> {
    let mut marks = Map::default();
    for _ in 0..scan.count()? {
        let (id, mark) = decode::mark(scan)?;
        marks.insert(id, mark);
    }
    Some(marks)
}

/// Bytes of an account's head in a table: account 8, head 6.
pub(crate) const ACCOUNT_WIDTH: usize = 14;

/// An account's head as an entry of a table.
pub(crate) fn account_entry(account: AccountNo, head: u64) -> [u8; ACCOUNT_WIDTH] {
    let mut entry = [0; ACCOUNT_WIDTH];
    entry[..8].copy_from_slice(&account.0.to_be_bytes());
    entry[8..].copy_from_slice(&head.to_be_bytes()[2..]);
    entry
}

/// Reads an entry of a table.
pub(crate) fn account_of(entry: &[u8]) -> Option<(AccountNo, u64)> {
    let mut head = [0; 8];
    head[2..].copy_from_slice(entry.get(8..ACCOUNT_WIDTH)?);
    Some((
        AccountNo(u64::from_be_bytes(*entry.first_chunk()?)),
        u64::from_be_bytes(head),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::GoneReason;

    #[test]
    fn what_is_under_way_reads_back() {
        let standing = Standing {
            fanouts: vec![FanoutMark {
                intent: Location { segment: 3, offset: 64 },
                next: 1000,
            }],
            progress: Progress {
                last_id: ServerId(5 << 80),
                batch_no: 9,
                durable_batch: 8,
            },
        };
        let mut out = Vec::new();
        standing.encode(&mut out);
        assert_eq!(Standing::decode(&mut Scan::new(&out)), Some(standing));
        assert_eq!(Standing::decode(&mut Scan::new(&out[..out.len() - 1])), None);
        let mark = Mark {
            reason: GoneReason::Erased,
            at_ms: 1_800_000_000_000,
        };
        let marks: Map<_, _> = [(ServerId(4 << 80), mark)].into_iter().collect();
        let mut out = Vec::new();
        encode_marks(&mut out, marks.iter());
        assert_eq!(decode_marks(&mut Scan::new(&out)), Some(marks));
        let entry = account_entry(AccountNo(1 << 60), (1 << 48) - 1);
        assert_eq!(account_of(&entry), Some((AccountNo(1 << 60), (1 << 48) - 1)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_panic(bytes: Vec<u8>) {
            let _ = Standing::decode(&mut Scan::new(&bytes));
            let _ = decode_marks(&mut Scan::new(&bytes));
            let _ = account_of(&bytes);
        }
    }
}
