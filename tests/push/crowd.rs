//! Very many phones at once: told to the registry itself, without the doors.

use std::sync::Arc;

use godwit_model::{AppNo, GroupId, OsKind, SystemClock, TenantNo, UserId};
use godwit_push::{Target, VendorName};
use godwit_registry::{App, Asker, NewGroup, Proof, PushDetails, PushToken, Registration, Registry, Scopes, Settings};

use crate::house::{House, MASTER_KEY};

/// A registry of its own on the store of a house.
pub(crate) struct Crowd {
    registry: Registry,
    app: App,
}

impl Crowd {
    pub(crate) async fn of(house: &House) -> Self {
        let store = house.store.clone();
        let registry = Registry::open(store, Arc::new(SystemClock), &MASTER_KEY, Settings::default());
        let app = App {
            no: AppNo(1),
            tenant: TenantNo(1),
            client_id: "crowd".into(),
            name: "crowd".into(),
            scopes: Scopes::all(),
        };
        Self {
            registry: registry.await.unwrap(),
            app,
        }
    }

    /// A user with a phone of a vendor.
    pub(crate) async fn phone(&self, user: &str, vendor: VendorName, target: &Target) {
        let user: UserId = user.parse().unwrap();
        let ticket = self.registry.issue_ticket(&self.app, &user, None, None).await.unwrap();
        let push = PushToken {
            vendor: vendor.as_str().to_owned(),
            token: target.token.clone(),
            details: PushDetails::default(),
        };
        let registration = Registration {
            unique_code: user.to_string(),
            os: OsKind::Android,
            model: String::new(),
            app_version: String::new(),
            language: None,
            push: Some(push),
            push_fallbacks: Vec::new(),
            previous_token: None,
        };
        let registered = self
            .registry
            .register_device(registration, Proof::Ticket(ticket.ticket));
        registered.await.unwrap();
    }

    pub(crate) async fn group(&self, id: &str, members: &[String]) {
        let group = NewGroup {
            id: Some(id.parse::<GroupId>().unwrap()),
            name: "Crowd".to_owned(),
            owner: None,
            members: members.iter().map(|user| user.parse().unwrap()).collect(),
        };
        let asker = Asker {
            account: None,
            name: "a:crowd".to_owned(),
            message_id: "crowd".to_owned(),
        };
        self.registry
            .create_group(self.app.tenant, group, &asker)
            .await
            .unwrap();
    }

    /// Whether a user's phone still has its token.
    pub(crate) async fn has_token(&self, user: &str) -> bool {
        let account = self
            .registry
            .account_of_user(self.app.tenant, &user.parse().unwrap())
            .await;
        let account = account.unwrap().unwrap();
        let devices = self.registry.devices_of(account.no).await.unwrap();
        let token = self.registry.push_token(devices[0].no).await.unwrap();
        token.is_some()
    }
}
