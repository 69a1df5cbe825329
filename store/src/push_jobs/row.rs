//! A row of `push_jobs`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "push_jobs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub job_no: i64,
    pub device_no: i64,
    pub account_no: i64,
    pub lane: String,
    pub vendor: String,
    pub priority: i32,
    pub seq: i64,
    pub conv_seq: i64,
    pub messages: i32,
    pub version: i64,
    #[sea_orm(column_type = "Text")]
    pub wanted: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub attempt: Option<String>,
    pub attempt_version: Option<i64>,
    pub attempts: i32,
    pub place: i32,
    pub due_at_ms: i64,
    pub not_after_ms: i64,
    pub sent_seq: i64,
    pub sent_conv_seq: i64,
    pub sent_at_ms: i64,
    pub window_ms: i32,
    /// Of the attempt under way, where it went to several devices in one request.
    #[sea_orm(nullable)]
    pub shared_id: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
