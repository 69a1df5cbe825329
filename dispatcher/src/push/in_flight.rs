//! Which devices something is on its way to, so that a logout is answered only when nothing is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use godwit_model::DeviceNo;
use tokio::sync::Notify;

/// Where something is on its way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// A device.
    Device(DeviceNo),
    /// Whoever has the token with this hash.
    Token([u8; 32]),
}

/// Where something is on its way to; two places for each attempt under way.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    places: Mutex<HashMap<Place, usize>>,
    left: Notify,
}

/// Something on its way.
pub(crate) struct Flight {
    sky: Arc<InFlight>,
    place: Place,
}

impl InFlight {
    /// Begins an attempt. That the place is still the right one must be asked after this.
    pub(crate) fn begin(self: &Arc<Self>, place: Place) -> Flight {
        *self.lock().entry(place).or_default() += 1;
        Flight {
            sky: Arc::clone(self),
            place,
        }
    }

    /// Returns when nothing is on its way to a place.
    pub(crate) async fn gone(&self, place: Place) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if !self.lock().contains_key(&place) {
                return;
            }
            left.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, usize>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut places = self.sky.lock();
        if let Some(count) = places.get_mut(&self.place) {
            *count -= 1;
            if *count == 0 {
                places.remove(&self.place);
            }
        }
        drop(places);
        self.sky.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Waker};

    #[test]
    fn a_device_is_waited_for_until_the_last_attempt_has_ended() {
        let sky = Arc::new(InFlight::default());
        let place = |no| Place::Device(DeviceNo(no));
        let (one, other) = (sky.begin(place(1)), sky.begin(place(1)));
        let _stranger = sky.begin(place(2));
        let mut context = Context::from_waker(Waker::noop());
        let mut gone = std::pin::pin!(sky.gone(place(1)));
        assert!(gone.as_mut().poll(&mut context).is_pending());
        drop(one);
        assert!(gone.as_mut().poll(&mut context).is_pending());
        drop(other);
        assert!(gone.as_mut().poll(&mut context).is_ready());
    }
}
