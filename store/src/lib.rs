//! Everything relational, on SQLite or PostgreSQL: one method is one fact in one transaction.
//!
//! Start at [`Store::open`]; the methods are in one file per noun. Absence is `Ok(None)`, and no transaction
//! leaves this crate. Numbers and times travel as the model's types and as milliseconds since 1970.
#![deny(missing_docs)]

mod accounts;
mod apps;
mod audit;
mod broadcasts;
mod client_versions;
mod conversation_states;
mod copy;
mod crowds;
mod devices;
mod error;
mod events;
mod expected;
mod groups;
mod hooks;
mod join_requests;
mod members;
mod mutes;
mod number;
mod open;
mod platform;
mod push_jobs;
mod push_ledger;
mod push_marks;
mod push_templates;
mod push_tokens;
mod push_wishes;
mod resolved;
mod rosters;
mod schedules;
mod terms;
mod tickets;
mod transaction;
mod untold_changes;
mod users;
mod webhooks;

pub use accounts::AccountRecord;
pub use apps::{AppChange, AppRecord, NewApp, TenantRecord};
pub use audit::{AuditLine, AuditQuery, NewAuditLine};
pub use broadcasts::{
    BroadcastCommand, BroadcastRecord, BroadcastState, MalformedBroadcastState, NewBroadcast, PageSent, Step,
};
pub use client_versions::ClientVersions;
pub use conversation_states::{ConversationState, Count};
pub use copy::copy_sqlite;
pub use crowds::Crowd;
pub use devices::{DeviceFacts, DeviceRecord, NewDevice, RegisterOutcome, Renewal};
pub use error::Error;
pub use events::StoredEvent;
pub use expected::{Expected, Versioned};
pub use groups::{CreateGroupOutcome, DissolveOutcome, GroupLine, GroupRecord, GroupSettings, NewGroup, NewMember};
pub use hooks::{HookRecord, HookSays};
pub use join_requests::{JoinAsked, JoinRequest};
pub use members::{MemberChange, MemberRecord};
pub use mutes::{MuteSubject, Muted};
pub use platform::PlatformRecord;
pub use push_jobs::{Decision, DuePush, NEVER_MS, Owed, PushJob, ReadElsewhere, Settled, Settlement};
pub use push_ledger::{LedgerLine, LedgerQuery, RECEIPT};
pub use push_templates::TemplateRecord;
pub use push_tokens::{NewPushToken, PushDeviceRecord, PushTokenRecord, PushableDevice, RetiredPushToken};
pub use resolved::Resolved;
pub use rosters::{NewRoster, PutRosterOutcome, RemoveRosterOutcome, RosterKind, RosterRecord, RostersOf};
pub use schedules::{
    MalformedScheduleState, NewSchedule, ScheduleChange, ScheduleRecord, ScheduleState, SchedulesOf, UnsentDraft,
};
pub use terms::{Telling, Terms};
pub use tickets::{NewTicket, TicketRecord};
pub use untold_changes::UntoldChange;
pub use users::{NewUser, RemoveUserOutcome, UserRecord};
pub use webhooks::{
    Delivery, DeliveryState, MalformedDeliveryState, NewWebhook, Settled as SettledDelivery, Tried, WebhookChange,
    WebhookProgress, WebhookRecord, WebhookSays,
};

use sea_orm::DatabaseConnection;

/// Most rows one statement inserts or names, far below the bind limits of both databases.
const CHUNK_ROWS: usize = 500;

/// The relational store: a cheap handle on one database.
#[derive(Clone, Debug)]
pub struct Store {
    /// The one connection that writes on SQLite; a pool on PostgreSQL.
    writer: DatabaseConnection,
    /// The connections that read; the writer itself in memory and on PostgreSQL.
    reader: DatabaseConnection,
    /// Keeps a database in memory alive.
    #[expect(dead_code, reason = "it is held, never used")]
    anchor: Option<DatabaseConnection>,
}
