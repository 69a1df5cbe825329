//! A row of `hooks`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hooks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub url: String,
    pub secret: Vec<u8>,
    pub former_secret: Option<Vec<u8>>,
    pub former_until_ms: Option<i64>,
    pub time_limit_ms: i64,
    pub on_failure: String,
    pub stale_ms: i64,
    pub enabled: bool,
    pub created_at_ms: i64,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
