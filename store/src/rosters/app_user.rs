//! A row of `app_users`: an app, and an account whose user it vouched for.
#![expect(unreachable_pub, reason = "the derive makes public items")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_no: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
