//! Changes of groups whose members have not been told yet.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, string, string_null, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let untold = Table::create()
            .table("untold_changes")
            .col(big_pk_auto("change_no"))
            .col(big_integer("group_no"))
            .col(string("message_id"))
            .col(string("event"))
            .col(string("by_name"))
            .col(string_null("role"))
            .col(text("accounts"))
            .col(text("users"))
            .foreign_key(
                ForeignKey::create()
                    .from("untold_changes", "group_no")
                    .to("groups", "group_no"),
            )
            .take();
        manager.create_table(untold).await?;
        let of_group = Index::create()
            .name("untold_changes_of_group")
            .table("untold_changes")
            .col("group_no")
            .take();
        manager.create_index(of_group).await
    }
}
