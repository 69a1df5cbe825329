//! The bounds of one session.

use godwit_model::limits::DRAFT_BYTES_MAX;

/// What one session may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Milliseconds from the accepted connection to the answered CONNECT. Default 10,000.
    pub connect_timeout_ms: u64,
    /// Bytes of the largest CONNECT, the only packet of a stranger. Default 16 KiB.
    pub connect_bytes_max: usize,
    /// Bytes of the largest packet of a device. Default: the largest draft and 4 KiB for topic and properties.
    pub packet_bytes_max: usize,
    /// Publications taken from a client before the first of them is answered; the receive maximum of MQTT 5.
    /// Default 64.
    pub publications_max: u16,
    /// QoS 2 packet ids a 3.1.1 client may hold unreleased; one more ends the session. Default 1,024.
    pub unreleased_max: usize,
    /// Deliveries in flight to a client that names no receive maximum, or a larger one. Default 100.
    pub deliveries_max: u16,
    /// Seconds of the longest keep-alive an MQTT 5 client gets; 3.1.1 clients cannot be told. Default 1,200.
    pub keep_alive_max_s: u16,
    /// Seconds of the longest session expiry an MQTT 5 client gets; `u32::MAX` is for ever. Default for ever.
    pub session_expiry_max_s: u32,
    /// Where MQTT 5 clients are sent when this server stops; `None` is nowhere, then they are told that it stops.
    pub server_reference: Option<Box<str>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 10_000,
            connect_bytes_max: 16 * 1024,
            packet_bytes_max: DRAFT_BYTES_MAX + 4 * 1024,
            publications_max: 64,
            unreleased_max: 1_024,
            deliveries_max: 100,
            keep_alive_max_s: 1_200,
            session_expiry_max_s: u32::MAX,
            server_reference: None,
        }
    }
}
