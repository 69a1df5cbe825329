//! The schema of the store, forward only: one file per step, valid on SQLite and PostgreSQL.
//!
//! A step that has shipped is never edited; a change is a new step at the end of the list.
#![deny(missing_docs)]
#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` hides the lifetime, and `async_trait` wants the same spelling"
)]

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m0001_tenants_and_apps;
mod m0002_accounts_and_devices;
mod m0003_tickets;
mod m0004_groups;
mod m0005_untold_changes;
mod m0006_platform;
mod m0007_push;
mod m0008_push_life;
mod m0009_users_and_apps_managed;
mod m0010_groups_managed;
mod m0011_shared_pushes;
mod m0012_rosters;
mod m0013_schedules;
mod m0014_audit;
mod m0015_broadcasts;
mod m0016_suspended_tenants;
mod m0017_join_requests;
mod m0018_webhooks;
mod m0019_resolved;

/// Every step of the schema, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_tenants_and_apps::Step),
            Box::new(m0002_accounts_and_devices::Step),
            Box::new(m0003_tickets::Step),
            Box::new(m0004_groups::Step),
            Box::new(m0005_untold_changes::Step),
            Box::new(m0006_platform::Step),
            Box::new(m0007_push::Step),
            Box::new(m0008_push_life::Step),
            Box::new(m0009_users_and_apps_managed::Step),
            Box::new(m0010_groups_managed::Step),
            Box::new(m0011_shared_pushes::Step),
            Box::new(m0012_rosters::Step),
            Box::new(m0013_schedules::Step),
            Box::new(m0014_audit::Step),
            Box::new(m0015_broadcasts::Step),
            Box::new(m0016_suspended_tenants::Step),
            Box::new(m0017_join_requests::Step),
            Box::new(m0018_webhooks::Step),
            Box::new(m0019_resolved::Step),
        ]
    }
}
