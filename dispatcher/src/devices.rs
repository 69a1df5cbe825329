//! Devices come and go: registration sets the first cursor, retirement ends the session.

use godwit_hub::{CloseReason, DeviceState};
use godwit_model::{DeviceNo, Refused};
use godwit_registry::{Device, Proof, PushToken, Registered, Registration};

use crate::Dispatcher;
use crate::events::EventKind;
use crate::failure::{of_append, of_registry};
use crate::to_the_end::to_the_end;

/// What a registration made: the live record and its fresh token.
pub type NewRegistration = Registered;

impl Dispatcher {
    /// Registers a device. A new record starts at the floor of its inbox if it is its account's first, else at the head;
    /// sessions of records this retired are closed.
    pub async fn register_device(&self, registration: Registration, proof: Proof) -> Result<NewRegistration, Refused> {
        let dispatcher = self.clone();
        to_the_end(async move { Box::pin(dispatcher.register(registration, proof)).await }).await
    }

    async fn register(&self, registration: Registration, proof: Proof) -> Result<NewRegistration, Refused> {
        let tokens: Vec<PushToken> = registration
            .push
            .iter()
            .chain(&registration.push_fallbacks)
            .cloned()
            .collect();
        let registered = self
            .registry
            .register_device(registration, proof)
            .await
            .map_err(of_registry)?;
        let package = tokens.iter().find_map(|token| token.details.package.clone());
        for retired in &registered.retired {
            if let Some(state) = self.archive.device(*retired) {
                self.hub.close_device(state.account, *retired, CloseReason::Retired);
            }
            self.archive.forget_device(*retired);
            self.device_unregister(*retired, package.clone()).await;
        }
        self.device_register(&registered.device, &tokens).await;
        for retired in &registered.retired {
            self.tell_device(EventKind::DeviceRetired, *retired).await;
        }
        if registered.created {
            self.tell_device(EventKind::DeviceRegistered, registered.device.no)
                .await;
            self.place_first_cursor(&registered.device).await?;
        }
        Ok(registered)
    }

    async fn place_first_cursor(&self, device: &Device) -> Result<(), Refused> {
        let account = device.account.no;
        let cursor = self.hub.first_cursor(account, device.first_of_account);
        let state = DeviceState {
            account,
            cursor,
            session: None,
        };
        let saved = self.archive.save_device(device.no, state).map_err(|e| of_append(&e))?;
        saved.await.map_err(|e| of_append(&e))
    }

    /// Retires a device: its token stops at once, its session is closed, its cursor is forgotten.
    pub async fn retire_device(&self, device: &Device) -> Result<(), Refused> {
        let (dispatcher, account, device) = (self.clone(), device.account.no, device.no);
        to_the_end(async move {
            dispatcher.forget(device).await?;
            dispatcher.hub.close_device(account, device, CloseReason::Retired);
            Ok(())
        })
        .await
    }

    /// As [`Dispatcher::retire_device`], but the session that asks stays until it has its answer.
    pub(crate) async fn forget_device(&self, device: &Device) -> Result<(), Refused> {
        let (dispatcher, device) = (self.clone(), device.no);
        to_the_end(async move { dispatcher.forget(device).await }).await
    }

    async fn forget(&self, device: DeviceNo) -> Result<(), Refused> {
        let package = self.package_of(device).await;
        self.registry.retire_device(device).await.map_err(of_registry)?;
        self.archive.forget_device(device);
        self.device_unregister(device, package).await;
        self.tell_device(EventKind::DeviceRetired, device).await;
        Ok(())
    }

    /// Tells others that a device came or ended.
    async fn tell_device(&self, kind: EventKind, device: DeviceNo) {
        // Only where somebody listens: a look into the store.
        if !self.events.hears(kind) {
            return;
        }
        let found = self.registry.device_ever(device).await;
        let Ok(Some(device)) = found else {
            tracing::warn!(device = device.0, "a device could not be read; nobody is told of it");
            return;
        };
        let data = serde_json::json!({"userId": device.account.user.to_string(),
            "account": device.account.account_id.to_string(), "deviceId": device.device_id.to_string(),
            "os": device.os.to_string()});
        let key = device.no.to_string();
        self.tell_event(device.account.tenant, kind, &data, Some(&key)).await;
    }

    /// Says where vendors reach a device, the one to try first at the front. Whoever had one of these tokens hears
    /// nothing more when this returns.
    pub async fn set_push_tokens(&self, device: &Device, tokens: Vec<PushToken>) -> Result<(), Refused> {
        let (dispatcher, device) = (self.clone(), device.clone());
        to_the_end(async move {
            dispatcher
                .registry
                .set_push_tokens(device.no, &tokens)
                .await
                .map_err(of_registry)?;
            dispatcher.device_register(&device, &tokens).await;
            Ok(())
        })
        .await
    }

    /// Forgets where vendors reach a device: nothing is sent to it when this returns.
    pub async fn remove_push_token(&self, device: &Device) -> Result<(), Refused> {
        let (dispatcher, no) = (self.clone(), device.no);
        to_the_end(async move {
            let package = dispatcher.package_of(no).await;
            dispatcher.registry.remove_push_token(no).await.map_err(of_registry)?;
            dispatcher.device_unregister(no, package).await;
            Ok(())
        })
        .await
    }

    /// Switches vendor push of a device off or on, without losing its token.
    pub async fn set_push_enabled(&self, device: &Device, enabled: bool) -> Result<(), Refused> {
        let was_enabled = device.push_enabled;
        self.registry
            .set_push_enabled(device.no, enabled)
            .await
            .map_err(of_registry)?;
        if !enabled {
            let package = self.package_of(device.no).await;
            self.device_unregister(device.no, package).await;
        } else if !was_enabled {
            let tokens = self.registry.push_tokens(device.no).await.map_err(of_registry)?;
            let tokens: Vec<PushToken> = tokens.into_iter().map(|kept| kept.push).collect();
            self.device_register(device, &tokens).await;
        }
        Ok(())
    }
}
