//! Registrations: exactly one live record for each unique code, and who may take one over.
//!
//! What is read and decided here is checked again by the store inside its transaction; when something has changed
//! in between, the decision is made anew.

use std::sync::Arc;

use godwit_model::{DeviceNo, OsKind, Refusal};
use godwit_store::{DeviceFacts, DeviceRecord, NewDevice, RegisterOutcome, Renewal};

use crate::account::{Account, blocked};
use crate::client_version::Update;
use crate::credential::{self, DeviceToken, same};
use crate::device::{Device, UNIQUE_CODE_BYTES_MAX};
use crate::error::Error;
use crate::opaque::Opaque;
use crate::push_token::PushToken;
use crate::registry::{Registry, check_optional_text, check_text, to_the_end};

/// How often a decision is made anew before the caller is told to come again.
const ATTEMPTS: usize = 8;
/// Longest model and app version, in bytes.
const FACT_BYTES_MAX: usize = 255;

/// What a device says of itself when it registers.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// What tells this installation from all others of the tenant: 1 to 255 bytes without control characters.
    pub unique_code: String,
    /// Its operating system.
    pub os: OsKind,
    /// The model, for people; at most 255 bytes, may be empty.
    pub model: String,
    /// The version of the app on it; at most 255 bytes, may be empty.
    pub app_version: String,
    /// Its language (BCP 47).
    pub language: Option<String>,
    /// Where the vendor reaches it. `None` leaves what is stored as it is.
    pub push: Option<PushToken>,
    /// Where other vendors reach it, to be tried after that one, in this order.
    pub push_fallbacks: Vec<PushToken>,
    /// The token of the record that holds this unique code for another user: proof that the device moves.
    pub previous_token: Option<String>,
}

/// Who registers.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A ticket; it is used up by a registration that succeeds.
    Ticket(String),
    /// The device's own token: it registers again.
    DeviceToken(String),
}

/// What a registration made.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The live record.
    pub device: Arc<Device>,
    /// A fresh token, shown this once. An older one works until this one is first used.
    pub device_token: String,
    /// Whether the record is new; otherwise the device kept its id and its cursor.
    pub created: bool,
    /// Records that this registration retired; the caller closes their sessions.
    pub retired: Vec<DeviceNo>,
    /// What the client is told if there is a newer version of it.
    pub update: Option<Update>,
}

/// Whom the proof speaks for.
struct Registrant {
    account: Arc<Account>,
    ticket_hash: Option<[u8; 32]>,
    /// Whether the ticket was made for this very unique code.
    ticket_names_code: bool,
    /// The hash of the device's own token, if that is the proof.
    token_hash: Option<[u8; 32]>,
}

impl Registry {
    /// Registers a device, or registers it again.
    ///
    /// The same user and unique code keep the device and its cursor. A code that another user holds moves only with
    /// a proof (the former token, the same vendor push token, or a ticket that names the code); then the former
    /// record is retired and a new one made, else [`Refusal::DeviceOwned`]. A refusal uses no ticket up.
    pub async fn register_device(&self, registration: Registration, proof: Proof) -> Result<Registered, Error> {
        check(&registration)?;
        let registry = self.clone();
        to_the_end(async move { registry.register(&registration, &proof).await }).await
    }

    async fn register(&self, registration: &Registration, proof: &Proof) -> Result<Registered, Error> {
        for _ in 0..ATTEMPTS {
            let registrant = self.registrant(registration, proof).await?;
            let tenant = registrant.account.tenant;
            let (os, version) = (registration.os, &registration.app_version);
            let update = self.check_client_version(tenant, os, version).await?;
            let holder = self.0.store.device_of_code(tenant, &registration.unique_code).await?;
            let done = match holder {
                Some(own) if own.account.no == registrant.account.no => {
                    self.renew(&own, registration, &registrant).await?
                }
                Some(foreign) => {
                    self.check_move(&foreign, registration, &registrant).await?;
                    self.create(Some(&foreign), registration, &registrant).await?
                }
                None => self.create(None, registration, &registrant).await?,
            };
            if let Some(done) = done {
                return Ok(Registered { update, ..done });
            }
        }
        Err(Error::refused(
            Refusal::Overloaded,
            "this unique code is being registered many times at once; try again",
        ))
    }

    async fn registrant(&self, registration: &Registration, proof: &Proof) -> Result<Registrant, Error> {
        match proof {
            Proof::Ticket(ticket) => self.registrant_by_ticket(registration, ticket).await,
            Proof::DeviceToken(token) => {
                let known = self.known_by_token(token, |_| true).await?;
                if *known.unique_code != *registration.unique_code {
                    let detail = "a device token renews its own device; for another `uniqueCode` take a ticket";
                    return Err(Error::refused(Refusal::Forbidden, detail));
                }
                let account = Arc::clone(&known.device.account);
                Ok(Registrant {
                    account,
                    ticket_hash: None,
                    ticket_names_code: false,
                    token_hash: DeviceToken::parse(token).map(|token| token.hash),
                })
            }
        }
    }

    async fn registrant_by_ticket(&self, registration: &Registration, ticket: &str) -> Result<Registrant, Error> {
        let hash = credential::hash(ticket);
        let record = self
            .0
            .store
            .ticket(&hash, self.now_ms())
            .await?
            .ok_or(Refusal::TicketInvalid)?;
        let names_code = record.unique_code.is_some();
        if record.unique_code.is_some_and(|code| code != registration.unique_code) {
            return Err(Error::refused(
                Refusal::TicketInvalid,
                "the ticket was issued for another `uniqueCode`",
            ));
        }
        let account = self.0.store.account_by_no(record.account).await?;
        let account = account.ok_or_else(|| Error::Internal(format!("a ticket of no account {}", record.account)))?;
        self.check_tenant(account.tenant).await?;
        if account.blocked {
            return Err(blocked(&account.user));
        }
        Ok(Registrant {
            account: Arc::new(account.into()),
            ticket_hash: Some(hash),
            ticket_names_code: names_code,
            token_hash: None,
        })
    }

    async fn check_move(
        &self,
        holder: &DeviceRecord,
        registration: &Registration,
        registrant: &Registrant,
    ) -> Result<(), Error> {
        if registrant.ticket_names_code
            || shows_token_of(holder, registration.previous_token.as_deref())
            || self.shows_push_token_of(holder, registration.push.as_ref()).await?
        {
            return Ok(());
        }
        let detail = "another user holds this `uniqueCode`; send its former device token as `deviceToken`, the same \
                      vendor push token, or a ticket that names the code";
        Err(Error::refused(Refusal::DeviceOwned, detail))
    }

    async fn shows_push_token_of(&self, holder: &DeviceRecord, shown: Option<&PushToken>) -> Result<bool, Error> {
        let Some(shown) = shown else {
            return Ok(false);
        };
        let hash = self.push_hash(&shown.token);
        let stored = self.0.store.push_tokens(holder.no).await?;
        let mut stored = stored.iter();
        Ok(stored.any(|stored| stored.vendor == shown.vendor && same(&stored.token_hash, &hash)))
    }

    /// `None` when what this relies on has changed.
    async fn create(
        &self,
        replaces: Option<&DeviceRecord>,
        registration: &Registration,
        registrant: &Registrant,
    ) -> Result<Option<Registered>, Error> {
        let device_id = Opaque::random()?;
        let (token, device_token) = DeviceToken::fresh(device_id)?;
        let devices_max = self.0.settings.devices_per_account_max;
        let new = NewDevice {
            device_id: device_id.text(),
            tenant: registrant.account.tenant,
            account: registrant.account.no,
            unique_code: registration.unique_code.clone(),
            token_hash: token.hash,
            replaces: replaces.map(|former| former.no),
            devices_max: devices_max as u64,
            facts: self.facts(registration, registrant)?,
        };
        let outcome = self.0.store.create_device(&new).await;
        if let Some(former) = replaces {
            self.device_changed(&former.device_id).await;
            self.push_devices_changed(former.account.no).await;
        }
        self.push_devices_changed(new.account).await;
        let retired = new.replaces.into_iter().collect();
        self.registered(outcome?, device_id, device_token, (true, retired))
            .await
    }

    /// `None` when what this relies on has changed.
    async fn renew(
        &self,
        own: &DeviceRecord,
        registration: &Registration,
        registrant: &Registrant,
    ) -> Result<Option<Registered>, Error> {
        let unreadable = || Error::Internal(format!("device {} has an id that is not ours", own.no));
        let device_id = Opaque::parse(&own.device_id).ok_or_else(unreadable)?;
        let (token, device_token) = DeviceToken::fresh(device_id)?;
        let renewal = Renewal {
            no: own.no,
            account: registrant.account.no,
            token_hash: registrant.token_hash,
            next_token_hash: token.hash,
            facts: self.facts(registration, registrant)?,
        };
        let outcome = self.0.store.renew_device(&renewal).await;
        self.0.devices.changed(&device_id).await;
        self.push_devices_changed(renewal.account).await;
        self.registered(outcome?, device_id, device_token, (false, Vec::new()))
            .await
    }

    async fn registered(
        &self,
        outcome: RegisterOutcome,
        device_id: Opaque,
        device_token: String,
        (created, retired): (bool, Vec<DeviceNo>),
    ) -> Result<Option<Registered>, Error> {
        match outcome {
            RegisterOutcome::Done(_) => {
                // Retired again in this very moment: then there is nothing to answer but to look again.
                let known = self.known_device(device_id).await?;
                Ok(known.map(|known| Registered {
                    device: Arc::clone(&known.device),
                    device_token,
                    created,
                    retired,
                    update: None,
                }))
            }
            RegisterOutcome::Changed => Ok(None),
            RegisterOutcome::TicketSpent => Err(Refusal::TicketInvalid.into()),
            RegisterOutcome::TooMany => {
                let most = self.0.settings.devices_per_account_max;
                Err(Error::refused(
                    Refusal::Forbidden,
                    format!("the user has {most} devices; remove one first"),
                ))
            }
        }
    }

    fn facts(&self, registration: &Registration, registrant: &Registrant) -> Result<DeviceFacts, Error> {
        Ok(DeviceFacts {
            os: registration.os,
            model: registration.model.clone(),
            app_version: registration.app_version.clone(),
            language: registration.language.clone(),
            push: self.seal_all(&all_tokens(registration))?,
            ticket_hash: registrant.ticket_hash,
            now_ms: self.now_ms(),
        })
    }
}

fn all_tokens(registration: &Registration) -> Vec<PushToken> {
    let first = registration.push.iter();
    first.chain(&registration.push_fallbacks).cloned().collect()
}

fn check(registration: &Registration) -> Result<(), Error> {
    check_text("uniqueCode", &registration.unique_code, UNIQUE_CODE_BYTES_MAX)?;
    check_optional_text("model", &registration.model, FACT_BYTES_MAX)?;
    check_optional_text("appVersion", &registration.app_version, FACT_BYTES_MAX)?;
    check_optional_text(
        "language",
        registration.language.as_deref().unwrap_or_default(),
        FACT_BYTES_MAX,
    )
}

/// Either token of a record proves it: the fresh one may never have been used.
fn shows_token_of(holder: &DeviceRecord, token: Option<&str>) -> bool {
    let Some(token) = token.and_then(DeviceToken::parse) else {
        return false;
    };
    token.device_id.text() == holder.device_id
        && (same(&holder.token_hash, &token.hash)
            || holder.next_token_hash.is_some_and(|next| same(&next, &token.hash)))
}
