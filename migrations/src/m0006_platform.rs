//! Which platform the database belongs to: one row.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{blob, integer, string};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let platform = Table::create()
            .table("platform")
            .col(integer("only").primary_key())
            .col(string("platform_id"))
            .col(blob("key_check"))
            .take();
        manager.create_table(platform).await
    }
}
