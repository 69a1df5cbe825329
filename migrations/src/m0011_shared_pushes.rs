//! Pushes that went to several devices in one request, and the id that they have in common.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::blob_null;

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let shared = Table::alter()
            .table("push_jobs")
            .add_column(blob_null("shared_id"))
            .take();
        manager.alter_table(shared).await?;
        // The most urgent of very many is found without looking at the rest.
        let urgent = Index::create()
            .name("push_jobs_by_urgency")
            .table("push_jobs")
            .col("vendor")
            .col("priority")
            .col("due_at_ms")
            .take();
        manager.create_index(urgent).await
    }
}
