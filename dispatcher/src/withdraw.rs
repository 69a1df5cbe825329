//! A message is taken back: by its sender within a time, or by an app. The mark and the notice to everybody who has it
//! are one commit, so that none of them is without the other.

use bytes::Bytes;
use godwit_archive::{AppendError, DuplicateKey, Entry, GoneReason, Record, RecordKind};
use godwit_model::{AccountNo, ConversationKey, Draft, MessageType, Refusal, Refused, ServerId, TenantNo};
use godwit_protocol::body::FORM_TO_IS_READER;
use godwit_protocol::{Body, fingerprint};
use godwit_registry::{App, Device, Scope};
use serde::{Deserialize, Serialize};

use crate::failure::{of_append, of_registry};
use crate::to_the_end::to_the_end;
use crate::{Dispatcher, render};

/// How long a sender may take a message back, unless a setting says otherwise, in milliseconds.
pub const RECALL_WINDOW_MS: u64 = 2 * 60 * 1000;

/// A message that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The platform's id of it.
    pub server_id: ServerId,
    /// Its conversation.
    pub conversation: Option<ConversationKey>,
    /// Its number there.
    pub conv_seq: u64,
    /// Why its content is gone: the first reason stays.
    pub reason: GoneReason,
}

/// What the notice says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notice<'a> {
    server_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    conv: Option<String>,
    conv_seq: u64,
    reason: &'a str,
}

/// The names on a stored message, which the notice repeats.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Names {
    from: String,
    to: Option<String>,
    target: Targets,
    tenant_no: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Targets {
    One(String),
    Many(Vec<String>),
}

impl Default for Targets {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Targets {
    fn list(&self) -> Vec<&str> {
        match self {
            Self::One(one) if one.is_empty() => Vec::new(),
            Self::One(one) => vec![one],
            Self::Many(many) => many.iter().map(String::as_str).collect(),
        }
    }
}

impl Names {
    fn of(record: &Record) -> Self {
        let body = String::from_utf8_lossy(&record.body);
        serde_json::from_str(&format!("{{{body}}}")).unwrap_or_default()
    }
}

impl Dispatcher {
    /// The sender takes a message back. Once it succeeded it succeeds again, whenever it is asked.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for what is no message of this sender, [`Refusal::RecallExpired`] when its time is over.
    pub async fn recall(&self, device: &Device, id: ServerId) -> Result<Withdrawn, Refused> {
        let record = self.withdrawable(id).await?;
        if record.sender != device.account.no {
            return Err(Refused::new(
                Refusal::NotFound,
                format!("no message {id} of this account"),
            ));
        }
        let is_done = matches!(record.kind, RecordKind::Gone(GoneReason::Recalled | GoneReason::Erased));
        let window_ms = self.recall_window_ms;
        if !is_done && self.clock.now_ms() > record.server_time_ms.saturating_add(window_ms) {
            return Err(Refused::new(
                Refusal::RecallExpired,
                format!("a message can be recalled for {} seconds", window_ms / 1000),
            ));
        }
        self.withdraw(record, GoneReason::Recalled).await
    }

    /// An app with the scope takes a message of its tenant back, at any time.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without the scope, [`Refusal::NotFound`] for what is no message of the tenant.
    pub async fn withdraw_as_app(&self, app: &App, id: ServerId, reason: GoneReason) -> Result<Withdrawn, Refused> {
        if !app.scopes.contains(Scope::Messages) {
            return Err(Refused::new(Refusal::Forbidden, "needs the scope `messages`"));
        }
        let record = self.withdrawable(id).await?;
        if self.tenant_of_message(&record).await? != Some(app.tenant) {
            return Err(no_message(id));
        }
        self.withdraw(record, reason).await
    }

    async fn withdrawable(&self, id: ServerId) -> Result<Record, Refused> {
        let record = self.read(move |archive| archive.message(id)).await?;
        let record = record.filter(|record| record.kind != RecordKind::Refused);
        record
            .map(|record| Record::clone(&record))
            .ok_or_else(|| no_message(id))
    }

    /// The tenant of a message, which is still known when its content is gone.
    pub(crate) async fn tenant_of_message(&self, record: &Record) -> Result<Option<TenantNo>, Refused> {
        if let Some(tenant) = stated_tenant(record) {
            return Ok(Some(tenant));
        }
        let recipients = self.recipients_of(record.server_id).await?;
        let Some(any) = recipients.first() else { return Ok(None) };
        let account = self.registry.account_by_no(*any).await.map_err(of_registry)?;
        Ok(account.map(|account| account.tenant))
    }

    async fn recipients_of(&self, id: ServerId) -> Result<Vec<AccountNo>, Refused> {
        self.read(move |archive| archive.recipients(id)).await
    }

    async fn withdraw(&self, record: Record, reason: GoneReason) -> Result<Withdrawn, Refused> {
        let dispatcher = self.clone();
        to_the_end(async move { dispatcher.mark_and_tell(&record, reason).await }).await
    }

    async fn mark_and_tell(&self, record: &Record, reason: GoneReason) -> Result<Withdrawn, Refused> {
        let shown = match record.kind {
            RecordKind::Gone(before @ (GoneReason::Recalled | GoneReason::Erased)) => before,
            _ => reason,
        };
        let withdrawn = Withdrawn {
            server_id: record.server_id,
            conversation: record.conversation,
            conv_seq: record.conv_seq,
            reason: shown,
        };
        let id = record.server_id;
        if let Some(notice) = self.notice_to_all(record, &withdrawn).await? {
            let told = self.archive.withdraw(id, reason, notice).map_err(|e| of_append(&e))?;
            match told.await {
                Ok(_) | Err(AppendError::Conflict(_)) => {}
                Err(error) => return Err(of_append(&error)),
            }
        } else {
            let marked = self.archive.mark(id, reason).map_err(|e| of_append(&e))?;
            marked.await.map_err(|e| of_append(&e))?;
        }
        metrics::counter!("messages_withdrawn_total", "reason" => render::gone_word(shown)).increment(1);
        Ok(withdrawn)
    }

    /// A numbered notice to all who have the message, which is stored once however often it is asked for; `None` if
    /// nobody has it.
    async fn notice_to_all(&self, record: &Record, withdrawn: &Withdrawn) -> Result<Option<Entry>, Refused> {
        let recipients = self.recipients_of(record.server_id).await?;
        let (Some(tenant), false) = (self.tenant_of_message(record).await?, recipients.is_empty()) else {
            return Ok(None);
        };
        let names = Names::of(record);
        let draft = notice(withdrawn)?;
        let body = Body {
            from: &names.from,
            to: names.to.as_deref(),
            target: &names.target.list(),
            tenant_no: tenant.0,
            draft: &draft,
        };
        Ok(Some(Entry {
            kind: RecordKind::Message,
            tenant,
            // Whom it names is as in the message; what else its form said of the body is not so of this one.
            form: record.form & FORM_TO_IS_READER,
            conversation: record.conversation,
            sender: AccountNo(0),
            duplicate_key: Some(DuplicateKey {
                key: fingerprint::notice_key(record.server_id),
                body: 0,
            }),
            expires_at_ms: None,
            recipients,
            body: Bytes::from(body.encode()),
        }))
    }
}

/// The tenant a message's content states.
pub(crate) fn stated_tenant(record: &Record) -> Option<TenantNo> {
    Names::of(record).tenant_no.parse().ok().map(TenantNo)
}

fn no_message(id: ServerId) -> Refused {
    Refused::new(Refusal::NotFound, format!("no message {id}"))
}

fn notice(withdrawn: &Withdrawn) -> Result<Draft, Refused> {
    let notice = Notice {
        server_id: withdrawn.server_id.to_string(),
        conv: withdrawn.conversation.map(|conversation| conversation.to_string()),
        conv_seq: withdrawn.conv_seq,
        reason: render::gone_word(withdrawn.reason),
    };
    let content = serde_json::to_string(&notice).map_err(|e| Refused::new(Refusal::InvalidField, e.to_string()))?;
    Ok(Draft {
        id: format!("withdrawn-{}", withdrawn.server_id),
        from: None,
        to: Vec::new(),
        target: Vec::new(),
        kind: MessageType::Withdrawn.into(),
        content,
        timestamp_ms: None,
        is_background: true,
        expires_at_ms: None,
        deliver_after_s: 0,
        ttl_s: None,
        ext: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(body: &'static str) -> Record {
        Record {
            kind: RecordKind::Message,
            form: 0,
            conversation: None,
            conv_seq: 0,
            server_id: ServerId(1),
            server_time_ms: 0,
            expires_at_ms: None,
            sender: AccountNo(0),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn the_tenant_is_what_the_platform_wrote_and_not_what_the_content_says() {
        let stated = |body| stated_tenant(&record(body));
        assert_eq!(
            stated(r#""content":{"tenantNo":"2"},"tenantNo":"1""#),
            Some(TenantNo(1))
        );
        assert_eq!(stated(r#""content":{"tenantNo":"2"}"#), None);
        assert_eq!(stated(""), None);
    }

    #[test]
    fn the_names_on_a_message_are_read_back_however_many_they_are() {
        let names = Names::of(&record(r#""from":"g:x","target":["a","b"],"tenantNo":"1""#));
        assert_eq!((names.from.as_str(), names.to.as_deref()), ("g:x", None));
        assert_eq!(names.target.list(), ["a", "b"]);
        let names = Names::of(&record(r#""from":"a","to":"b","target":"""#));
        assert_eq!((names.to.as_deref(), names.target.list()), (Some("b"), Vec::new()));
    }
}
