//! What happened, told to others: webhooks with where each of them is, what could not be delivered yet, what was tried;
//! events that are in no log; and calls that are asked before something is done.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, blob, blob_null, boolean, integer, integer_null, string, text,
    text_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(webhooks()).await?;
        manager.create_table(deliveries()).await?;
        for index in [
            index(
                "webhook_deliveries_once",
                "webhook_deliveries",
                &["webhook_no", "event_id"],
            )
            .unique()
            .take(),
            index(
                "webhook_deliveries_in_state",
                "webhook_deliveries",
                &["webhook_no", "state", "delivery_no"],
            ),
        ] {
            manager.create_index(index).await?;
        }
        manager.create_table(attempts()).await?;
        manager
            .create_index(index(
                "webhook_attempts_of",
                "webhook_attempts",
                &["webhook_no", "attempt_no"],
            ))
            .await?;
        manager
            .create_index(index("webhook_attempts_at", "webhook_attempts", &["at_ms"]))
            .await?;
        manager.create_table(events()).await?;
        manager
            .create_index(index("events_of_tenant", "events", &["tenant_no", "event_no"]))
            .await?;
        manager.create_index(index("events_at", "events", &["at_ms"])).await?;
        manager.create_table(hooks()).await
    }
}

fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index.take()
}

fn of_tenant(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, "tenant_no")
        .to("tenants", "tenant_no")
        .take()
}

fn of_webhook(table: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(table, "webhook_no")
        .to("webhooks", "webhook_no")
        .on_delete(ForeignKeyAction::Cascade);
    key.take()
}

fn webhooks() -> TableCreateStatement {
    Table::create()
        .table("webhooks")
        .col(big_pk_auto("webhook_no"))
        .col(string("webhook_id").unique_key())
        .col(big_integer("tenant_no"))
        .col(text("url"))
        .col(text("kinds"))
        .col(text("description"))
        .col(blob("secret"))
        .col(blob_null("former_secret"))
        .col(big_integer_null("former_until_ms"))
        .col(boolean("enabled"))
        .col(text_null("disabled_because"))
        .col(blob("log_cursor"))
        .col(big_integer("event_cursor"))
        .col(big_integer("created_at_ms"))
        .col(big_integer("version"))
        .foreign_key(&mut of_tenant("webhooks"))
        .take()
}

fn deliveries() -> TableCreateStatement {
    Table::create()
        .table("webhook_deliveries")
        .col(big_pk_auto("delivery_no"))
        .col(big_integer("webhook_no"))
        .col(string("event_id"))
        .col(string("kind"))
        .col(blob_null("server_id"))
        .col(text_null("data"))
        .col(big_integer("event_at_ms"))
        .col(integer("attempts"))
        .col(big_integer("first_at_ms"))
        .col(big_integer("next_at_ms"))
        .col(string("state"))
        .col(integer_null("status"))
        .col(text("detail"))
        .foreign_key(&mut of_webhook("webhook_deliveries"))
        .take()
}

fn attempts() -> TableCreateStatement {
    Table::create()
        .table("webhook_attempts")
        .col(big_pk_auto("attempt_no"))
        .col(big_integer("webhook_no"))
        .col(string("event_id"))
        .col(string("kind"))
        .col(integer("attempt"))
        .col(big_integer("at_ms"))
        .col(string("outcome"))
        .col(integer_null("status"))
        .col(text("detail"))
        .col(big_integer("latency_ms"))
        .foreign_key(&mut of_webhook("webhook_attempts"))
        .take()
}

fn events() -> TableCreateStatement {
    Table::create()
        .table("events")
        .col(big_pk_auto("event_no"))
        .col(string("event_id").unique_key())
        .col(big_integer("tenant_no"))
        .col(string("kind"))
        .col(big_integer("at_ms"))
        .col(text("data"))
        .foreign_key(&mut of_tenant("events"))
        .take()
}

fn hooks() -> TableCreateStatement {
    Table::create()
        .table("hooks")
        .col(big_integer("tenant_no"))
        .col(string("name"))
        .col(text("url"))
        .col(blob("secret"))
        .col(blob_null("former_secret"))
        .col(big_integer_null("former_until_ms"))
        .col(big_integer("time_limit_ms"))
        .col(string("on_failure"))
        .col(big_integer("stale_ms"))
        .col(boolean("enabled"))
        .col(big_integer("created_at_ms"))
        .col(big_integer("version"))
        .primary_key(Index::create().col("tenant_no").col("name"))
        .foreign_key(&mut of_tenant("hooks"))
        .take()
}
