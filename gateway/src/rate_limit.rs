//! How much each app, device and address may ask for. Memory is bounded: callers are counted in a fixed number of slots.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use godwit_model::{AppNo, DeviceNo, Refusal};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::problem::Problem;
use crate::settings::{Rate, Settings};

/// Slots of one kind of caller. Two callers share one by chance only, and the hash's seed is secret.
const SLOTS: u64 = 1 << 17;

type Limiter = RateLimiter<u64, DashMapStateStore<u64>, DefaultClock, StateInformationMiddleware>;

/// Counts every kind of caller.
pub(crate) struct RateLimits {
    apps: Counter,
    vendors: Counter,
    devices: Counter,
    addresses: Counter,
    seed: RandomState,
}

struct Counter {
    limiter: Limiter,
    rate: Rate,
}

/// Who is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    App(AppNo),
    Device(DeviceNo),
    Address(IpAddr),
    /// A push vendor that reports.
    Vendor(&'static str),
}

/// What a caller has left; told in the headers of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    limit: NonZeroU32,
    remaining: u32,
    reset_s: u64,
}

impl RateLimits {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            apps: Counter::new(settings.app_rate),
            // A vendor reports for every phone of an app: it may ask as often as an app.
            vendors: Counter::new(settings.app_rate),
            devices: Counter::new(settings.device_rate),
            addresses: Counter::new(settings.address_rate),
            seed: RandomState::new(),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// `rate_limited` with `Retry-After`, besides the allowance, when there is nothing left.
    pub(crate) fn count(&self, key: Key) -> (Allowance, Result<(), Problem>) {
        match key {
            Key::App(app) => self.apps.count(self.slot(app)),
            Key::Vendor(vendor) => self.vendors.count(self.slot(vendor)),
            Key::Device(device) => self.devices.count(self.slot(device)),
            Key::Address(address) => self.addresses.count(self.slot(network(address))),
        }
    }

    fn slot(&self, key: impl Hash) -> u64 {
        self.seed.hash_one(key) % SLOTS
    }
}

impl Counter {
    fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self {
            limiter: RateLimiter::dashmap(quota).with_middleware(),
            rate,
        }
    }

    fn count(&self, slot: u64) -> (Allowance, Result<(), Problem>) {
        match self.limiter.check_key(&slot) {
            Ok(state) => (self.allowance(state.remaining_burst_capacity()), Ok(())),
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.limiter.clock().now());
                let wait_s = wait.as_millis().div_ceil(1_000).max(1);
                (self.allowance(0), Err(self.limited(wait_s)))
            }
        }
    }

    fn limited(&self, wait_s: u128) -> Problem {
        let Rate { per_second, burst } = self.rate;
        let detail = format!("at most {per_second} requests a second, {burst} at once; try again in {wait_s} s");
        Problem::new(Refusal::RateLimited, detail).with_header(header::RETRY_AFTER, number(wait_s))
    }

    fn allowance(&self, remaining: u32) -> Allowance {
        let missing = self.rate.burst.get().saturating_sub(remaining);
        Allowance {
            limit: self.rate.burst,
            remaining,
            reset_s: u64::from(missing.div_ceil(self.rate.per_second.get())),
        }
    }
}

impl Allowance {
    /// Tells what is left: of how many, how many, and in how many seconds all of them again.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(
            HeaderName::from_static("ratelimit-limit"),
            number(u128::from(self.limit.get())),
        );
        headers.insert(
            HeaderName::from_static("ratelimit-remaining"),
            number(u128::from(self.remaining)),
        );
        headers.insert(
            HeaderName::from_static("ratelimit-reset"),
            number(u128::from(self.reset_s)),
        );
    }
}

fn number(number: u128) -> HeaderValue {
    HeaderValue::from_str(&number.to_string()).expect("digits are a header value")
}

/// Who has one IPv6 address has at least its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_counted_together() {
        let settings = Settings {
            address_rate: Rate::new(1, 2),
            ..Settings::default()
        };
        let limits = RateLimits::new(&settings);
        let count = |address: &str| limits.count(Key::Address(address.parse().unwrap()));
        assert!(count("2001:db8::1").1.is_ok());
        let (left, result) = count("2001:db8::2");
        assert!(result.is_ok());
        assert_eq!((left.remaining, left.reset_s), (0, 2));
        assert_eq!(count("2001:db8::3").1.unwrap_err().code(), "rate_limited");
        assert!(count("192.0.2.1").1.is_ok());
        assert!(count("::ffff:192.0.2.1").1.is_ok());
        assert!(count("192.0.2.1").1.is_err());
    }
}
