//! A row of `webhook_deliveries`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub delivery_no: i64,
    pub webhook_no: i64,
    pub event_id: String,
    pub kind: String,
    pub server_id: Option<Vec<u8>>,
    pub data: Option<String>,
    pub event_at_ms: i64,
    pub attempts: i32,
    pub first_at_ms: i64,
    pub next_at_ms: i64,
    pub state: String,
    pub status: Option<i32>,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
