//! In whose name a draft is sent: a device speaks as its user, an app as itself or as a user of its tenant.

use std::sync::Arc;

use godwit_model::{AccountNo, Address, Refusal, Refused, TenantNo};
use godwit_registry::{Account, App, Scope};

use crate::failure::of_registry;
use crate::{Dispatcher, Sender};

/// In whose name a draft is sent.
pub(crate) struct Author {
    /// The name receivers see and duplicates are judged under.
    pub(crate) name: String,
    /// The account, unless an app speaks as itself.
    pub(crate) account: Option<Arc<Account>>,
    /// The app whose credentials are used, if one.
    pub(crate) app: Option<Arc<App>>,
    /// The device whose credentials are used, if one.
    pub(crate) device_id: Option<Box<str>>,
    /// The tenant everything that is named belongs to.
    pub(crate) tenant: TenantNo,
}

impl Author {
    pub(crate) fn account_no(&self) -> AccountNo {
        self.account.as_ref().map_or(AccountNo(0), |account| account.no)
    }
}

impl Dispatcher {
    pub(crate) async fn author(&self, sender: &Sender, from: Option<&Address>) -> Result<Author, Refused> {
        match sender {
            Sender::Device(device) => {
                let user = &device.account.user;
                let is_own = from.is_none_or(|from| matches!(from, Address::User(named) if named == user));
                let author = Author {
                    name: user.to_string(),
                    account: Some(Arc::clone(&device.account)),
                    app: None,
                    device_id: Some(device.device_id.clone()),
                    tenant: device.account.tenant,
                };
                is_own.then_some(author).ok_or_else(|| Refusal::NotYourself.into())
            }
            Sender::App(app) => self.author_of_app(app, from).await,
        }
    }

    pub(crate) async fn author_of_app(&self, app: &Arc<App>, from: Option<&Address>) -> Result<Author, Refused> {
        if !app.scopes.contains(Scope::Messages) {
            return Err(Refused::new(Refusal::Forbidden, "needs the scope `messages`"));
        }
        let own_name = format!("a:{}", app.client_id);
        match from {
            Some(Address::User(user)) => {
                let account = self
                    .registry
                    .account_of_user(app.tenant, user)
                    .await
                    .map_err(of_registry)?;
                let account =
                    account.ok_or_else(|| Refused::new(Refusal::UserNotFound, format!("`from`: no user {user}")))?;
                self.registry.check_not_blocked(&account).await.map_err(of_registry)?;
                Ok(Author {
                    name: user.to_string(),
                    account: Some(account),
                    app: Some(Arc::clone(app)),
                    device_id: None,
                    tenant: app.tenant,
                })
            }
            Some(other) if other.to_string() != own_name => Err(Refusal::NotYourself.into()),
            _ => Ok(Author {
                name: own_name,
                account: None,
                app: Some(Arc::clone(app)),
                device_id: None,
                tenant: app.tenant,
            }),
        }
    }
}
