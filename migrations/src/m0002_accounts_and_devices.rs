//! Accounts, their devices, and where vendors reach them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, blob, blob_null, boolean, integer, string, string_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        accounts(manager).await?;
        devices(manager).await?;
        push_tokens(manager).await
    }
}

async fn accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let accounts = Table::create()
        .table("accounts")
        .col(big_pk_auto("account_no"))
        .col(string("account_id").unique_key())
        .col(big_integer("tenant_no"))
        .col(string("user_id"))
        .col(big_integer("created_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("accounts", "tenant_no")
                .to("tenants", "tenant_no"),
        )
        .take();
    manager.create_table(accounts).await?;
    let of_user = Index::create()
        .name("accounts_of_user")
        .table("accounts")
        .col("tenant_no")
        .col("user_id")
        .unique()
        .take();
    manager.create_index(of_user).await
}

async fn devices(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let devices = Table::create()
        .table("devices")
        .col(big_pk_auto("device_no"))
        .col(string("device_id").unique_key())
        .col(big_integer("tenant_no"))
        .col(big_integer("account_no"))
        .col(string("unique_code"))
        .col(integer("os"))
        .col(string("model"))
        .col(string("app_version"))
        .col(string_null("language"))
        .col(blob("token_hash"))
        .col(blob_null("next_token_hash"))
        .col(boolean("first_of_account"))
        .col(boolean("push_enabled"))
        .col(big_integer("created_at_ms"))
        .col(big_integer("registered_at_ms"))
        .col(big_integer_null("retired_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("devices", "account_no")
                .to("accounts", "account_no"),
        )
        .take();
    manager.create_table(devices).await?;
    // One live record for each code; retired ones are history.
    let live_code = Index::create()
        .name("devices_live_code")
        .table("devices")
        .col("tenant_no")
        .col("unique_code")
        .unique()
        .cond_where(Expr::col("retired_at_ms").is_null())
        .take();
    manager.create_index(live_code).await?;
    let of_account = Index::create()
        .name("devices_of_account")
        .table("devices")
        .col("account_no")
        .take();
    manager.create_index(of_account).await
}

async fn push_tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let push_tokens = Table::create()
        .table("push_tokens")
        .col(big_integer("device_no").primary_key())
        .col(string("vendor"))
        .col(blob("token_hash"))
        .col(blob("sealed_token"))
        .col(big_integer("set_at_ms"))
        .foreign_key(
            ForeignKey::create()
                .from("push_tokens", "device_no")
                .to("devices", "device_no"),
        )
        .take();
    manager.create_table(push_tokens).await?;
    // A vendor's token lives on one device at a time.
    let of_token = Index::create()
        .name("push_tokens_of_token")
        .table("push_tokens")
        .col("vendor")
        .col("token_hash")
        .unique()
        .take();
    manager.create_index(of_token).await
}
