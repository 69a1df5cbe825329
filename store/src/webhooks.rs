//! Webhooks: who is told of events, and up to where each of them has been told. What waits and what was tried is in
//! [`deliveries`].

mod attempt_row;
pub(crate) mod deliveries;
mod delivery_row;
mod row;

pub use deliveries::{Delivery, DeliveryState, MalformedDeliveryState, Settled, Tried, WebhookProgress};

use godwit_model::{ServerId, TenantNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::apps::tenant_from_row;
use crate::number::{from_row, to_row};
use crate::{Error, Expected, Store, Versioned};

/// A webhook to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// Its public id; ids ascend with time.
    pub id: String,
    /// Whose events it is told.
    pub tenant: TenantNo,
    /// Where they go, and which.
    pub says: WebhookSays,
    /// What signs them, encrypted.
    pub secret: Vec<u8>,
    /// It is told of messages after this one.
    pub log_cursor: ServerId,
    /// It is told of other events after this one.
    pub event_cursor: u64,
    /// When it is made.
    pub created_at_ms: u64,
}

/// What its owner says of a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookSays {
    /// Where events go.
    pub url: String,
    /// Kinds of events with spaces between; empty: all.
    pub kinds: String,
    /// A text for people.
    pub description: String,
    /// Whether it is told anything.
    pub enabled: bool,
}

/// A webhook, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRecord {
    /// Its number.
    pub no: u64,
    /// What it was made with; its cursors are those of now.
    pub made: NewWebhook,
    /// The secret before the present one, encrypted, and until when it signs as well.
    pub former: Option<(Vec<u8>, u64)>,
    /// Why the platform tells it nothing any more.
    pub disabled_because: Option<String>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What is to be another of a webhook.
#[derive(Clone, Debug)]
pub enum WebhookChange {
    /// What its owner says.
    Says(WebhookSays),
    /// Its secret; the former one signs until then as well.
    Secret(Vec<u8>, u64),
}

impl Store {
    /// Makes a webhook; `None` where the tenant has `most` already.
    pub async fn create_webhook(&self, new: &NewWebhook, most: u64) -> Result<Option<WebhookRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            if of_tenant(new.tenant).count(transaction).await? >= most {
                return Ok(None);
            }
            let made = row::ActiveModel {
                webhook_id: Set(new.id.clone()),
                tenant_no: Set(i64::from(new.tenant.0)),
                url: Set(new.says.url.clone()),
                kinds: Set(new.says.kinds.clone()),
                description: Set(new.says.description.clone()),
                secret: Set(new.secret.clone()),
                former_secret: Set(None),
                former_until_ms: Set(None),
                enabled: Set(new.says.enabled),
                disabled_because: Set(None),
                log_cursor: Set(new.log_cursor.0.to_be_bytes().to_vec()),
                event_cursor: Set(to_row(new.event_cursor)),
                created_at_ms: Set(to_row(new.created_at_ms)),
                version: Set(1),
                ..Default::default()
            };
            let made = row::Entity::insert(made).exec_with_returning(transaction).await?;
            Ok(Some(made.try_into()?))
        })
        .await
    }

    /// Webhooks of a tenant in the order of their ids, those after `after`.
    pub async fn webhooks(&self, tenant: TenantNo, after: &str, limit: u64) -> Result<Vec<WebhookRecord>, Error> {
        let find = of_tenant(tenant)
            .filter(row::Column::WebhookId.gt(after))
            .order_by_asc(row::Column::WebhookId)
            .limit(limit);
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(WebhookRecord::try_from).collect()
    }

    /// The webhooks of all tenants.
    pub async fn every_webhook(&self) -> Result<Vec<WebhookRecord>, Error> {
        let rows = row::Entity::find()
            .order_by_asc(row::Column::WebhookNo)
            .all(&self.reader)
            .await?;
        rows.into_iter().map(WebhookRecord::try_from).collect()
    }

    /// A webhook of a tenant.
    pub async fn webhook(&self, tenant: TenantNo, id: &str) -> Result<Option<WebhookRecord>, Error> {
        let found = with_id(tenant, id).one(&self.reader).await?;
        found.map(WebhookRecord::try_from).transpose()
    }

    /// Changes a webhook. One that is told again goes on where it was.
    pub async fn change_webhook(
        &self,
        tenant: TenantNo,
        id: &str,
        change: &WebhookChange,
        expected: Expected,
    ) -> Result<Versioned<WebhookRecord>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = with_id(tenant, id).one(transaction).await? else {
                return Ok(if expected.holds(None) {
                    Versioned::Absent
                } else {
                    Versioned::Differs
                });
            };
            if !expected.holds(Some(from_row(found.version)?)) {
                return Ok(Versioned::Differs);
            }
            let mut next = row::ActiveModel {
                webhook_no: Set(found.webhook_no),
                version: Set(found.version + 1),
                ..Default::default()
            };
            match change {
                WebhookChange::Says(says) => {
                    next.url = Set(says.url.clone());
                    next.kinds = Set(says.kinds.clone());
                    next.description = Set(says.description.clone());
                    next.enabled = Set(says.enabled);
                    next.disabled_because = Set(None);
                }
                WebhookChange::Secret(secret, former_until_ms) => {
                    next.secret = Set(secret.clone());
                    next.former_secret = Set(Some(found.secret));
                    next.former_until_ms = Set(Some(to_row(*former_until_ms)));
                }
            }
            let changed = row::Entity::update(next).exec(transaction).await?;
            Ok(Versioned::Done(changed.try_into()?))
        })
        .await
    }

    /// Removes a webhook with all that is kept of it.
    pub async fn remove_webhook(
        &self,
        tenant: TenantNo,
        id: &str,
        expected: Expected,
    ) -> Result<Versioned<u64>, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(found) = with_id(tenant, id).one(transaction).await? else {
                return Ok(if expected.holds(None) {
                    Versioned::Absent
                } else {
                    Versioned::Differs
                });
            };
            if !expected.holds(Some(from_row(found.version)?)) {
                return Ok(Versioned::Differs);
            }
            deliveries::forget(transaction, found.webhook_no).await?;
            row::Entity::delete_by_id(found.webhook_no).exec(transaction).await?;
            Ok(Versioned::Done(from_row(found.webhook_no)?))
        })
        .await
    }

    /// Tells a webhook nothing any more.
    pub async fn disable_webhook(&self, no: u64, because: &str) -> Result<(), Error> {
        self.write(|held| async move {
            let disabled = row::ActiveModel {
                enabled: Set(false),
                disabled_because: Set(Some(because.to_owned())),
                ..Default::default()
            };
            row::Entity::update_many()
                .set(disabled)
                .filter(row::Column::WebhookNo.eq(to_row(no)))
                .exec(&*held)
                .await?;
            Ok(())
        })
        .await
    }
}

fn of_tenant(tenant: TenantNo) -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::TenantNo.eq(i64::from(tenant.0)))
}

fn with_id(tenant: TenantNo, id: &str) -> Select<row::Entity> {
    of_tenant(tenant).filter(row::Column::WebhookId.eq(id))
}

pub(crate) fn server_id_from_row(bytes: &[u8]) -> Result<ServerId, Error> {
    let bytes = bytes.try_into();
    let bytes = bytes.map_err(|_| Error::Corrupt("a message's id has 16 bytes".to_owned()))?;
    Ok(ServerId(u128::from_be_bytes(bytes)))
}

impl TryFrom<row::Model> for WebhookRecord {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        let former_until_ms = row.former_until_ms.map(from_row).transpose()?;
        Ok(Self {
            no: from_row(row.webhook_no)?,
            made: NewWebhook {
                id: row.webhook_id,
                tenant: tenant_from_row(row.tenant_no)?,
                says: WebhookSays {
                    url: row.url,
                    kinds: row.kinds,
                    description: row.description,
                    enabled: row.enabled,
                },
                secret: row.secret,
                log_cursor: server_id_from_row(&row.log_cursor)?,
                event_cursor: from_row(row.event_cursor)?,
                created_at_ms: from_row(row.created_at_ms)?,
            },
            former: row.former_secret.zip(former_until_ms),
            disabled_because: row.disabled_because,
            version: from_row(row.version)?,
        })
    }
}
