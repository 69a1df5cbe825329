//! What the business systems of tenants said of groups and users.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, string, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let resolved = Table::create()
            .table("resolved")
            .col(big_integer("tenant_no"))
            .col(string("subject"))
            .col(text("answer"))
            .col(big_integer("at_ms"))
            .col(boolean("outdated"))
            .col(big_integer("version"))
            .primary_key(Index::create().col("tenant_no").col("subject"))
            .foreign_key(
                ForeignKey::create()
                    .from("resolved", "tenant_no")
                    .to("tenants", "tenant_no"),
            )
            .take();
        manager.create_table(resolved).await
    }
}
