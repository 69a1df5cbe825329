//! Who may join a group by itself, and who may not write to it for a while.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, boolean, string};

#[derive(DeriveMigrationName)]
pub(crate) struct Step;

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            ("groups", string("join_policy").default("invited").take()),
            ("groups", boolean("muted").default(false).take()),
            ("members", big_integer_null("muted_until_ms").take()),
        ] {
            manager
                .alter_table(Table::alter().table(table).add_column(column).take())
                .await?;
        }
        Ok(())
    }
}
