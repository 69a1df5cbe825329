//! Tenants, and the apps that speak for them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, string};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tenants = Table::create()
            .table("tenants")
            .col(big_pk_auto("tenant_no"))
            .col(string("name"))
            .col(big_integer("created_at_ms"))
            .take();
        manager.create_table(tenants).await?;
        let apps = Table::create()
            .table("apps")
            .col(big_pk_auto("app_no"))
            .col(big_integer("tenant_no"))
            .col(string("client_id").unique_key())
            .col(string("name"))
            .col(string("secret_hash"))
            .col(big_integer("secret_version"))
            .col(string("scopes"))
            .col(big_integer("created_at_ms"))
            .foreign_key(
                ForeignKey::create()
                    .from("apps", "tenant_no")
                    .to("tenants", "tenant_no"),
            )
            .take();
        manager.create_table(apps).await
    }
}
