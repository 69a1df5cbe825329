//! Tokens that their vendors retired, zones by name, the hold of an active desktop, and words for each app of a tenant.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, blob_null, integer, string, string_null, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        retired(manager).await?;
        wishes(manager).await?;
        templates(manager).await
    }
}

/// A token is kept for some days after its vendor retired it: for whoever asks why, and for a device that tells it again.
async fn retired(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let retired = Table::create()
        .table("retired_push_tokens")
        .col(big_integer("device_no"))
        .col(string("vendor"))
        .col(blob("token_hash"))
        .col(blob("sealed_token"))
        .col(blob_null("sealed_details"))
        .col(big_integer("set_at_ms"))
        .col(big_integer("since_ms"))
        .col(string("reason"))
        .col(big_integer("retired_at_ms"))
        .primary_key(Index::create().col("device_no").col("vendor"))
        .foreign_key(
            ForeignKey::create()
                .from("retired_push_tokens", "device_no")
                .to("devices", "device_no"),
        )
        .take();
    manager.create_table(retired).await?;
    let of_token = Index::create()
        .name("retired_push_tokens_of_token")
        .table("retired_push_tokens")
        .col("vendor")
        .col("token_hash")
        .take();
    manager.create_index(of_token).await?;
    let of_time = Index::create()
        .name("retired_push_tokens_of_time")
        .table("retired_push_tokens")
        .col("retired_at_ms")
        .take();
    manager.create_index(of_time).await
}

async fn wishes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for column in [string_null("quiet_zone"), integer("desktop_hold_s").default(0).take()] {
        let add = Table::alter().table("push_wishes").add_column(column).take();
        manager.alter_table(add).await?;
    }
    Ok(())
}

/// The words of a tenant become those of all its apps.
async fn templates(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let words = Table::create()
        .table("push_words")
        .col(integer("tenant_no"))
        .col(string("package"))
        .col(string("message_type"))
        .col(string("language"))
        .col(text("words"))
        .primary_key(
            Index::create()
                .col("tenant_no")
                .col("package")
                .col("message_type")
                .col("language"),
        )
        .take();
    manager.create_table(words).await?;
    let copy = "INSERT INTO push_words (tenant_no, package, message_type, language, words) \
                SELECT tenant_no, '', message_type, language, words FROM push_templates";
    manager.get_connection().execute_unprepared(copy).await?;
    manager.drop_table(Table::drop().table("push_templates").take()).await
}
