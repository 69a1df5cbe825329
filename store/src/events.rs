//! What happened besides messages, for those who are told of events. Numbers ascend in the order in which events can be
//! seen, because one writer at a time adds them.

mod row;

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::apps::tenant_from_row;
use crate::number::{from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number; 0 for one that is not stored yet.
    pub no: u64,
    /// Its id: the same event is stored once.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantNo,
    /// What kind it is.
    pub kind: String,
    /// When it happened.
    pub at_ms: u64,
    /// What it says: JSON.
    pub data: String,
}

impl Store {
    /// Adds events. Those whose id is there already change nothing. Answers the highest number there is.
    pub async fn add_events(&self, events: &[StoredEvent]) -> Result<u64, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            for chunk in events.chunks(CHUNK_ROWS / 5) {
                let rows = chunk.iter().map(|event| row::ActiveModel {
                    event_id: Set(event.id.clone()),
                    tenant_no: Set(i64::from(event.tenant.0)),
                    kind: Set(event.kind.clone()),
                    at_ms: Set(to_row(event.at_ms)),
                    data: Set(event.data.clone()),
                    ..Default::default()
                });
                let once = OnConflict::column(row::Column::EventId).do_nothing().to_owned();
                row::Entity::insert_many(rows)
                    .on_conflict(once)
                    .exec_without_returning(transaction)
                    .await?;
            }
            newest(transaction).await
        })
        .await
    }

    /// The highest number there is; 0 if there is none.
    pub async fn newest_event(&self) -> Result<u64, Error> {
        newest(&self.reader).await
    }

    /// Events of a tenant after a number.
    pub async fn events_after(&self, tenant: TenantNo, after: u64, limit: u64) -> Result<Vec<StoredEvent>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
            .filter(row::Column::EventNo.gt(to_row(after)))
            .order_by_asc(row::Column::EventNo)
            .limit(limit);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(StoredEvent::try_from).collect()
    }

    /// Forgets events of before a time. The newest one stays, so that numbers go on.
    pub async fn trim_events(&self, before_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let newest = newest(&*held).await?;
            let gone = row::Entity::delete_many()
                .filter(row::Column::AtMs.lt(to_row(before_ms)))
                .filter(row::Column::EventNo.lt(to_row(newest)))
                .exec(&*held)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }
}

async fn newest(connection: &impl sea_orm::ConnectionTrait) -> Result<u64, Error> {
    let find = row::Entity::find()
        .select_only()
        .column(row::Column::EventNo)
        .order_by_desc(row::Column::EventNo);
    let newest: Option<i64> = find.into_tuple().one(connection).await?;
    from_row(newest.unwrap_or_default())
}

impl TryFrom<row::Model> for StoredEvent {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        Ok(Self {
            no: from_row(row.event_no)?,
            id: row.event_id,
            tenant: tenant_from_row(row.tenant_no)?,
            kind: row.kind,
            at_ms: from_row(row.at_ms)?,
            data: row.data,
        })
    }
}
