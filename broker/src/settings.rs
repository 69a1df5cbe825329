//! Everything about the MQTT door that can be set.

use std::time::Duration;

use crate::session;

/// The limits of the door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bounds of one session.
    pub session: session::Limits,
    /// Connections at once. Default 200,000; the operating system's file limit is usually lower.
    pub connections_max: usize,
    /// Connections at once from one IPv4 address or one IPv6 /64. Default 20,000: many phones share one address.
    pub connections_per_address_max: usize,
    /// Connections at once of one account. Default 100.
    pub connections_per_account_max: usize,
    /// Threads that carry the bytes of connections over TCP and TLS; 0 (the default): one for each core but one, which is left to
    /// the archive's writer, and at least one.
    pub threads: usize,
    /// Pages of inboxes read from the disk at the same time, over all connections; the others wait their turn. Default 32.
    pub page_reads_max: usize,
    /// How long pending publications are waited for when the door closes. Default 5 s.
    pub drain_timeout: Duration,
    /// How long a client has to take the last bytes of a session that ended. Default 5 s.
    pub farewell_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session: session::Limits::default(),
            connections_max: 200_000,
            connections_per_address_max: 20_000,
            connections_per_account_max: 100,
            threads: 0,
            page_reads_max: 32,
            drain_timeout: Duration::from_secs(5),
            farewell_timeout: Duration::from_secs(5),
        }
    }
}
