//! How many connections there may be: in all, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places for connections.
#[derive(Debug)]
pub(crate) struct Places {
    max: usize,
    per_address_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A taken place; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: Option<IpAddr>,
}

impl Places {
    pub(crate) fn new(max: usize, per_address_max: usize) -> Self {
        Self {
            max,
            per_address_max,
            taken: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Nothing that runs under the lock can leave the numbers half changed.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a client at `address`, when it is known. `None` is counted.
    pub(crate) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let address = address.map(network);
        let refused = {
            let mut taken = self.lock();
            let from_there = address.map_or(0, |address| taken.by_address.get(&address).copied().unwrap_or(0));
            if taken.all >= self.max {
                Some("all_taken")
            } else if from_there >= self.per_address_max {
                Some("address")
            } else {
                taken.all += 1;
                if let Some(address) = address {
                    taken.by_address.insert(address, from_there + 1);
                }
                None
            }
        };
        if let Some(reason) = refused {
            metrics::counter!("mqtt_connections_refused_total", "reason" => reason).increment(1);
            return None;
        }
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Some(address) = self.address
            && let Some(count) = taken.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// One customer usually has a whole IPv6 /64, but one IPv4 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_per_network_and_come_back() {
        let places = Arc::new(Places::new(3, 2));
        let address = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
        let first = places.take(address("2001:db8::1"));
        let second = places.take(address("2001:db8::2"));
        assert!(first.is_some() && second.is_some());
        assert!(places.take(address("2001:db8::3")).is_none(), "the same /64");
        let third = places.take(address("::ffff:10.0.0.1"));
        assert!(third.is_some());
        assert!(places.take(address("10.0.0.2")).is_none(), "all are taken");
        drop((first, third));
        assert!(places.take(address("2001:db8::3")).is_some());
        drop(second);
        assert_eq!(places.lock().all, 0);
        assert!(places.lock().by_address.is_empty());
    }
}
