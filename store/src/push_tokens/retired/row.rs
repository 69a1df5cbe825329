//! A row of `retired_push_tokens`.
#![expect(unreachable_pub, reason = "the derive makes public items")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retired_push_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub vendor: String,
    pub token_hash: Vec<u8>,
    pub sealed_token: Vec<u8>,
    pub sealed_details: Option<Vec<u8>>,
    pub set_at_ms: i64,
    pub since_ms: i64,
    pub reason: String,
    pub retired_at_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
