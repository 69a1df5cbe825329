//! A row of `rosters`.
#![expect(unreachable_pub, reason = "the derive makes public items")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rosters")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub roster_no: i64,
    pub tenant_no: i64,
    pub kind: String,
    pub roster_id: String,
    pub name: String,
    pub parent_no: Option<i64>,
    pub version: i64,
    pub created_at_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
