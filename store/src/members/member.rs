//! A row of `members`.
#![expect(unreachable_pub, reason = "the derive makes public items")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_no: i64,
    pub role: String,
    pub joined_at_ms: i64,
    pub joined_conv_seq: Option<i64>,
    pub left_at_ms: Option<i64>,
    pub left_conv_seq: Option<i64>,
    pub muted_until_ms: Option<i64>,
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
