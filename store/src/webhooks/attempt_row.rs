//! A row of `webhook_attempts`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_attempts")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub attempt_no: i64,
    pub webhook_no: i64,
    pub event_id: String,
    pub kind: String,
    pub attempt: i32,
    pub at_ms: i64,
    pub outcome: String,
    pub status: Option<i32>,
    pub detail: String,
    pub latency_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
