//! Users who ask to join groups that approve of each.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer;

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let requests = Table::create()
            .table("join_requests")
            .col(big_integer("group_no"))
            .col(big_integer("account_no"))
            .col(big_integer("asked_at_ms"))
            .primary_key(Index::create().col("group_no").col("account_no"))
            .foreign_key(
                ForeignKey::create()
                    .from("join_requests", "group_no")
                    .to("groups", "group_no"),
            )
            .foreign_key(
                ForeignKey::create()
                    .from("join_requests", "account_no")
                    .to("accounts", "account_no"),
            )
            .take();
        manager.create_table(requests).await?;
        let of_account = Index::create()
            .name("join_requests_of_account")
            .table("join_requests")
            .col("account_no")
            .take();
        manager.create_index(of_account).await
    }
}
