//! All devices in memory, and which of them the log does not know yet.

use std::collections::VecDeque;
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
    /// Devices forgotten last: their sessions may still be ending, and must not bring them back.
    forgotten: VecDeque<DeviceNo>,
}

/// Forgotten devices that are remembered as such. A session that outlives its device by so many others does not exist.
const FORGOTTEN_MAX: usize = 4_096;

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

    /// Moves a cursor forward, unless the device was forgotten. `true` if nothing was waiting to be written before.
    pub(crate) fn move_cursor(&self, device: DeviceNo, account: AccountNo, cursor: u64) -> bool {
        let mut devices = self.lock();
        if devices.is_forgotten(device) {
            return false;
        }
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

    /// As [`DeviceTable::save`], but for a session: the cursor never goes back, and a forgotten device stays forgotten.
    /// Gives what the device was before.
    ///
    /// # Errors
    /// [`AppendError::Overloaded`] if too many wait already.
    pub(crate) fn save_session(
        &self,
        device: DeviceNo,
        state: DeviceState,
        reply: SaveReply,
        waiting_max: usize,
    ) -> Result<Option<DeviceState>, AppendError> {
        let mut devices = self.lock();
        if devices.is_forgotten(device) {
            // There is nothing left to store, so nothing to wait for.
            let _ = reply.send(Ok(()));
            return Ok(None);
        }
        if devices.waiting >= waiting_max {
            return Err(AppendError::Overloaded);
        }
        let before = devices.states.get(device);
        let cursor = before.map_or(state.cursor, |before| before.cursor.max(state.cursor));
        devices.waiting += 1;
        devices.states.set(device, DeviceState { cursor, ..state });
        devices.dirty.entry(device).or_default().push(reply);
        Ok(before)
    }

    /// Takes a save back that failed: what it changed, and nobody changed since, is again as it was before.
    /// `true` if nothing was waiting to be written before.
    pub(crate) fn take_back(&self, device: DeviceNo, failed: DeviceState, before: Option<DeviceState>) -> bool {
        let mut devices = self.lock();
        let Some(state) = devices.states.get(device) else {
            return false;
        };
        let Some(before) = before else {
            return state == failed && devices.states.remove(device) && devices.mark(device);
        };
        let session = if state.session == failed.session {
            before.session
        } else {
            state.session
        };
        let cursor = if state.cursor == failed.cursor {
            before.cursor
        } else {
            state.cursor
        };
        devices.states.set(
            device,
            DeviceState {
                cursor,
                session,
                ..state
            },
        );
        devices.mark(device)
    }

    /// Forgets a device. `true` if nothing was waiting to be written before.
    pub(crate) fn forget(&self, device: DeviceNo) -> bool {
        let mut devices = self.lock();
        if !devices.states.remove(device) {
            return false;
        }
        if devices.forgotten.len() == FORGOTTEN_MAX {
            devices.forgotten.pop_front();
        }
        devices.forgotten.push_back(device);
        devices.mark(device)
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
    /// Only a device without a state can be, so the list is hardly ever looked through.
    fn is_forgotten(&self, device: DeviceNo) -> bool {
        self.states.get(device).is_none() && self.forgotten.contains(&device)
    }

    fn mark(&mut self, device: DeviceNo) -> bool {
        let first = self.dirty.is_empty();
        self.dirty.entry(device).or_default();
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::SessionState;

    const PHONE: DeviceNo = DeviceNo(7);

    fn state(cursor: u64, subscriptions: u8) -> DeviceState {
        DeviceState {
            account: AccountNo(1),
            cursor,
            session: Some(SessionState {
                subscriptions,
                expiry_s: 60,
                ended_at_ms: 0,
            }),
        }
    }

    fn known() -> DeviceTable {
        let mut states = DeviceStates::default();
        states.set(PHONE, state(5, 1));
        DeviceTable::new(states)
    }

    fn save(table: &DeviceTable, state: DeviceState) -> Option<DeviceState> {
        let (reply, _) = oneshot::channel();
        table.save_session(PHONE, state, reply, 10).expect("there is room")
    }

    #[test]
    fn a_session_that_is_still_ending_does_not_bring_a_forgotten_device_back() {
        let table = known();
        table.forget(PHONE);
        assert!(!table.move_cursor(PHONE, AccountNo(1), 9));
        let (reply, mut answer) = oneshot::channel();
        assert_eq!(table.save_session(PHONE, state(9, 1), reply, 10), Ok(None));
        assert_eq!(answer.try_recv(), Ok(Ok(())), "nobody waits for it");
        assert_eq!(table.get(PHONE), None);
        assert!(
            table.take(10).0.iter().all(|dirty| dirty.state.is_none()),
            "the log is told that it is forgotten"
        );
    }

    #[test]
    fn a_session_saved_with_an_older_cursor_does_not_set_it_back() {
        let table = known();
        table.move_cursor(PHONE, AccountNo(1), 8);
        assert_eq!(save(&table, state(5, 3)), Some(state(8, 1)));
        assert_eq!(table.get(PHONE), Some(state(8, 3)));
    }

    #[test]
    fn a_save_that_failed_is_taken_back_as_far_as_nobody_changed_it_since() {
        let table = known();
        let before = save(&table, state(20, 3));
        table.take_back(PHONE, state(20, 3), before);
        assert_eq!(table.get(PHONE), Some(state(5, 1)));

        let before = save(&table, state(20, 3));
        table.move_cursor(PHONE, AccountNo(1), 21);
        table.take_back(PHONE, state(20, 3), before);
        assert_eq!(
            table.get(PHONE),
            Some(state(21, 1)),
            "what was acknowledged since stays"
        );

        let empty = DeviceTable::default();
        let before = save(&empty, state(20, 3));
        empty.take_back(PHONE, state(20, 3), before);
        assert_eq!(empty.get(PHONE), None);
    }
}
