//! Messages that wait for their time.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, blob, string, string_null, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let schedules = Table::create()
            .table("schedules")
            .col(big_pk_auto("schedule_no"))
            .col(string("schedule_id").unique_key())
            .col(big_integer("tenant_no"))
            .col(string("author"))
            .col(big_integer_null("app_no"))
            .col(big_integer_null("account_no"))
            .col(string_null("device_id"))
            .col(string("draft_id"))
            .col(blob("fingerprint"))
            .col(text("draft"))
            .col(big_integer_null("lifetime_ms"))
            .col(big_integer("created_at_ms"))
            .col(big_integer("due_at_ms"))
            .col(string("state"))
            .col(big_integer("version"))
            .col(string_null("server_id"))
            .col(string_null("code"))
            .col(big_integer_null("done_at_ms"))
            .foreign_key(
                ForeignKey::create()
                    .from("schedules", "tenant_no")
                    .to("tenants", "tenant_no"),
            )
            .take();
        manager.create_table(schedules).await?;
        let of_draft = Index::create()
            .name("schedules_of_draft")
            .table("schedules")
            .col("tenant_no")
            .col("author")
            .col("draft_id")
            .unique()
            .take();
        manager.create_index(of_draft).await?;
        let due = Index::create()
            .name("schedules_due")
            .table("schedules")
            .col("state")
            .col("due_at_ms")
            .take();
        manager.create_index(due).await
    }
}
