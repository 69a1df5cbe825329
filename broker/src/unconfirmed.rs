//! How far devices were sent when their connections ended, so that a resend can be marked as one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use godwit_model::DeviceNo;

/// Devices remembered; the resends of others are not marked, which MQTT clients must bear anyway after a restart.
const DEVICES_MAX: usize = 100_000;

/// The highest number sent to devices that left without acknowledging everything.
#[derive(Debug, Default)]
pub(crate) struct Unconfirmed(Mutex<HashMap<DeviceNo, u64>>);

impl Unconfirmed {
    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceNo, u64>> {
        // Each change is one call, so that nothing can be half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that a device left with everything up to `sent` on its way.
    pub(crate) fn note(&self, device: DeviceNo, sent: u64) {
        let mut devices = self.lock();
        if devices.len() < DEVICES_MAX || devices.contains_key(&device) {
            devices.insert(device, sent);
        }
    }

    /// Takes what is remembered of a device; 0 when nothing is.
    pub(crate) fn take(&self, device: DeviceNo) -> u64 {
        self.lock().remove(&device).unwrap_or(0)
    }
}
