//! A row of `webhooks`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub webhook_no: i64,
    pub webhook_id: String,
    pub tenant_no: i64,
    pub url: String,
    pub kinds: String,
    pub description: String,
    pub secret: Vec<u8>,
    pub former_secret: Option<Vec<u8>>,
    pub former_until_ms: Option<i64>,
    pub enabled: bool,
    pub disabled_because: Option<String>,
    pub log_cursor: Vec<u8>,
    pub event_cursor: i64,
    pub created_at_ms: i64,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
