//! All devices in memory, and which of them the log does not know yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use godwit_model::{AccountNo, DeviceNo};
use tokio::sync::oneshot;

use super::DeviceState;
use super::states::DeviceStates;
use crate::entry::AppendError;
use crate::state::Map;

/// Where the answer to a saved device goes.
pub(crate) type SaveReply = oneshot::Sender<Result<(), AppendError>>;

/// All devices.
#[derive(Default)]
pub(crate) struct DeviceTable(Mutex<Devices>);

#[derive(Default)]
struct Devices {
    states: DeviceStates,
    /// Changed since they were last written, and who waits for that.
    dirty: Map<DeviceNo, Vec<SaveReply>>,
    waiting: usize,
}

/// A device to be written; `None` forgets it.
pub(crate) struct Dirty {
    pub(crate) device: DeviceNo,
    pub(crate) state: Option<DeviceState>,
    pub(crate) replies: Vec<SaveReply>,
}

impl DeviceTable {
    pub(crate) fn new(states: DeviceStates) -> Self {
        Self(Mutex::new(Devices {
            states,
            ..Devices::default()
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Devices> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, device: DeviceNo) -> Option<DeviceState> {
        self.lock().states.get(device)
    }

    /// Moves a cursor forward. `true` if nothing was waiting to be written before.
    pub(crate) fn move_cursor(&self, device: DeviceNo, account: AccountNo, cursor: u64) -> bool {
        let mut devices = self.lock();
        let fresh = DeviceState {
            account,
            cursor: 0,
            session: None,
        };
        let known = devices.states.get(device);
        // A new place is kept, even if it has nothing to tell yet.
        let state = known.unwrap_or(fresh);
        let moves = state.cursor < cursor;
        if moves || known.is_none() {
            let cursor = cursor.max(state.cursor);
            devices.states.set(device, DeviceState { cursor, ..state });
        }
        moves && devices.mark(device)
    }

    /// Replaces a device's state. `false` if too many wait already.
    pub(crate) fn save(&self, device: DeviceNo, state: DeviceState, reply: SaveReply, waiting_max: usize) -> bool {
        let mut devices = self.lock();
        if devices.waiting >= waiting_max {
            return false;
        }
        devices.waiting += 1;
        devices.states.set(device, state);
        devices.dirty.entry(device).or_default().push(reply);
        true
    }

    /// Forgets a device. `true` if nothing was waiting to be written before.
    pub(crate) fn forget(&self, device: DeviceNo) -> bool {
        let mut devices = self.lock();
        devices.states.remove(device) && devices.mark(device)
    }

    /// Takes up to `max` changed devices out, to be written. The second value says whether some are left.
    pub(crate) fn take(&self, max: usize) -> (Vec<Dirty>, bool) {
        let mut devices = self.lock();
        let devices = &mut *devices;
        let chosen: Vec<_> = devices.dirty.keys().copied().take(max).collect();
        let mut taken = Vec::with_capacity(chosen.len());
        for device in chosen {
            let replies = devices.dirty.remove(&device).unwrap_or_default();
            devices.waiting -= replies.len();
            taken.push(Dirty {
                device,
                state: devices.states.get(device),
                replies,
            });
        }
        (taken, !devices.dirty.is_empty())
    }

    /// Marks devices that could not be written; who waited for them is answered by the caller.
    pub(crate) fn put_back(&self, devices: impl Iterator<Item = DeviceNo>) {
        let mut table = self.lock();
        for device in devices {
            table.mark(device);
        }
    }
}

impl Devices {
    fn mark(&mut self, device: DeviceNo) -> bool {
        let first = self.dirty.is_empty();
        self.dirty.entry(device).or_default();
        first
    }
}
