//! A registry with one app, and short ways to ask it.

use std::sync::Arc;

use godwit_model::clock::ManualClock;
use godwit_model::{OsKind, Refusal, TenantNo, UserId};
use godwit_registry::{
    App, Asker, Error, NewApp, Proof, PushToken, Registered, Registration, Registry, SecretCost, Settings,
};
use godwit_store::Store;

pub(crate) const NOON_MS: u64 = 1_700_000_000_000;
pub(crate) const TENANT: TenantNo = TenantNo(1);

pub(crate) struct House {
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) first: NewApp,
}

pub(crate) fn cheap() -> Settings {
    Settings {
        secret_cost: SecretCost {
            memory_kib: 8,
            passes: 1,
        },
        ..Settings::default()
    }
}

/// An app that asks for changes of groups.
pub(crate) fn asker() -> Asker {
    Asker {
        account: None,
        name: "a:app".to_owned(),
        message_id: "m".to_owned(),
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(cheap()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let clock = Arc::new(ManualClock::new(NOON_MS));
        let registry = Registry::open(store, clock.clone(), &[7; 32], settings).await.unwrap();
        let first = registry.first_app().await.unwrap().expect("the store is new");
        Self { registry, clock, first }
    }

    pub(crate) fn app(&self) -> &App {
        &self.first.app
    }

    pub(crate) async fn ticket(&self, name: &str) -> String {
        self.registry
            .issue_ticket(self.app(), &user(name), None, None)
            .await
            .unwrap()
            .ticket
    }

    pub(crate) async fn ticket_for(&self, name: &str, code: &str) -> String {
        self.registry
            .issue_ticket(self.app(), &user(name), Some(code), None)
            .await
            .unwrap()
            .ticket
    }

    /// Registers with a fresh ticket of the user.
    pub(crate) async fn register(&self, name: &str, registration: Registration) -> Result<Registered, Error> {
        let ticket = self.ticket(name).await;
        self.registry.register_device(registration, Proof::Ticket(ticket)).await
    }

    pub(crate) async fn phone(&self, name: &str, code: &str) -> Registered {
        self.register(name, registration(code)).await.unwrap()
    }

    pub(crate) async fn is_good(&self, token: &str) -> bool {
        match self.registry.authenticate_device_token(token).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.refusal(), Some(Refusal::Unauthenticated), "{error}");
                false
            }
        }
    }

    /// Makes accounts of users `{prefix}0` and so on.
    pub(crate) async fn users(&self, prefix: &str, count: usize) -> Vec<UserId> {
        let mut users = Vec::new();
        for at in 0..count {
            let name = format!("{prefix}{at}");
            self.ticket(&name).await;
            users.push(user(&name));
        }
        users
    }
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub(crate) fn registration(code: &str) -> Registration {
    Registration {
        unique_code: code.to_owned(),
        os: OsKind::Android,
        ..Registration::default()
    }
}

pub(crate) fn fcm(token: &str) -> PushToken {
    PushToken {
        details: godwit_registry::PushDetails::default(),
        vendor: "fcm".to_owned(),
        token: token.to_owned(),
    }
}

#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>, refusal: Refusal) {
    match result {
        Err(error) => assert_eq!(error.refusal(), Some(refusal), "{error}"),
        Ok(done) => panic!("{refusal:?} was expected, not {done:?}"),
    }
}
