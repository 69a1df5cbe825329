//! A row of `broadcasts`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "broadcasts")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub broadcast_no: i64,
    pub broadcast_id: String,
    pub tenant_no: i64,
    pub author: String,
    pub app_no: i64,
    pub draft_id: String,
    pub fingerprint: Vec<u8>,
    pub draft: String,
    pub lifetime_ms: Option<i64>,
    pub rate: Option<i64>,
    pub held: bool,
    pub created_at_ms: i64,
    pub due_at_ms: i64,
    pub state: String,
    pub version: i64,
    pub estimate: Option<i64>,
    pub after_account_no: i64,
    pub pages: i64,
    pub accounts: i64,
    pub page: Option<Vec<u8>>,
    pub began_at_ms: Option<i64>,
    pub done_at_ms: Option<i64>,
    pub code: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
