//! A row of `resolved`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resolved")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    pub answer: String,
    pub at_ms: i64,
    pub outdated: bool,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
