//! A row of `devices`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "devices")]
#[expect(clippy::struct_field_names, reason = "the model of a phone is called that")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub device_no: i64,
    pub device_id: String,
    pub tenant_no: i64,
    pub account_no: i64,
    pub unique_code: String,
    pub os: i32,
    pub model: String,
    pub app_version: String,
    pub language: Option<String>,
    pub token_hash: Vec<u8>,
    pub next_token_hash: Option<Vec<u8>>,
    pub first_of_account: bool,
    pub push_enabled: bool,
    pub created_at_ms: i64,
    pub registered_at_ms: i64,
    pub retired_at_ms: Option<i64>,
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
