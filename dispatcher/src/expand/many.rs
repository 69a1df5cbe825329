//! What an app sends to many at once: a list, tags, organisations, its users, everyone.
//!
//! Whoever is named twice gets it once. The accounts are gathered as numbers, at most [`RECIPIENTS_MAX`] of them: more
//! are refused before anything is stored.

use std::sync::Arc;

use godwit_model::limits::RECIPIENTS_MAX;
use godwit_model::{AccountNo, Address, ConversationKey, Refusal, Refused};
use godwit_registry::{App, Error, Scope};

use super::{AcceptedTarget, RefusedTarget, Route, distinct};
use crate::Dispatcher;
use crate::author::Author;
use crate::failure::of_registry;

impl Dispatcher {
    pub(super) async fn to_many(&self, author: &Author, list: &[Address]) -> Result<Route, Refused> {
        let Some(app) = &author.app else {
            return Err(Refused::new(
                Refusal::Forbidden,
                "only an app sends to many; a device names one user or group",
            ));
        };
        if let Some(wide) = list.iter().find(|address| !matches!(address, Address::User(_))) {
            may_broadcast(app, wide)?;
        }
        let (mut recipients, mut accepted, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for address in list {
            match self.accounts_behind(app, address).await {
                Ok(mut accounts) => {
                    accepted.push(AcceptedTarget {
                        to: address.to_string(),
                        accounts: u32::try_from(accounts.len()).unwrap_or(u32::MAX),
                    });
                    recipients.append(&mut accounts);
                    if recipients.len() > RECIPIENTS_MAX {
                        recipients = distinct(recipients);
                        check_size(recipients.len())?;
                    }
                }
                Err(Refused { refusal, .. }) if list.len() > 1 && is_of_target(refusal) => {
                    refused.push(RefusedTarget {
                        to: address.to_string(),
                        refusal,
                    });
                }
                Err(refused) => return Err(refused),
            }
        }
        if recipients.is_empty() {
            return Err(nobody(list, accepted.is_empty()));
        }
        recipients.extend(author.account.as_ref().map(|own| own.no));
        Ok(Route {
            conversation: ConversationKey::broadcast(app.tenant, app.no),
            recipients: distinct(recipients),
            from: author.name.clone(),
            to: None,
            target: Vec::new(),
            accepted,
            refused,
        })
    }

    /// The accounts an address stands for in the tenant of an app.
    async fn accounts_behind(&self, app: &Arc<App>, address: &Address) -> Result<Vec<AccountNo>, Refused> {
        let tenant = app.tenant;
        let found = match address {
            Address::User(user) => {
                let account = self.registry.account_of_user(tenant, user).await.map_err(of_registry)?;
                let account = account.ok_or_else(|| {
                    Refused::new(Refusal::UserNotFound, format!("`to`: no user {user} in this tenant"))
                })?;
                return Ok(vec![account.no]);
            }
            Address::Group(_) => {
                return Err(Refused::new(
                    Refusal::InvalidField,
                    format!("`to`: {address} is a group, which has a conversation of its own; send to it alone"),
                ));
            }
            Address::Tag(id) => self.registry.accounts_of_tag(tenant, id).await,
            Address::Org(id) => self.registry.accounts_of_org(tenant, id).await,
            Address::App(id) => self.registry.accounts_of_app(tenant, id.as_str()).await,
            Address::Audience(audience) => self.registry.accounts_of_audience(tenant, audience).await,
            Address::All => self.everyone(app).await,
        };
        found.map_err(of_registry)
    }

    async fn everyone(&self, app: &App) -> Result<Vec<AccountNo>, Error> {
        let count = self.registry.count_accounts(app.tenant).await?;
        if count > RECIPIENTS_MAX as u64 {
            return Err(Error::refused(Refusal::TooManyRecipients, too_many(count)));
        }
        self.registry.accounts_of_tenant(app.tenant).await
    }
}

fn may_broadcast(app: &App, address: &Address) -> Result<(), Refused> {
    if app.scopes.contains(Scope::Broadcast) {
        return Ok(());
    }
    let detail = format!("{address} is for apps with the scope `broadcast`");
    Err(Refused::new(Refusal::Forbidden, detail))
}

/// Whether a no is about one receiver of several, and the others still get the message.
fn is_of_target(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::UserNotFound | Refusal::NotFound)
}

fn check_size(recipients: usize) -> Result<(), Refused> {
    if recipients <= RECIPIENTS_MAX {
        return Ok(());
    }
    Err(Refused::new(Refusal::TooManyRecipients, too_many(recipients as u64)))
}

fn too_many(recipients: u64) -> String {
    format!("{recipients} recipients; one message has at most {RECIPIENTS_MAX}, a broadcast job has any number")
}

fn nobody(list: &[Address], none_exists: bool) -> Refused {
    let detail = match list {
        [Address::All] => "this tenant has no users yet",
        _ if none_exists => "`to`: none of these exists in this tenant",
        _ => "`to`: nobody is behind these names now",
    };
    Refused::new(Refusal::UserNotFound, detail)
}
