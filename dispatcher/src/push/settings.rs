//! How patient push is, and how much of it at once. Times are milliseconds.

use std::collections::BTreeMap;

use godwit_push::VendorName;

/// How patient push is, and how much of it at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSettings {
    /// How long a device with a session, or whose account has one elsewhere, may take to acknowledge.
    pub grace_ms: u64,
    /// How long the push of a message is of use.
    pub message_ms: u64,
    /// How long a ringing is of use.
    pub call_ms: u64,
    /// The first pause between pushes of one conversation to one device; the next is twice as long.
    pub window_ms: u32,
    /// The longest such pause.
    pub window_max_ms: u32,
    /// The first pause before an attempt is repeated; the next is twice as long, each with jitter.
    pub retry_ms: u64,
    /// The longest such pause.
    pub retry_max_ms: u64,
    /// After how many attempts the device's next vendor is tried, where it has one.
    pub attempts_max: u32,
    /// How long the ledger is kept.
    pub ledger_ms: u64,
    /// Pushes under way at once to one vendor that takes one device at a time.
    pub in_flight_max: usize,
    /// Pushes under way at once to one vendor that takes several devices in one request.
    pub batched_max: usize,
    /// How long equal pushes to such a vendor are gathered.
    pub linger_ms: u64,
    /// Devices of one page of the stored numbers that are looked through.
    pub page: usize,
    /// Accounts that moved, or whose grace runs, in memory; 8 bytes each. Beyond, the stored numbers are looked through.
    pub accounts_max: usize,
    /// For how long vendors reach a device that gives no sign of life, by the vendor's name; without end for others.
    pub idle_ms: BTreeMap<&'static str, u64>,
    /// Whether the other phones of an account are told the unread count in silence when something was read.
    pub badge_updates: bool,
    /// Whether lines are written about messages that are owed no push.
    pub ledger_not_due: bool,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            grace_ms: 4_000,
            message_ms: 24 * 3_600_000,
            call_ms: 60_000,
            window_ms: 3_000,
            window_max_ms: 30_000,
            retry_ms: 1_000,
            retry_max_ms: 300_000,
            attempts_max: 5,
            ledger_ms: 30 * 24 * 3_600_000,
            in_flight_max: 256,
            batched_max: 2_000,
            linger_ms: 50,
            page: 500,
            accounts_max: 500_000,
            idle_ms: idle(&godwit_push::Settings::default()),
            badge_updates: true,
            ledger_not_due: true,
        }
    }
}

/// For how long the vendors of these settings reach a device that gives no sign of life.
pub fn idle(vendors: &godwit_push::Settings) -> BTreeMap<&'static str, u64> {
    let days = |name: VendorName| Some((name.as_str(), u64::from(vendors.idle_days(name)?) * 24 * 3_600_000));
    VendorName::ALL.into_iter().filter_map(days).collect()
}
