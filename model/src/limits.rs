//! Every upper bound of the platform that is not a setting, with its reason.

/// Largest draft the platform takes, in bytes of JSON. Well above a text, well below a file: files go by storage id.
pub const DRAFT_BYTES_MAX: usize = 64 * 1024;

/// Longest client message id, in bytes; the same as common idempotency keys (Stripe: 255).
pub const MESSAGE_ID_BYTES_MAX: usize = 255;

/// How deep a draft's JSON may be nested; common parsers give up at 128 (`serde_json`'s default), and receivers wrap it.
pub const JSON_NESTING_MAX: usize = 64;

/// Most user properties of MQTT 5 kept with a message.
pub const PROPERTIES_MAX: usize = 32;

/// Most bytes of their names and values, all together.
pub const PROPERTY_BYTES_MAX: usize = 4_096;

/// How long a client's message id is remembered, in milliseconds (72 hours).
pub const DUPLICATE_WINDOW_MS: u64 = 72 * 60 * 60 * 1000;

/// Most recipients numbered inside the commit of their message; above, numbering follows from a durable intent.
pub const INLINE_RECIPIENTS_MAX: usize = 1_000;

/// Most recipients numbered by one step of a fan-out, so that other senders' commits pass between two steps.
pub const FANOUT_CHUNK_RECIPIENTS: usize = 1_000;

/// Most members of a group until broadcasting groups arrive.
pub const GROUP_MEMBERS_MAX: usize = 100_000;

/// Most users who ask to join one group at a time.
pub const JOIN_REQUESTS_MAX: usize = 10_000;

/// Most users the message of a group's change names; beyond, clients ask for the group.
pub const GROUP_CHANGE_NAMES_MAX: usize = 100;

/// Most names in `target` or in a list of recipients.
pub const TARGETS_MAX: usize = 10_000;

/// Longest time for which a message can be kept back, in seconds (10 days).
pub const DELIVER_AFTER_S_MAX: u32 = 864_000;

/// Longest time for which a message says it is to be shown, in seconds (a year).
pub const TTL_S_MAX: u32 = 365 * 24 * 3_600;

/// Most recipients of one message; more are for a broadcast job, which is throttled and can be stopped. 800 KB of numbers.
pub const RECIPIENTS_MAX: usize = 100_000;

/// Most tags, organisations and words that combine them in one audience.
pub const AUDIENCE_TERMS_MAX: usize = 32;

/// How deep they may be nested.
pub const AUDIENCE_DEPTH_MAX: usize = 8;

/// How many departments may stand above one another.
pub const ORG_DEPTH_MAX: usize = 32;

/// Most entries one page holds.
pub const PAGE_ENTRIES_MAX: usize = 500;

/// Entries on a page when the client names no number.
pub const PAGE_ENTRIES_DEFAULT: usize = 50;
