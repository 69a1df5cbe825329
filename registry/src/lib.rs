//! Who exists, who may, and who is where: tenants, apps, users and their accounts, devices, push tokens, groups. Knows
//! no message.
//!
//! [`Registry`] is the one door. Expected refusals are [`Error::Refused`]; everything else is [`Error::Failed`].
#![deny(missing_docs)]

mod access_token;
mod account;
mod app;
mod app_sheet;
mod asker;
mod audit;
mod broadcast;
mod client_version;
mod credential;
mod crowd;
mod device;
mod error;
mod event;
mod group;
mod hook;
mod join_request;
mod keys;
mod membership;
mod opaque;
mod push_debt;
mod push_token;
mod random;
mod reading;
mod registration;
mod registry;
mod resolved;
mod roster;
mod schedule;
mod scope;
mod secret;
mod settings;
mod shelf;
mod tenant;
mod ticket;
mod trial;
mod user;
mod webhook;

pub use access_token::AccessToken;
pub use account::Account;
pub use app::{App, NewApp};
pub use app_sheet::{AppSheet, SECRET_OVERLAP_MAX_S};
pub use asker::Asker;
pub use audit::{AuditLine, AuditQuery, NewAuditLine};
pub use broadcast::{BroadcastCommand, BroadcastRecord, BroadcastState, NewBroadcast, PageSent, Step};
pub use client_version::{ClientVersions, Update};
pub use crowd::{Crowd, CrowdPage, Gathered};
pub use device::Device;
pub use error::Error;
pub use event::StoredEvent;
pub use godwit_store::{
    ConversationState, Count, Decision, DuePush, Expected, GroupLine, GroupSettings, LedgerLine, LedgerQuery,
    MuteSubject, Muted, NEVER_MS, Owed, PushJob, PushableDevice, RECEIPT, ReadElsewhere, RetiredPushToken, RosterKind,
    RosterRecord, RostersOf, Settled, Settlement, TemplateRecord, TenantRecord, UntoldChange, UserRecord,
};
pub use group::{Group, Member, NewGroup};
pub use hook::{Hook, HookSays};
pub use join_request::JoinRequest;
pub use keys::master_key_check;
pub use membership::Change;
pub use push_token::{KeptPushToken, PushDetails, PushDevice, PushToken};
pub use registration::{Proof, Registered, Registration};
pub use registry::Registry;
pub use resolved::Resolved;
pub use roster::{MembersChange, NewRoster};
pub use schedule::{NewSchedule, ScheduleChange, ScheduleRecord, ScheduleState, SchedulesOf, UnsentDraft};
pub use scope::{Scope, Scopes, UnknownScope};
pub use settings::{SecretCost, Settings};
pub use ticket::Ticket;
pub use trial::Trial;
pub use user::{Profile, UserLine};
pub use webhook::{
    CALL_SECRET_OVERLAP_MAX_S, CallSecret, Delivery, DeliveryState, SettledDelivery, Tried, Webhook, WebhookProgress,
    WebhookSays,
};
