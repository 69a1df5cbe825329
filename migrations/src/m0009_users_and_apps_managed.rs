//! What tenants keep of their users, and what apps and tenants need to be managed.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, string, string_null, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

/// Every scope there was before this step, and the ones there are from now on.
const FORMER_SCOPES: &str = "tickets devices messages messages:read groups broadcast inbox:read";
const SCOPES: &str =
    "tickets devices messages messages:read groups broadcast inbox:read tenants apps users tags orgs audit";

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            string("name").default("").take(),
            text("attributes").default("{}").take(),
            big_integer_null("blocked_at_ms").take(),
            big_integer_null("deleted_at_ms").take(),
            big_integer("version").default(1).take(),
            big_integer("updated_at_ms").default(0).take(),
        ] {
            add(manager, "accounts", column).await?;
        }
        for column in [
            big_integer("version").default(1).take(),
            string_null("former_secret_hash").take(),
            big_integer_null("former_until_ms").take(),
            big_integer_null("removed_at_ms").take(),
        ] {
            add(manager, "apps", column).await?;
        }
        add(manager, "tenants", big_integer("version").default(1).take()).await?;
        // Who could do everything still can: the app that was made first, if nobody narrowed it.
        let widen = format!(
            "UPDATE apps SET scopes = '{SCOPES}' \
             WHERE app_no = (SELECT MIN(app_no) FROM apps) AND scopes = '{FORMER_SCOPES}'"
        );
        manager.get_connection().execute_unprepared(&widen).await?;
        Ok(())
    }
}

/// SQLite adds one column at a time.
async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager
        .alter_table(Table::alter().table(table).add_column(column).take())
        .await
}
