//! A row of `apps`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "apps")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub app_no: i64,
    pub tenant_no: i64,
    pub client_id: String,
    pub name: String,
    pub secret_hash: String,
    pub secret_version: i64,
    pub scopes: String,
    pub created_at_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
