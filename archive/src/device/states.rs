//! The states of all devices in about 35 bytes each: device numbers are dense, so they lie in pages.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use godwit_model::{AccountNo, DeviceNo};

use super::{DeviceState, SessionState};
use crate::state::Map;

/// Devices of one page.
const PAGE: u64 = 16;
const PAGE_LENGTH: usize = 16;

/// A device in 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Packed {
    account: u64,
    cursor: u64,
    ended_at_ms: u64,
    expiry_s: u32,
    subscriptions: u8,
    /// 0 for nobody.
    form: u8,
}

const PLACE: u8 = 1;
const PLACE_AND_SESSION: u8 = 2;

/// What is known of devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeviceStates {
    pages: Map<u64, Box<[Packed; PAGE_LENGTH]>>,
}

fn place(device: DeviceNo) -> (u64, usize) {
    (device.0 / PAGE, usize::try_from(device.0 % PAGE).unwrap_or(0))
}

impl DeviceStates {
    pub(crate) fn get(&self, device: DeviceNo) -> Option<DeviceState> {
        let (page, at) = place(device);
        self.pages.get(&page)?[at].unpack()
    }

    pub(crate) fn set(&mut self, device: DeviceNo, state: DeviceState) {
        let (page, at) = place(device);
        let page = self
            .pages
            .entry(page)
            .or_insert_with(|| Box::new([Packed::default(); PAGE_LENGTH]));
        page[at] = Packed::new(&state);
    }

    /// All of them, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (DeviceNo, DeviceState)> {
        self.pages.iter().flat_map(|(page, states)| {
            let states = states.iter().zip(page * PAGE..=page * PAGE + (PAGE - 1));
            states.filter_map(|(packed, device)| Some((DeviceNo(device), packed.unpack()?)))
        })
    }

    /// Forgets a device; `false` if it was not known.
    pub(crate) fn remove(&mut self, device: DeviceNo) -> bool {
        let (no, at) = place(device);
        let Some(page) = self.pages.get_mut(&no) else {
            return false;
        };
        let known = page[at].form != 0;
        page[at] = Packed::default();
        if page.iter().all(|packed| packed.form == 0) {
            self.pages.remove(&no);
        }
        known
    }
}

impl Packed {
    fn new(state: &DeviceState) -> Self {
        let place = Self {
            account: state.account.0,
            cursor: state.cursor,
            form: PLACE,
            ..Self::default()
        };
        state.session.map_or(place, |session| Self {
            ended_at_ms: session.ended_at_ms,
            expiry_s: session.expiry_s,
            subscriptions: session.subscriptions,
            form: PLACE_AND_SESSION,
            ..place
        })
    }

    fn unpack(self) -> Option<DeviceState> {
        let session = SessionState {
            subscriptions: self.subscriptions,
            expiry_s: self.expiry_s,
            ended_at_ms: self.ended_at_ms,
        };
        (self.form != 0).then_some(DeviceState {
            account: AccountNo(self.account),
            cursor: self.cursor,
            session: (self.form == PLACE_AND_SESSION).then_some(session),
        })
    }
}

/// What became of devices in one segment.
#[derive(Default)]
pub(crate) struct DeviceChanges {
    known: DeviceStates,
    forgotten: HashSet<DeviceNo, RandomState>,
}

impl DeviceChanges {
    pub(crate) fn set(&mut self, device: DeviceNo, state: Option<DeviceState>) {
        if let Some(state) = state {
            self.forgotten.remove(&device);
            self.known.set(device, state);
        } else {
            self.known.remove(device);
            self.forgotten.insert(device);
        }
    }

    /// All of them as entries of a table, in no order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = [u8; DEVICE_WIDTH]> {
        let known = self.known.iter().map(|(device, state)| entry(device, Some(&state)));
        known.chain(self.forgotten.iter().map(|device| entry(*device, None)))
    }
}

/// Bytes of a device in a table.
pub(crate) const DEVICE_WIDTH: usize = 38;

/// A device as an entry of a table; `None` is one that was forgotten.
pub(crate) fn entry(device: DeviceNo, state: Option<&DeviceState>) -> [u8; DEVICE_WIDTH] {
    let packed = state.map(Packed::new).unwrap_or_default();
    let mut entry = [0; DEVICE_WIDTH];
    entry[..8].copy_from_slice(&device.0.to_be_bytes());
    entry[8] = packed.form;
    entry[9..17].copy_from_slice(&packed.account.to_le_bytes());
    entry[17..25].copy_from_slice(&packed.cursor.to_le_bytes());
    entry[25..33].copy_from_slice(&packed.ended_at_ms.to_le_bytes());
    entry[33..37].copy_from_slice(&packed.expiry_s.to_le_bytes());
    entry[37] = packed.subscriptions;
    entry
}

/// Reads an entry of a table.
pub(crate) fn from_entry(entry: &[u8]) -> Option<(DeviceNo, Option<DeviceState>)> {
    let entry: &[u8; DEVICE_WIDTH] = entry.try_into().ok()?;
    let number = |from: usize| u64::from_le_bytes(*entry[from..].first_chunk().unwrap_or(&[0; 8]));
    let device = u64::from_be_bytes(*entry.first_chunk()?);
    let packed = Packed {
        account: number(9),
        cursor: number(17),
        ended_at_ms: number(25),
        expiry_s: u32::from_le_bytes(*entry[33..].first_chunk()?),
        subscriptions: entry[37],
        form: entry[8],
    };
    Some((DeviceNo(device), packed.unpack()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_a_device_counts() {
        let place = DeviceState {
            account: AccountNo(7),
            cursor: 9,
            session: None,
        };
        let mut changes = DeviceChanges::default();
        for (device, state) in [(1, None), (2, Some(place)), (1, Some(place)), (2, None)] {
            changes.set(DeviceNo(device), state);
        }
        let mut entries: Vec<_> = changes.entries().filter_map(|entry| from_entry(&entry)).collect();
        entries.sort_unstable_by_key(|(device, _)| *device);
        assert_eq!(entries, [(DeviceNo(1), Some(place)), (DeviceNo(2), None)]);
    }

    #[test]
    fn a_device_reads_back_from_memory_and_from_a_table() {
        let place = DeviceState {
            account: AccountNo(7),
            cursor: 9,
            session: None,
        };
        let session = SessionState {
            subscriptions: 3,
            expiry_s: u32::MAX,
            ended_at_ms: 12,
        };
        let whole = DeviceState {
            session: Some(session),
            ..place
        };
        let mut states = DeviceStates::default();
        for (device, state) in [(1, place), (17, whole), (u64::MAX, place)] {
            states.set(DeviceNo(device), state);
            assert_eq!(states.get(DeviceNo(device)), Some(state));
            assert_eq!(
                from_entry(&entry(DeviceNo(device), Some(&state))),
                Some((DeviceNo(device), Some(state)))
            );
        }
        assert_eq!(from_entry(&entry(DeviceNo(5), None)), Some((DeviceNo(5), None)));
        assert_eq!(states.iter().count(), 3);
        assert!(states.remove(DeviceNo(17)) && !states.remove(DeviceNo(17)));
        assert_eq!((states.get(DeviceNo(17)), states.get(DeviceNo(1))), (None, Some(place)));
    }
}
