//! What an operator may set about the REST door, with defaults.

use std::num::NonZeroU32;
use std::time::Duration;

/// Settings of the REST door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a request may take to be answered.
    pub request_timeout: Duration,
    /// What one app may ask for.
    pub app_rate: Rate,
    /// What one device may ask for.
    pub device_rate: Rate,
    /// What one address may ask for without credentials, or with wrong ones. IPv6 addresses count by their /64.
    pub address_rate: Rate,
    /// How many proxies of the operator's own stand before this door and append to `X-Forwarded-For`. With 0 that header
    /// is not read.
    pub trusted_proxies: usize,
    /// Where clients find this door, for example `https://im.example.org`; the MQTT-over-WebSocket address follows from it.
    pub public_url: Option<String>,
    /// Origins whose pages may call this door, for example `https://admin.example.org`. None by default.
    pub cors_origins: Vec<String>,
    /// Whether `/try` is there: a page that gives demo credentials to whoever opens it on this machine. The server turns it
    /// on where only this machine can connect.
    pub try_page: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            body_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            app_rate: Rate::new(1_000, 2_000),
            device_rate: Rate::new(50, 200),
            address_rate: Rate::new(50, 200),
            trusted_proxies: 0,
            public_url: None,
            cors_origins: Vec::new(),
            try_page: false,
        }
    }
}

/// A steady rate, and how much may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second in the long run.
    pub per_second: NonZeroU32,
    /// Requests that may come at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate; zeros become ones.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second: at_least_one(per_second),
            burst: at_least_one(burst),
        }
    }
}

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}
