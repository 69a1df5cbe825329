//! How patient the telling of events is, and how much of it at once. Times are milliseconds where they say so.

use std::time::Duration;

/// How patient the telling of events is, and how much of it at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSettings {
    /// Whether webhooks and hooks may be at private addresses, and speak plain HTTP.
    pub private_addresses: bool,
    /// How long a webhook may take to answer.
    pub time_limit: Duration,
    /// The first pause before an event is told again; the next is twice as long, each with jitter.
    pub retry_ms: u64,
    /// The longest such pause.
    pub retry_max_ms: u64,
    /// For how long an event is told again before it is dead.
    pub give_up_ms: u64,
    /// How long it is kept what was tried.
    pub log_ms: u64,
    /// How long dead events are kept.
    pub dead_ms: u64,
    /// How long events are kept that are in no log.
    pub kept_ms: u64,
    /// Most webhooks of a tenant.
    pub webhooks_max: u64,
    /// Calls under way at once to one webhook.
    pub in_flight: usize,
    /// Those who may wait for events to come, over all tenants.
    pub pulls_max: usize,
}

const DAY_MS: u64 = 24 * 3_600_000;

impl Default for EventSettings {
    fn default() -> Self {
        Self {
            private_addresses: false,
            time_limit: Duration::from_secs(15),
            retry_ms: 5_000,
            retry_max_ms: 900_000,
            give_up_ms: 3 * DAY_MS,
            log_ms: 7 * DAY_MS,
            dead_ms: 30 * DAY_MS,
            kept_ms: 7 * DAY_MS,
            webhooks_max: 20,
            in_flight: 8,
            pulls_max: 1_000,
        }
    }
}
