//! A row of `broadcast_pages`: the message of one page.
#![expect(unreachable_pub, reason = "the derive makes public items")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "broadcast_pages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub broadcast_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub page_no: i64,
    pub server_id: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
