//! A row of `audit`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub line_no: i64,
    pub at_ms: i64,
    pub tenant_no: i64,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub status: i32,
    pub code: Option<String>,
    pub address: String,
    pub request_id: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
