//! Webhooks: who is told of events, with the secrets that sign them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use godwit_model::{Refusal, ServerId, TenantNo};
pub use godwit_store::{Delivery, DeliveryState, SettledDelivery, Tried, WebhookProgress, WebhookSays};
use godwit_store::{Expected, NewWebhook, Versioned, WebhookChange, WebhookRecord};

use crate::error::Error;
use crate::random;
use crate::registry::{Registry, check_optional_text};

/// How long a former secret may go on signing, in seconds (30 days).
pub const CALL_SECRET_OVERLAP_MAX_S: u64 = 30 * 24 * 3_600;
/// Bytes of a secret; the Standard Webhooks specification wants 24 to 64.
const SECRET_BYTES: usize = 32;
/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 255;

/// Secrets that sign calls: the present one first, and the former one while it counts.
#[derive(Clone, PartialEq, Eq)]
pub struct CallSecret(pub Vec<String>);

impl std::fmt::Debug for CallSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secrets)")
    }
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its number.
    pub no: u64,
    /// Its public id.
    pub id: String,
    /// Whose events it is told.
    pub tenant: TenantNo,
    /// What its owner says.
    pub says: WebhookSays,
    /// Why the platform tells it nothing any more.
    pub disabled_because: Option<String>,
    /// What signs now.
    pub secret: String,
    /// What signs as well, and until when.
    pub former: Option<(String, u64)>,
    /// Up to which message it has been told.
    pub log_cursor: ServerId,
    /// Up to which other event it has been told.
    pub event_cursor: u64,
    /// When it was made.
    pub created_at_ms: u64,
    /// Counts its changes, from 1.
    pub version: u64,
}

impl Webhook {
    /// What signs at a time.
    pub fn secrets(&self, now_ms: u64) -> CallSecret {
        secrets(&self.secret, self.former.as_ref(), now_ms)
    }
}

pub(crate) fn secrets(present: &str, former: Option<&(String, u64)>, now_ms: u64) -> CallSecret {
    let former = former.filter(|(_, until_ms)| *until_ms > now_ms);
    let both = std::iter::once(present).chain(former.map(|(secret, _)| secret.as_str()));
    CallSecret(both.map(str::to_owned).collect())
}

/// A new secret, as the Standard Webhooks specification writes it.
pub(crate) fn new_secret() -> Result<String, Error> {
    let bytes: [u8; SECRET_BYTES] = random::bytes()?;
    Ok(format!("whsec_{}", STANDARD.encode(bytes)))
}

/// Until when a secret that is replaced now signs as well.
pub(crate) fn overlap_until_ms(now_ms: u64, overlap_s: u64) -> Result<u64, Error> {
    if overlap_s > CALL_SECRET_OVERLAP_MAX_S {
        let detail = format!("`formerValidSeconds` is at most {CALL_SECRET_OVERLAP_MAX_S}");
        return Err(Error::refused(Refusal::InvalidField, detail));
    }
    Ok(now_ms.saturating_add(overlap_s * 1_000))
}

fn none(id: &str) -> Error {
    Error::refused(Refusal::NotFound, format!("no webhook {id:?}"))
}

impl Registry {
    /// Makes a webhook that is told of everything after these cursors. `id` is a new one, and a tenant has `most`.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] where there are `most` already.
    pub async fn create_webhook(
        &self,
        tenant: TenantNo,
        (id, says): (&str, &WebhookSays),
        (log_cursor, event_cursor): (ServerId, u64),
        most: u64,
    ) -> Result<Webhook, Error> {
        check_optional_text("description", &says.description, DESCRIPTION_BYTES_MAX)?;
        let secret = new_secret()?;
        let new = NewWebhook {
            id: id.to_owned(),
            tenant,
            says: says.clone(),
            secret: self.0.keys.seal_call(id, &secret)?,
            log_cursor,
            event_cursor,
            created_at_ms: self.now_ms(),
        };
        let made = self.0.store.create_webhook(&new, most).await?;
        let made = made.ok_or_else(|| {
            Error::refused(
                Refusal::Forbidden,
                format!("the tenant has {most} webhooks already: remove one"),
            )
        })?;
        self.opened(made)
    }

    /// Webhooks of a tenant in the order of their ids, those after `after`.
    pub async fn webhooks(&self, tenant: TenantNo, after: &str, limit: u64) -> Result<Vec<Webhook>, Error> {
        let found = self.0.store.webhooks(tenant, after, limit).await?;
        found.into_iter().map(|record| self.opened(record)).collect()
    }

    /// The webhooks of all tenants. One whose secret does not open is left out, and told in the log.
    pub async fn every_webhook(&self) -> Result<Vec<Webhook>, Error> {
        let found = self.0.store.every_webhook().await?;
        let open = |record: WebhookRecord| {
            let id = record.made.id.clone();
            self.opened(record)
                .inspect_err(|error| tracing::error!(%error, webhook = id, "a webhook cannot be used"))
                .ok()
        };
        Ok(found.into_iter().filter_map(open).collect())
    }

    /// A webhook of a tenant.
    pub async fn webhook(&self, tenant: TenantNo, id: &str) -> Result<Webhook, Error> {
        let found = self.0.store.webhook(tenant, id).await?;
        self.opened(found.ok_or_else(|| none(id))?)
    }

    /// Says something else of a webhook. One that was told nothing goes on where it was.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn change_webhook(
        &self,
        (tenant, id): (TenantNo, &str),
        says: &WebhookSays,
        expected: Expected,
    ) -> Result<Webhook, Error> {
        check_optional_text("description", &says.description, DESCRIPTION_BYTES_MAX)?;
        let change = WebhookChange::Says(says.clone());
        let changed = self.0.store.change_webhook(tenant, id, &change, expected).await?;
        self.opened(found(changed, id)?)
    }

    /// Gives a webhook another secret; the former one signs as well for a while.
    pub async fn rotate_webhook_secret(
        &self,
        (tenant, id): (TenantNo, &str),
        overlap_s: u64,
    ) -> Result<Webhook, Error> {
        let until_ms = overlap_until_ms(self.now_ms(), overlap_s)?;
        let sealed = self.0.keys.seal_call(id, &new_secret()?)?;
        let change = WebhookChange::Secret(sealed, until_ms);
        let changed = self.0.store.change_webhook(tenant, id, &change, Expected::Any).await?;
        self.opened(found(changed, id)?)
    }

    /// Removes a webhook with all that waits for it.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn remove_webhook(&self, tenant: TenantNo, id: &str, expected: Expected) -> Result<u64, Error> {
        found(self.0.store.remove_webhook(tenant, id, expected).await?, id)
    }

    /// Tells a webhook nothing any more, until its owner says so.
    pub async fn disable_webhook(&self, no: u64, because: &str) -> Result<(), Error> {
        Ok(self.0.store.disable_webhook(no, because).await?)
    }

    /// Keeps what a round with a webhook came to; `false` where it is not there any more.
    pub async fn advance_webhook(&self, no: u64, progress: &WebhookProgress) -> Result<bool, Error> {
        Ok(self.0.store.advance_webhook(no, progress).await?)
    }

    /// Events of a webhook that wait, or are dead: the oldest first, those after a number.
    pub async fn webhook_deliveries(
        &self,
        no: u64,
        state: DeliveryState,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Delivery>, Error> {
        Ok(self.0.store.webhook_deliveries(no, state, after, limit).await?)
    }

    /// Has everything that waits for a webhook tried now.
    pub async fn hurry_webhook(&self, no: u64) -> Result<(), Error> {
        Ok(self.0.store.hurry_webhook(no, self.now_ms()).await?)
    }

    /// Has dead events tried again; those named, or else all. Says how many.
    pub async fn revive_deliveries(&self, no: u64, which: Option<&[u64]>) -> Result<u64, Error> {
        Ok(self.0.store.revive_deliveries(no, which, self.now_ms()).await?)
    }

    /// What was tried with a webhook, newest first, below a number.
    pub async fn webhook_attempts(&self, no: u64, before: Option<u64>, limit: u64) -> Result<Vec<Tried>, Error> {
        Ok(self.0.store.webhook_attempts(no, before, limit).await?)
    }

    /// Forgets what was tried, and what is dead, for so long.
    pub async fn trim_webhooks(&self, attempts_ms: u64, dead_ms: u64) -> Result<u64, Error> {
        let now_ms = self.now_ms();
        let (attempts, dead) = (now_ms.saturating_sub(attempts_ms), now_ms.saturating_sub(dead_ms));
        Ok(self.0.store.trim_webhooks(attempts, dead).await?)
    }

    fn opened(&self, record: WebhookRecord) -> Result<Webhook, Error> {
        let made = record.made;
        let open = |sealed: &[u8]| self.0.keys.open_call(&made.id, sealed);
        let former = record.former.as_ref();
        Ok(Webhook {
            no: record.no,
            secret: open(&made.secret)?,
            former: former
                .map(|(sealed, until_ms)| Ok::<_, Error>((open(sealed)?, *until_ms)))
                .transpose()?,
            id: made.id,
            tenant: made.tenant,
            says: made.says,
            disabled_because: record.disabled_because,
            log_cursor: made.log_cursor,
            event_cursor: made.event_cursor,
            created_at_ms: made.created_at_ms,
            version: record.version,
        })
    }
}

fn found<T>(changed: Versioned<T>, id: &str) -> Result<T, Error> {
    match changed {
        Versioned::Done(record) => Ok(record),
        Versioned::Differs => Err(Error::Differs),
        Versioned::Absent => Err(none(id)),
    }
}
