//! A row of `schedules`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "schedules")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub schedule_no: i64,
    pub schedule_id: String,
    pub tenant_no: i64,
    pub author: String,
    pub app_no: Option<i64>,
    pub account_no: Option<i64>,
    pub device_id: Option<String>,
    pub draft_id: String,
    pub fingerprint: Vec<u8>,
    pub draft: String,
    pub lifetime_ms: Option<i64>,
    pub created_at_ms: i64,
    pub due_at_ms: i64,
    pub state: String,
    pub version: i64,
    pub server_id: Option<String>,
    pub code: Option<String>,
    pub done_at_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
