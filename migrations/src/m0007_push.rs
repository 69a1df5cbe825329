//! What readers said of their conversations, and what devices are owed by way of their vendors.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, blob, blob_null, boolean, integer, integer_null, string, string_null,
    text, text_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        tokens(manager).await?;
        reading(manager).await?;
        wishes(manager).await?;
        jobs(manager).await?;
        ledger(manager).await?;
        templates(manager).await
    }
}

/// A device may be reached by several vendors, in an order; the table for one each goes into this one.
async fn tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let tokens = Table::create()
        .table("device_push_tokens")
        .col(big_integer("device_no"))
        .col(string("vendor"))
        .col(integer("place"))
        .col(blob("token_hash"))
        .col(blob("sealed_token"))
        .col(blob_null("sealed_details"))
        .col(big_integer("set_at_ms"))
        .col(big_integer("since_ms"))
        .primary_key(Index::create().col("device_no").col("vendor"))
        .foreign_key(
            ForeignKey::create()
                .from("device_push_tokens", "device_no")
                .to("devices", "device_no"),
        )
        .take();
    manager.create_table(tokens).await?;
    let copy = "INSERT INTO device_push_tokens \
                (device_no, vendor, place, token_hash, sealed_token, sealed_details, set_at_ms, since_ms) \
                SELECT device_no, vendor, 0, token_hash, sealed_token, NULL, set_at_ms, set_at_ms FROM push_tokens";
    manager.get_connection().execute_unprepared(copy).await?;
    manager.drop_table(Table::drop().table("push_tokens").take()).await?;
    // A vendor's token lives on one device at a time.
    let of_token = Index::create()
        .name("device_push_tokens_of_token")
        .table("device_push_tokens")
        .col("vendor")
        .col("token_hash")
        .unique()
        .take();
    manager.create_index(of_token).await
}

async fn reading(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let states = Table::create()
        .table("conversation_states")
        .col(big_integer("account_no"))
        .col(string("conversation"))
        .col(big_integer("read_up_to"))
        .col(big_integer("unread"))
        .primary_key(Index::create().col("account_no").col("conversation"))
        .foreign_key(
            ForeignKey::create()
                .from("conversation_states", "account_no")
                .to("accounts", "account_no"),
        )
        .take();
    manager.create_table(states).await?;
    let counts = Table::create()
        .table("unread_counts")
        .col(big_integer("account_no").primary_key())
        .col(big_integer("counted_up_to"))
        .take();
    manager.create_table(counts).await?;
    let mutes = Table::create()
        .table("mutes")
        .col(big_integer("account_no"))
        .col(string("subject"))
        .col(big_integer_null("until_ms"))
        .col(boolean("mentions"))
        .primary_key(Index::create().col("account_no").col("subject"))
        .foreign_key(
            ForeignKey::create()
                .from("mutes", "account_no")
                .to("accounts", "account_no"),
        )
        .take();
    manager.create_table(mutes).await
}

async fn wishes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let wishes = Table::create()
        .table("push_wishes")
        .col(big_integer("account_no").primary_key())
        .col(string("privacy"))
        .col(integer_null("quiet_from"))
        .col(integer_null("quiet_until"))
        .col(integer("quiet_offset"))
        .col(boolean("quiet_calls"))
        .col(boolean("quiet_mentions"))
        .take();
    manager.create_table(wishes).await?;
    let facts = Table::create()
        .table("push_facts")
        .col(string("name").primary_key())
        .col(big_integer("value"))
        .take();
    manager.create_table(facts).await
}

async fn jobs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let marks = Table::create()
        .table("push_marks")
        .col(big_integer("device_no").primary_key())
        .col(big_integer("decided_up_to"))
        .take();
    manager.create_table(marks).await?;
    let jobs = Table::create()
        .table("push_jobs")
        .col(big_pk_auto("job_no"))
        .col(big_integer("device_no"))
        .col(big_integer("account_no"))
        .col(string("lane"))
        .col(string("vendor"))
        .col(integer("priority"))
        .col(big_integer("seq"))
        .col(big_integer("conv_seq"))
        .col(integer("messages"))
        .col(big_integer("version"))
        .col(text("wanted"))
        .col(text_null("attempt"))
        .col(big_integer_null("attempt_version"))
        .col(integer("attempts"))
        .col(integer("place"))
        .col(big_integer("due_at_ms"))
        .col(big_integer("not_after_ms"))
        .col(big_integer("sent_seq"))
        .col(big_integer("sent_conv_seq"))
        .col(big_integer("sent_at_ms"))
        .col(integer("window_ms"))
        .take();
    manager.create_table(jobs).await?;
    let of_device = Index::create()
        .name("push_jobs_of_device")
        .table("push_jobs")
        .col("device_no")
        .col("lane")
        .unique()
        .take();
    manager.create_index(of_device).await?;
    let of_account = Index::create()
        .name("push_jobs_of_account")
        .table("push_jobs")
        .col("account_no")
        .take();
    manager.create_index(of_account).await?;
    let due = Index::create()
        .name("push_jobs_due")
        .table("push_jobs")
        .col("vendor")
        .col("due_at_ms")
        .take();
    manager.create_index(due).await
}

async fn ledger(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let ledger = Table::create()
        .table("push_ledger")
        .col(big_pk_auto("line_no"))
        .col(big_integer("at_ms"))
        .col(integer("tenant_no"))
        .col(big_integer("account_no"))
        .col(big_integer("device_no"))
        .col(string("lane"))
        .col(big_integer("seq"))
        .col(string("server_id"))
        .col(string("push_id"))
        .col(string("kind"))
        .col(string("vendor"))
        .col(string("outcome"))
        .col(string("code"))
        .col(text("detail"))
        .col(string_null("vendor_id"))
        .col(integer("attempt"))
        .col(big_integer("latency_ms"))
        .take();
    manager.create_table(ledger).await?;
    for (name, column) in [
        ("push_ledger_of_account", "account_no"),
        ("push_ledger_of_time", "at_ms"),
        ("push_ledger_of_message", "server_id"),
    ] {
        let index = Index::create().name(name).table("push_ledger").col(column).take();
        manager.create_index(index).await?;
    }
    Ok(())
}

async fn templates(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let templates = Table::create()
        .table("push_templates")
        .col(integer("tenant_no"))
        .col(string("message_type"))
        .col(string("language"))
        .col(text("words"))
        .primary_key(Index::create().col("tenant_no").col("message_type").col("language"))
        .take();
    manager.create_table(templates).await
}
