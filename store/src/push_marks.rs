//! Up to which number of its account's inbox it was decided what a device is owed.

pub(crate) mod row;

use std::collections::{BTreeMap, HashMap};

use godwit_model::DeviceNo;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::number::{from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

impl Store {
    /// The marks of these devices; one without a mark is missing.
    pub async fn push_marks(&self, devices: &[DeviceNo]) -> Result<HashMap<DeviceNo, u64>, Error> {
        let mut marks = HashMap::with_capacity(devices.len());
        for chunk in devices.chunks(CHUNK_ROWS) {
            let numbers = chunk.iter().map(|device| to_row(device.0));
            let find = row::Entity::find().filter(row::Column::DeviceNo.is_in(numbers));
            for row in find.all(&self.reader).await? {
                marks.insert(DeviceNo(from_row(row.device_no)?), from_row(row.decided_up_to)?);
            }
        }
        Ok(marks)
    }

    /// Says that a device is owed nothing up to this number.
    pub async fn mark_decided(&self, device: DeviceNo, up_to: u64) -> Result<(), Error> {
        self.write(|held| async move { put(&held, &BTreeMap::from([(device, up_to)])).await })
            .await
    }
}

pub(crate) async fn put(transaction: &DatabaseTransaction, marks: &BTreeMap<DeviceNo, u64>) -> Result<(), Error> {
    let rows: Vec<row::ActiveModel> = marks
        .iter()
        .map(|(device, up_to)| row::ActiveModel {
            device_no: Set(to_row(device.0)),
            decided_up_to: Set(to_row(*up_to)),
        })
        .collect();
    for chunk in rows.chunks(CHUNK_ROWS) {
        let replace = OnConflict::column(row::Column::DeviceNo)
            .update_column(row::Column::DecidedUpTo)
            .to_owned();
        let insert = row::Entity::insert_many(chunk.iter().cloned()).on_conflict(replace);
        insert.exec_without_returning(transaction).await?;
    }
    Ok(())
}
