//! Rosters: named lists of users. Tags lie side by side, organisations and their departments form a tree. And which app
//! brought which user.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, string};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rosters(manager).await?;
        pairs(manager, ("roster_members", "roster_no"), ("rosters", "roster_no")).await?;
        pairs(manager, ("app_users", "app_no"), ("apps", "app_no")).await
    }
}

async fn rosters(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let rosters = Table::create()
        .table("rosters")
        .col(big_pk_auto("roster_no"))
        .col(big_integer("tenant_no"))
        .col(string("kind"))
        .col(string("roster_id"))
        .col(string("name"))
        .col(big_integer_null("parent_no"))
        .col(big_integer("version"))
        .col(big_integer("created_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("rosters", "tenant_no")
                .to("tenants", "tenant_no"),
        )
        .foreign_key(
            ForeignKey::create()
                .from("rosters", "parent_no")
                .to("rosters", "roster_no"),
        )
        .take();
    manager.create_table(rosters).await?;
    let of_id = Index::create()
        .name("rosters_of_id")
        .table("rosters")
        .col("tenant_no")
        .col("kind")
        .col("roster_id")
        .unique()
        .take();
    manager.create_index(of_id).await?;
    let of_parent = Index::create()
        .name("rosters_of_parent")
        .table("rosters")
        .col("parent_no")
        .take();
    manager.create_index(of_parent).await
}

/// A table of pairs: something, and the accounts in it.
async fn pairs(
    manager: &SchemaManager<'_>,
    (table, column): (&'static str, &'static str),
    (of_table, of_column): (&'static str, &'static str),
) -> Result<(), DbErr> {
    let create = Table::create()
        .table(table)
        .col(big_integer(column))
        .col(big_integer("account_no"))
        .primary_key(Index::create().col(column).col("account_no"))
        .foreign_key(ForeignKey::create().from(table, column).to(of_table, of_column))
        .foreign_key(
            ForeignKey::create()
                .from(table, "account_no")
                .to("accounts", "account_no"),
        )
        .take();
    manager.create_table(create).await?;
    let of_account = Index::create()
        .name(format!("{table}_of_account"))
        .table(table)
        .col("account_no")
        .take();
    manager.create_index(of_account).await
}
