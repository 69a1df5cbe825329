//! Tickets not yet used; using one deletes its row.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, string_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tickets = Table::create()
            .table("tickets")
            .col(blob("ticket_hash").primary_key())
            .col(big_integer("account_no"))
            .col(string_null("unique_code"))
            .col(big_integer("expires_at_ms"))
            .foreign_key(
                ForeignKey::create()
                    .from("tickets", "account_no")
                    .to("accounts", "account_no"),
            )
            .take();
        manager.create_table(tickets).await?;
        let expiring = Index::create()
            .name("tickets_expiring")
            .table("tickets")
            .col("expires_at_ms")
            .take();
        manager.create_index(expiring).await
    }
}
