//! A row of `accounts`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub account_no: i64,
    pub account_id: String,
    pub tenant_no: i64,
    pub user_id: String,
    pub created_at_ms: i64,
    pub name: String,
    pub attributes: String,
    pub blocked_at_ms: Option<i64>,
    pub deleted_at_ms: Option<i64>,
    pub version: i64,
    pub updated_at_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
