//! Broadcasts: jobs that bring one message to any number of accounts, page by page.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, blob, blob_null, boolean, string, string_null, text,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        broadcasts(manager).await?;
        pages(manager).await
    }
}

async fn broadcasts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let broadcasts = Table::create()
        .table("broadcasts")
        .col(big_pk_auto("broadcast_no"))
        .col(string("broadcast_id").unique_key())
        .col(big_integer("tenant_no"))
        .col(string("author"))
        .col(big_integer("app_no"))
        .col(string("draft_id"))
        .col(blob("fingerprint"))
        .col(text("draft"))
        .col(big_integer_null("lifetime_ms"))
        .col(big_integer_null("rate"))
        .col(boolean("held"))
        .col(big_integer("created_at_ms"))
        .col(big_integer("due_at_ms"))
        .col(string("state"))
        .col(big_integer("version"))
        .col(big_integer_null("estimate"))
        .col(big_integer("after_account_no"))
        .col(big_integer("pages"))
        .col(big_integer("accounts"))
        .col(blob_null("page"))
        .col(big_integer_null("began_at_ms"))
        .col(big_integer_null("done_at_ms"))
        .col(string_null("code"))
        .foreign_key(
            ForeignKey::create()
                .from("broadcasts", "tenant_no")
                .to("tenants", "tenant_no"),
        )
        .foreign_key(ForeignKey::create().from("broadcasts", "app_no").to("apps", "app_no"))
        .take();
    manager.create_table(broadcasts).await?;
    let of_draft = Index::create()
        .name("broadcasts_of_draft")
        .table("broadcasts")
        .col("tenant_no")
        .col("author")
        .col("draft_id")
        .unique()
        .take();
    manager.create_index(of_draft).await?;
    let of_state = Index::create()
        .name("broadcasts_of_state")
        .table("broadcasts")
        .col("state")
        .take();
    manager.create_index(of_state).await
}

/// The message of each page, for the report.
async fn pages(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let pages = Table::create()
        .table("broadcast_pages")
        .col(big_integer("broadcast_no"))
        .col(big_integer("page_no"))
        .col(string("server_id"))
        .primary_key(Index::create().col("broadcast_no").col("page_no"))
        .foreign_key(
            ForeignKey::create()
                .from("broadcast_pages", "broadcast_no")
                .to("broadcasts", "broadcast_no"),
        )
        .take();
    manager.create_table(pages).await
}
