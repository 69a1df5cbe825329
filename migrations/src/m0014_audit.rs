//! Who changed what, when, and from where; and which versions of a tenant's clients are good.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, integer, string, string_null, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let audit = Table::create()
            .table("audit")
            .col(big_pk_auto("line_no"))
            .col(big_integer("at_ms"))
            .col(big_integer("tenant_no"))
            .col(string("actor"))
            .col(string("action"))
            .col(text("subject"))
            .col(integer("status"))
            .col(string_null("code"))
            .col(string("address"))
            .col(string("request_id"))
            .foreign_key(
                ForeignKey::create()
                    .from("audit", "tenant_no")
                    .to("tenants", "tenant_no"),
            )
            .take();
        manager.create_table(audit).await?;
        let of_tenant = Index::create()
            .name("audit_of_tenant")
            .table("audit")
            .col("tenant_no")
            .col("line_no")
            .take();
        manager.create_index(of_tenant).await?;
        let versions = Table::create()
            .table("client_versions")
            .col(big_integer("tenant_no"))
            .col(string("os"))
            .col(string("minimum"))
            .col(string("latest"))
            .col(text("message"))
            .col(big_integer("version"))
            .primary_key(Index::create().col("tenant_no").col("os"))
            .foreign_key(
                ForeignKey::create()
                    .from("client_versions", "tenant_no")
                    .to("tenants", "tenant_no"),
            )
            .take();
        manager.create_table(versions).await
    }
}
