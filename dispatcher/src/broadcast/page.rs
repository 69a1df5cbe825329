//! One page of a broadcast, on its way into the log.

use bytes::Bytes;
use godwit_archive::{AppendError, DuplicateKey, Entry, RecordKind};
use godwit_model::{AccountNo, ConversationKey, Draft, Refused};
use godwit_protocol::body::{FORM_FROM_APP, FORM_HAS_PROPERTIES, FORM_TO_IS_READER};
use godwit_protocol::{Body, fingerprint, properties};
use godwit_registry::{BroadcastRecord, PageSent};

use crate::Dispatcher;
use crate::call::append_when_room;
use crate::failure::{of_append, of_registry};

impl Dispatcher {
    /// Stores the frozen page of a broadcast, or finds that it is stored. Waits for room in the log.
    pub(super) async fn send_page(
        &self,
        broadcast: &BroadcastRecord,
        draft: &Draft,
        accounts: Vec<AccountNo>,
    ) -> Result<PageSent, Refused> {
        let sender = self.sender_no(broadcast).await?;
        let expires_at_ms = broadcast
            .asked
            .lifetime_ms
            .map(|lifetime_ms| self.clock.now_ms().saturating_add(lifetime_ms));
        let entry = Entry {
            expires_at_ms,
            sender,
            recipients: accounts.clone(),
            ..entry(broadcast, draft)
        };
        let receipt = match append_when_room(self.archive.clone(), entry).await {
            Ok(receipt) => receipt,
            Err(AppendError::Conflict(original)) => *original,
            Err(error) => return Err(of_append(&error)),
        };
        let outcome = if receipt.duplicate { "known" } else { "stored" };
        metrics::counter!("broadcast_pages_total", "outcome" => outcome).increment(1);
        metrics::counter!("broadcast_accounts_total").increment(accounts.len() as u64);
        Ok(PageSent {
            server_id: receipt.record.server_id.to_string(),
            accounts,
        })
    }

    /// The account in whose name it is sent; nobody's, where an app speaks as itself or the user is gone.
    async fn sender_no(&self, broadcast: &BroadcastRecord) -> Result<AccountNo, Refused> {
        let Ok(user) = broadcast.asked.author.parse() else {
            return Ok(AccountNo(0));
        };
        let account = self.registry.account_of_user(broadcast.asked.tenant, &user).await;
        Ok(account.map_err(of_registry)?.map_or(AccountNo(0), |account| account.no))
    }
}

fn entry(broadcast: &BroadcastRecord, draft: &Draft) -> Entry {
    let asked = &broadcast.asked;
    let body = Body {
        from: &asked.author,
        to: None,
        target: &[],
        tenant_no: asked.tenant.0,
        draft,
    };
    let properties = if properties::are_in(&draft.ext) {
        FORM_HAS_PROPERTIES
    } else {
        0
    };
    Entry {
        kind: RecordKind::Message,
        tenant: asked.tenant,
        form: FORM_TO_IS_READER | FORM_FROM_APP | properties,
        conversation: Some(ConversationKey::broadcast(asked.tenant, asked.app)),
        sender: AccountNo(0),
        duplicate_key: Some(DuplicateKey {
            key: fingerprint::broadcast_key(&asked.id, broadcast.pages),
            body: 0,
        }),
        expires_at_ms: None,
        recipients: Vec::new(),
        body: Bytes::from(body.encode()),
    }
}
