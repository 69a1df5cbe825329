//! A row of `groups`.
#![expect(unreachable_pub, reason = "the derive makes public items")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub group_no: i64,
    pub tenant_no: i64,
    pub group_id: String,
    pub name: String,
    pub version: i64,
    pub created_at_ms: i64,
    pub dissolved_at_ms: Option<i64>,
    pub join_policy: String,
    pub muted: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
