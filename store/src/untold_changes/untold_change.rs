//! A row of `untold_changes`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "untold_changes")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub change_no: i64,
    pub group_no: i64,
    pub message_id: String,
    pub event: String,
    pub by_name: String,
    pub role: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub accounts: String,
    #[sea_orm(column_type = "Text")]
    pub users: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
