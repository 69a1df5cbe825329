//! Tickets: short-lived, single-use proofs of a user, given out by the app's backend.

use godwit_model::{Refusal, UserId};
use godwit_store::{NewTicket, TicketRecord};

use crate::app::App;
use crate::credential;
use crate::device::UNIQUE_CODE_BYTES_MAX;
use crate::error::Error;
use crate::registry::{Registry, check_text};

/// A ticket just issued. Its text is shown this once; only its hash is kept.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// What the device presents.
    pub ticket: String,
    /// When it stops to work, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

impl Registry {
    /// Gives out a ticket for a user, whose account is made if it is new.
    ///
    /// With a `unique_code` it registers that installation only, and lets it move from another user. `ttl_s` is 1 to
    /// the longest life the settings allow.
    pub async fn issue_ticket(
        &self,
        app: &App,
        user: &UserId,
        unique_code: Option<&str>,
        ttl_s: Option<u64>,
    ) -> Result<Ticket, Error> {
        if let Some(code) = unique_code {
            check_text("uniqueCode", code, UNIQUE_CODE_BYTES_MAX)?;
        }
        let ttl_s = ttl_s.unwrap_or(self.0.settings.ticket_ttl_default_s);
        let longest = self.0.settings.ticket_ttl_max_s;
        if ttl_s == 0 || ttl_s > longest {
            return Err(Error::refused(
                Refusal::InvalidField,
                format!("`ttlSeconds` must be 1 to {longest}"),
            ));
        }
        let account = self.ensure_account(app.tenant, user).await?;
        self.check_not_blocked(&account).await?;
        let ticket = format!("gwt_{}", credential::secret()?);
        let now_ms = self.now_ms();
        let says = TicketRecord {
            account: account.no,
            unique_code: unique_code.map(str::to_owned),
            expires_at_ms: now_ms + ttl_s * 1_000,
        };
        let expires_at_ms = says.expires_at_ms;
        self.0
            .store
            .keep_ticket(
                &NewTicket {
                    hash: credential::hash(&ticket),
                    app: Some(app.no),
                    says,
                },
                now_ms,
            )
            .await?;
        Ok(Ticket { ticket, expires_at_ms })
    }
}
