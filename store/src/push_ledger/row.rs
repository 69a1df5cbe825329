//! A row of `push_ledger`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "push_ledger")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub line_no: i64,
    pub at_ms: i64,
    pub tenant_no: i32,
    pub account_no: i64,
    pub device_no: i64,
    pub lane: String,
    pub seq: i64,
    pub server_id: String,
    pub push_id: String,
    pub kind: String,
    pub vendor: String,
    pub outcome: String,
    pub code: String,
    #[sea_orm(column_type = "Text")]
    pub detail: String,
    pub vendor_id: Option<String>,
    pub attempt: i32,
    pub latency_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
