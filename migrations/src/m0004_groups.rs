//! Groups and their members; who left keeps its row, with the number of the message that said so.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, string};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        groups(manager).await?;
        members(manager).await
    }
}

async fn groups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let groups = Table::create()
        .table("groups")
        .col(big_pk_auto("group_no"))
        .col(big_integer("tenant_no"))
        .col(string("group_id"))
        .col(string("name"))
        .col(big_integer("version"))
        .col(big_integer("created_at_ms"))
        .col(big_integer_null("dissolved_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("groups", "tenant_no")
                .to("tenants", "tenant_no"),
        )
        .take();
    manager.create_table(groups).await?;
    // A dissolved group's id is free again; its number never is.
    let live_id = Index::create()
        .name("groups_live_id")
        .table("groups")
        .col("tenant_no")
        .col("group_id")
        .unique()
        .cond_where(Expr::col("dissolved_at_ms").is_null())
        .take();
    manager.create_index(live_id).await
}

async fn members(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let members = Table::create()
        .table("members")
        .col(big_integer("group_no"))
        .col(big_integer("account_no"))
        .col(string("role"))
        .col(big_integer("joined_at_ms"))
        .col(big_integer_null("joined_conv_seq"))
        .col(big_integer_null("left_at_ms"))
        .col(big_integer_null("left_conv_seq"))
        .primary_key(Index::create().col("group_no").col("account_no"))
        .foreign_key(
            ForeignKey::create()
                .from("members", "group_no")
                .to("groups", "group_no"),
        )
        .foreign_key(
            ForeignKey::create()
                .from("members", "account_no")
                .to("accounts", "account_no"),
        )
        .take();
    manager.create_table(members).await?;
    let of_account = Index::create()
        .name("members_of_account")
        .table("members")
        .col("account_no")
        .cond_where(Expr::col("left_at_ms").is_null())
        .take();
    manager.create_index(of_account).await
}
