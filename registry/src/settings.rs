//! What an operator may set about the registry, with defaults.

use godwit_model::limits;

/// Settings of the registry.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a ticket lives when the app names no time, in seconds.
    pub ticket_ttl_default_s: u64,
    /// The longest life an app may give a ticket, in seconds.
    pub ticket_ttl_max_s: u64,
    /// How long an access token lives, in seconds.
    pub access_token_ttl_s: u64,
    /// Most live devices of one account.
    pub devices_per_account_max: usize,
    /// Most members of one group.
    pub group_members_max: usize,
    /// Most messages of one sender that are kept back at once.
    pub kept_back_per_sender_max: usize,
    /// What checking an app's secret costs.
    pub secret_cost: SecretCost,
    /// Most app secrets checked at the same time.
    pub secret_checks_max: usize,
    /// Most requests that wait for a check of an app's secret; more are refused as overloaded.
    pub secret_checks_waiting_max: usize,
    /// Most devices kept in memory.
    pub cached_devices_max: u64,
    /// Most accounts kept in memory.
    pub cached_accounts_max: u64,
    /// Most group members kept in memory, over all groups.
    pub cached_members_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ticket_ttl_default_s: 300,
            ticket_ttl_max_s: 3_600,
            access_token_ttl_s: 3_600,
            devices_per_account_max: 100,
            group_members_max: limits::GROUP_MEMBERS_MAX,
            kept_back_per_sender_max: 10_000,
            secret_cost: SecretCost::default(),
            secret_checks_max: 2,
            secret_checks_waiting_max: 64,
            cached_devices_max: 200_000,
            cached_accounts_max: 400_000,
            cached_members_max: 1_000_000,
        }
    }
}

/// The cost of one argon2id check. The default follows OWASP's advice for 2025.
#[derive(Clone, Copy, Debug)]
pub struct SecretCost {
    /// Memory in KiB; at least 8.
    pub memory_kib: u32,
    /// Passes over the memory; at least 1.
    pub passes: u32,
}

impl Default for SecretCost {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
        }
    }
}
