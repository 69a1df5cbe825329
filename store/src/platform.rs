//! Which platform this database belongs to, so that it is not started with the log or the key of another.

mod row;

use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use crate::number::hash_from_row;
use crate::{Error, Store};

/// The key of the only row.
const ONLY: i32 = 1;

/// The platform a database belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformRecord {
    /// Its id: the same in the log beside the database.
    pub platform_id: String,
    /// What tells its master key from others without telling the key.
    pub key_check: [u8; 32],
}

impl Store {
    /// The platform this database belongs to; `None` before it belonged to any.
    pub async fn platform(&self) -> Result<Option<PlatformRecord>, Error> {
        let row = row::Entity::find_by_id(ONLY).one(&self.reader).await?;
        let record = |row: row::Model| {
            Ok(PlatformRecord {
                platform_id: row.platform_id,
                key_check: hash_from_row(&row.key_check)?,
            })
        };
        row.map(record).transpose()
    }

    /// Gives the database to a platform; `false` when it belongs to one already, and nothing was changed.
    pub async fn join_platform(&self, platform: &PlatformRecord) -> Result<bool, Error> {
        self.write(|held| async move {
            if row::Entity::find_by_id(ONLY).one(&*held).await?.is_some() {
                return Ok(false);
            }
            let row = row::ActiveModel {
                only: Set(ONLY),
                platform_id: Set(platform.platform_id.clone()),
                key_check: Set(platform.key_check.to_vec()),
            };
            row::Entity::insert(row).exec_without_returning(&*held).await?;
            Ok(true)
        })
        .await
    }
}
