//! Tenants that may not use the platform for a while.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer_null;

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alter = Table::alter()
            .table("tenants")
            .add_column(big_integer_null("suspended_at_ms").take())
            .take();
        manager.alter_table(alter).await
    }
}
