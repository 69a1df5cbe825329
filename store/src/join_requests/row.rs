//! A row of `join_requests`.
#![expect(unreachable_pub, reason = "the derive makes public items")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "join_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_no: i64,
    pub asked_at_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "crate::accounts::account::Entity",
        from = "Column::AccountNo",
        to = "crate::accounts::account::Column::AccountNo"
    )]
    Account,
}

impl Related<crate::accounts::account::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Account.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
