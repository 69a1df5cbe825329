//! Whether a draft may be sent, and what it becomes. The one place that judges drafts, whatever door they came through.

use std::sync::Arc;

use bytes::Bytes;
use godwit_archive::{DuplicateKey, Entry, RecordKind};
use godwit_model::{AccountNo, Address, Draft, Refusal, Refused, duplicate};
use godwit_protocol::body::FORM_TO_IS_READER;
use godwit_protocol::{Body, fingerprint};
use godwit_registry::{Account, App, Scope};

use crate::expand::Route;
use crate::failure::of_registry;
use crate::{Dispatcher, Sender};

/// A draft that may be sent: ready for the archive.
#[derive(Debug)]
pub struct Accepted {
    pub(crate) id: String,
    pub(crate) entry: Entry,
    pub(crate) refused: Vec<RefusedTarget>,
}

/// A receiver of a list that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedTarget {
    /// As the sender named it, in canonical spelling.
    pub to: String,
    /// Why.
    pub refusal: Refusal,
}

/// In whose name a draft is sent.
pub(crate) struct Author {
    /// The name receivers see and duplicates are judged under.
    pub(crate) name: String,
    /// The account, unless an app speaks as itself.
    pub(crate) account: Option<Arc<Account>>,
    /// The app whose credentials are used, if one.
    pub(crate) app: Option<Arc<App>>,
}

impl Author {
    pub(crate) fn account_no(&self) -> AccountNo {
        self.account.as_ref().map_or(AccountNo(0), |account| account.no)
    }
}

impl Dispatcher {
    /// Judges a draft and finds its recipients. Resolves at once when the registry has everything cached.
    ///
    /// # Errors
    /// Every reason a draft can be refused for, except those the archive decides (`id_conflict`, room).
    pub async fn accept(&self, sender: &Sender, draft: Draft) -> Result<Accepted, Refused> {
        self.check_id(&draft)?;
        let author = self.author(sender, draft.from.as_ref()).await?;
        let route = self.route(sender, &author, &draft).await?;
        Ok(build(sender, &author, route, draft))
    }

    fn check_id(&self, draft: &Draft) -> Result<(), Refused> {
        if draft.id.is_empty() {
            return Err(Refused::new(
                Refusal::InvalidField,
                "`id` is missing: a random text that is kept when the draft is sent again",
            ));
        }
        if duplicate::is_expired(&draft.id, self.clock.now_ms()) {
            return Err(Refusal::IdExpired.into());
        }
        Ok(())
    }

    async fn author(&self, sender: &Sender, from: Option<&Address>) -> Result<Author, Refused> {
        match sender {
            Sender::Device(device) => {
                let user = &device.account.user;
                let is_own = from.is_none_or(|from| matches!(from, Address::User(named) if named == user));
                let author = Author {
                    name: user.to_string(),
                    account: Some(Arc::clone(&device.account)),
                    app: None,
                };
                is_own.then_some(author).ok_or_else(|| Refusal::NotYourself.into())
            }
            Sender::App(app) => self.author_of_app(app, from).await,
        }
    }

    async fn author_of_app(&self, app: &Arc<App>, from: Option<&Address>) -> Result<Author, Refused> {
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
                Ok(Author {
                    name: user.to_string(),
                    account: Some(account),
                    app: Some(Arc::clone(app)),
                })
            }
            Some(other) if other.to_string() != own_name => Err(Refusal::NotYourself.into()),
            _ => Ok(Author {
                name: own_name,
                account: None,
                app: Some(Arc::clone(app)),
            }),
        }
    }
}

fn build(sender: &Sender, author: &Author, route: Route, draft: Draft) -> Accepted {
    let target: Vec<&str> = route.target.iter().map(String::as_str).collect();
    let body = Body {
        from: &route.from,
        to: route.to.as_deref(),
        target: &target,
        tenant_no: sender.tenant().0,
        draft: &draft,
    };
    let entry = Entry {
        kind: RecordKind::Message,
        form: if route.to.is_none() { FORM_TO_IS_READER } else { 0 },
        conversation: Some(route.conversation),
        sender: author.account_no(),
        duplicate_key: Some(DuplicateKey {
            key: fingerprint::draft_key(sender.tenant(), &author.name, &draft.id),
            body: fingerprint::draft(&draft),
        }),
        recipients: route.recipients,
        body: Bytes::from(body.encode()),
    };
    Accepted {
        id: draft.id,
        entry,
        refused: route.refused,
    }
}
