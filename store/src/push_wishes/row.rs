//! A row of `push_wishes`.
#![expect(unreachable_pub, reason = "the derive makes public items")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "push_wishes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_no: i64,
    pub privacy: String,
    pub quiet_from: Option<i32>,
    pub quiet_until: Option<i32>,
    pub quiet_offset: i32,
    pub quiet_calls: bool,
    pub quiet_mentions: bool,
    pub quiet_zone: Option<String>,
    pub desktop_hold_s: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
