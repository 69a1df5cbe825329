//! A row of `device_push_tokens`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_push_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_no: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub vendor: String,
    pub place: i32,
    pub token_hash: Vec<u8>,
    pub sealed_token: Vec<u8>,
    pub sealed_details: Option<Vec<u8>>,
    pub set_at_ms: i64,
    pub since_ms: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "crate::devices::device::Entity",
        from = "Column::DeviceNo",
        to = "crate::devices::device::Column::DeviceNo"
    )]
    Device,
}

impl Related<crate::devices::device::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Device.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
